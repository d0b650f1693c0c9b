"""Whether the numbers of a `dataset.json` can be true.

People edit that file, and programs of others write it. `common.json_files` checks the types; the
functions here raise `ValueError` that names the key where a value is impossible.
"""

from collections.abc import Mapping
from typing import Any

from datasets.records import tfrecords

_MAX_CLASSES = 256
_MAX_SIDE = 2**31 - 1
_PER_CLASS = ("pixels_per_class", "examples_per_class")
_PER_SHARD = ("shard_examples", "shard_bytes", "shard_files")


def check_dataset(fields: Mapping[str, Any]) -> None:
    """Checks the fields of a `specs.DatasetSpec`."""
    names, palette = fields["class_names"], fields["palette"]
    _check_file_name("name", fields["name"])
    for name in names:
        _check_encodable("class_names", name)
    if not names or len(palette) != len(names):
        raise ValueError(f"{len(names)} class_names and {len(palette)} palette colors")
    if len(names) > _MAX_CLASSES:
        raise ValueError(f"{len(names)} class_names; expected at most {_MAX_CLASSES}")
    for color in palette:
        if len(color) != 3 or not all(0 <= value <= 255 for value in color):
            raise ValueError(f"palette has the color {list(color)}")
    _check_range("ignore_label", fields["ignore_label"], 0, 255)
    if not fields["splits"]:
        raise ValueError("splits is empty")
    for name, split in fields["splits"].items():
        _check_file_name("a name in splits", name)
        check_split(vars(split), f"splits.{name}")
        for key in _PER_CLASS:
            if len(getattr(split, key)) not in (0, len(names)):
                raise ValueError(
                    f"splits.{name}.{key} has {len(getattr(split, key))} numbers for {len(names)} "
                    "classes"
                )


def check_split(fields: Mapping[str, Any], where: str) -> None:
    """Checks the fields of a `specs.SplitSpec`.

    Args:
      fields: by name.
      where: key of the object in its file, for messages.
    """
    for key in ("num_examples", "ignored_pixels"):
        _check_range(f"{where}.{key}", fields[key], 0)
    for key in ("max_height", "max_width"):
        _check_range(f"{where}.{key}", fields[key], 0, _MAX_SIDE)
    _check_range(f"{where}.num_shards", fields["num_shards"], 1, tfrecords.MAX_SHARDS)
    for key in (*_PER_CLASS, "shard_examples", "shard_bytes"):
        for number in fields[key]:
            _check_range(f"{where}.{key}", number, 0)
    for name in fields["shard_files"]:
        _check_file_name(f"{where}.shard_files", name)
    for key in _PER_SHARD:
        if len(fields[key]) not in (0, fields["num_shards"]):
            raise ValueError(
                f"{where}.{key} has {len(fields[key])} entries for {fields['num_shards']} shards"
            )


def _check_range(key: str, value: int, low: int, high: int | None = None) -> None:
    if value < low or (high is not None and value > high):
        expected = f"{low} or more" if high is None else f"{low} to {high}"
        raise ValueError(f"{key} is {value}; expected {expected}")


def _check_file_name(key: str, name: str) -> None:
    if name in ("", ".", "..") or "/" in name or "\0" in name:
        raise ValueError(f"{key} is {name!r}; expected a name without a folder")
    _check_encodable(key, name)


def _check_encodable(key: str, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{key} has half a character ({text!a})") from None
