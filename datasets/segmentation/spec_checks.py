"""Whether the numbers of a `dataset.json` can be true.

People edit that file, and programs of others write it. `common.json_files` checks the types; the
functions here raise `ValueError` that names the key where a value is impossible.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from datasets.records import tfrecords

if TYPE_CHECKING:  # It imports this module.
    from datasets.segmentation.specs import DatasetSpec, SplitSpec

_MAX_CLASSES = 256
_MAX_SIDE = 2**31 - 1
# Of numbers in a split; the others are 0 or more.
_LIMITS = {
    "num_shards": (1, tfrecords.MAX_SHARDS),
    "max_height": (0, _MAX_SIDE),
    "max_width": (0, _MAX_SIDE),
}


def check_dataset(spec: DatasetSpec) -> None:
    """Checks the fields of a dataset and of its splits."""
    names, palette = spec.class_names, spec.palette
    _check_file_name("name", spec.name)
    for name in names:
        _check_encodable("class_names", name)
    if not names or len(palette) != len(names):
        raise ValueError(f"{len(names)} class_names and {len(palette)} palette colors")
    if len(names) > _MAX_CLASSES:
        raise ValueError(f"{len(names)} class_names; expected at most {_MAX_CLASSES}")
    for color in palette:
        if len(color) != 3 or not all(0 <= value <= 255 for value in color):
            raise ValueError(f"palette has the color {list(color)}")
    _check_range("ignore_label", spec.ignore_label, 0, 255)
    if not spec.splits:
        raise ValueError("splits is empty")
    for name, split in spec.splits.items():
        where = f"splits.{name}"
        _check_file_name("a name in splits", name)
        check_split(split, where)
        for key in ("pixels_per_class", "examples_per_class"):
            count = len(getattr(split, key))
            if count not in (0, len(names)):
                raise ValueError(f"{where}.{key} has {count} numbers for {len(names)} classes")


def check_split(split: SplitSpec, where: str) -> None:
    """Checks the fields of a split; `where` is the key of the object in its file."""
    for field in dataclasses.fields(split):
        key, value = f"{where}.{field.name}", getattr(split, field.name)
        for entry in value if isinstance(value, tuple) else (value,):
            if isinstance(entry, str):
                _check_file_name(key, entry)
            else:
                _check_range(key, entry, *_LIMITS.get(field.name, (0, None)))
        if field.name.startswith("shard_") and len(value) not in (0, split.num_shards):
            raise ValueError(f"{key} has {len(value)} entries for {split.num_shards} shards")


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
