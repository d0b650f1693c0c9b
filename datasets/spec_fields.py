"""The values of a `dataset.json`, checked one by one.

People edit that file, and programs of others write it, so nothing in it is trusted: each function
raises `ValueError` that names the key, and nothing else.
"""

from typing import Any

from common import json_files
from datasets import tfrecords

FORMAT_VERSION = 1
_MAX_CLASSES = 256

_COUNT = json_files.integer()
_COUNTS = json_files.sequence(_COUNT)
_SIDE = json_files.integer(0, 2**31 - 1)
_ANY_INTEGER = json_files.integer(-json_files.MAX_INTEGER)

_READERS = {
    "name": json_files.file_name,
    "class_names": json_files.sequence(json_files.text),
    "palette": json_files.sequence(json_files.sequence(_ANY_INTEGER)),
    "ignore_label": json_files.integer(0, 255),
    "has_gradient": json_files.boolean,
    "splits": json_files.mapping,
}
_SPLIT_READERS = {
    "num_examples": _COUNT,
    "num_shards": json_files.integer(1, tfrecords.MAX_SHARDS),
    "pixels_per_class": _COUNTS,
    "examples_per_class": _COUNTS,
    "ignored_pixels": _COUNT,
    "max_height": _SIDE,
    "max_width": _SIDE,
}
# One entry for each shard; files of earlier versions lack them.
_SHARD_READERS = {
    "shard_examples": _COUNTS,
    "shard_bytes": _COUNTS,
    "shard_files": json_files.sequence(json_files.file_name),
}


def read_fields(path: str) -> dict[str, Any]:
    """Reads and checks a `dataset.json`.

    Returns:
      The fields of a `specs.DatasetSpec` without its directory; "splits" holds, by name, the fields
      of a `specs.SplitSpec`.

    Raises:
      OSError: the file cannot be opened.
      ValueError: a value is missing or wrong; the message names its key, not the file.
    """
    content = json_files.read_object(path)
    version = content.pop("format_version", None)
    if version != FORMAT_VERSION:
        raise ValueError(
            f"format_version is {json_files.shown(version)}; this program reads {FORMAT_VERSION}"
        )
    fields = {key: json_files.take(content, key, read) for key, read in _READERS.items()}
    json_files.refuse_rest(content)
    _check_classes(fields["class_names"], fields["palette"])
    if not fields["splits"]:
        raise ValueError("splits is empty")
    splits = {
        json_files.file_name(name, "a name in splits"): split_fields(split, f"splits.{name}")
        for name, split in fields["splits"].items()
    }
    for name, split in splits.items():
        for key in ("pixels_per_class", "examples_per_class"):
            if len(split[key]) not in (0, len(fields["class_names"])):
                raise ValueError(
                    f"splits.{name}.{key} has {len(split[key])} numbers for "
                    f"{len(fields['class_names'])} classes"
                )
    return {**fields, "splits": splits}


def split_fields(value: Any, where: str) -> dict[str, Any]:
    """Checks the fields of a `specs.SplitSpec`.

    Args:
      value: what its JSON object holds.
      where: key of the object, for messages.

    Raises:
      ValueError: a value is missing or wrong; the message names its key.
    """
    content = json_files.mapping(value, where)
    present = {key: read for key, read in _SHARD_READERS.items() if key in content}
    fields = {
        key: json_files.take(content, key, read, where)
        for key, read in {**_SPLIT_READERS, **present}.items()
    }
    json_files.refuse_rest(content, where)
    for key in present:
        if len(fields[key]) not in (0, fields["num_shards"]):
            raise ValueError(
                f"{where}.{key} has {len(fields[key])} entries for {fields['num_shards']} shards"
            )
    return fields


def _check_classes(names: tuple[str, ...], palette: tuple[tuple[int, ...], ...]) -> None:
    if not names or len(palette) != len(names):
        raise ValueError(f"{len(names)} class_names and {len(palette)} palette colours")
    if len(names) > _MAX_CLASSES:
        raise ValueError(f"{len(names)} class_names; expected at most {_MAX_CLASSES}")
    for colour in palette:
        if len(colour) != 3 or not all(0 <= value <= 255 for value in colour):
            raise ValueError(f"palette has the colour {list(colour)}")
