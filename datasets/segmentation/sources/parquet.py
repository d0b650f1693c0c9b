"""Datasets of Hugging Face: parquet files with a column of images and one of masks.

    my_data/
      data/train-00000-of-00002.parquet     or train/0000.parquet, or train.parquet
      data/validation-00000-of-00001.parquet
      id2label.json                         optional: {"0": "background", "1": "cat"}

A column holds files, as the library `datasets` writes them: their bytes, or bytes and a path.
Examples are called after their row in the split. pyarrow reads the files a group of rows at a time,
so memory is that of a group, whatever the number of rows.
"""

import dataclasses
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from common.texts import printable
from datasets.images import image_folders
from datasets.records import split_names, val_split
from datasets.segmentation.masks import mask_values as values_of_masks
from datasets.segmentation.masks.mask_format import MaskFormat
from datasets.segmentation.sources import class_file, class_tables, layouts, listing, parquet_sample
from datasets.segmentation.sources.class_count import find_classes
from datasets.segmentation.sources.class_tables import ClassTable
from datasets.segmentation.sources.parquet_sample import ParquetSample
from datasets.segmentation.sources.source import Sample, Source

DEFAULT_VAL_FRACTION = 0.2

_ENDING = ".parquet"
_SHARD_NUMBER = re.compile(r"(^|-)\d{4,}(-of-\d{4,}.*)?$")
_METADATA, _ID2LABEL = b"huggingface", "id2label"
_IMAGE_COLUMNS = layouts.IMAGES | {"pixelvalues"}
_EXPECTED = "parquet files such as data/train-00000-of-00001.parquet"
_MAX_DEPTH = 2


@dataclasses.dataclass(frozen=True)
class _Shard:
    """What is known of a file."""

    path: str
    columns: tuple[str, str]
    group_sizes: tuple[int, ...]
    labels: Mapping[str, str]  # name of each id, as its metadata have it


def matches(data_dir: str) -> bool:
    """Whether a folder, or one in it, has parquet files."""
    return next(_find_files(data_dir), None) is not None


def open_source(
    data_dir: str,
    classes_file: str | None = None,
    val_fraction: float | None = None,
    seed: int = 0,
    mask_values: Mapping[int, int] | None = None,
) -> Source:
    """Opens a folder of parquet files, after which the dataset is named.

    The arguments are those of `sources.open_source`.

    Raises:
      ValueError: there are no such files, they have other columns, or the classes cannot be found.
    """
    data_dir = os.path.normpath(data_dir)
    image_folders.require_folder(data_dir, _EXPECTED)
    shards: dict[str, list[str]] = {}
    for path in _find_files(data_dir):
        shards.setdefault(_split_of(path), []).append(path)
    if not shards:
        raise ValueError(listing.describe_layout(data_dir, _EXPECTED))
    opened = {
        split: [_open_shard(path) for path in paths]
        for split, paths in split_names.name_shards(shards).items()
    }
    opened = val_split.require_train(opened, data_dir, "the files of the one")
    samples: dict[str, Sequence[Sample]] = {
        split: tuple(_samples(files)) for split, files in opened.items()
    }
    splits, problems = val_split.draw(samples, val_fraction, seed, data_dir, DEFAULT_VAL_FRACTION)
    table, classes = None, _find_class_file(data_dir, classes_file)
    if classes is None:
        table = _find_table(data_dir, opened[val_split.TRAIN][0])
        every = [sample for each in samples.values() for sample in each]
        if table:
            classes = table.classes
        else:
            found = find_classes(every, data_dir, mask_values)
            classes, mask_values = found.classes, found.values
            problems += found.problems
    if mask_values is not None:
        values_of_masks.check(mask_values, len(classes.names), classes.ignore_label)
    return Source(
        name=image_folders.dataset_name(data_dir),
        class_names=classes.names,
        palette=classes.display_palette,
        ignore_label=classes.ignore_label,
        splits=splits,
        mask_format=MaskFormat(
            id_map=table.id_map if table else {}, colors=classes.mask_colors, values=mask_values
        ),
        problems=tuple(problems),
    )


def _find_files(folder: str, depth: int = 0) -> Iterator[str]:
    if not os.path.isdir(folder):
        return
    for name in image_folders.files_in(folder):
        if name.lower().endswith(_ENDING):
            yield os.path.join(folder, name)
    if depth < _MAX_DEPTH:
        for path in image_folders.subfolders(folder).values():
            yield from _find_files(path, depth + 1)


def _split_of(path: str) -> str:
    """Returns what the name of a file, or else its folder, says of a split."""
    stem = _SHARD_NUMBER.sub("", os.path.splitext(os.path.basename(path))[0])
    return stem or os.path.basename(os.path.dirname(path))


def _open_shard(path: str) -> _Shard:
    with parquet_sample.open_file(path) as file:
        schema, metadata = file.schema_arrow, file.metadata
        sizes = tuple(metadata.row_group(n).num_rows for n in range(metadata.num_row_groups))
        return _Shard(path, _find_columns(schema, path), sizes, _find_labels(schema))


def _find_columns(schema: Any, path: str) -> tuple[str, str]:
    """Returns the columns of images and of masks."""
    files = [field.name for field in schema if _holds_files(field.type)]
    images = [name for name in files if image_folders.fold(name) in _IMAGE_COLUMNS]
    masks = [name for name in files if image_folders.fold(name) in layouts.MASKS]
    if len(files) == 2:  # One of them tells what the other is.
        images = images or [name for name in files if masks and name not in masks]
        masks = masks or [name for name in files if images and name not in images]
    if len(images) != 1 or len(masks) != 1:
        columns = ", ".join(f"{field.name} ({field.type})" for field in schema)
        raise ValueError(
            f"{printable(path)} has the columns {printable(columns)}; expected one of images, such "
            "as image, and one of masks, such as label, mask or annotation, both of them files "
            "(bytes and path). Rename or remove columns."
        )
    return images[0], masks[0]


def _holds_files(kind: Any) -> bool:
    from pyarrow import types

    if types.is_struct(kind):
        index = kind.get_field_index("bytes")
        kind = kind.field(index).type if index >= 0 else kind
    return types.is_binary(kind) or types.is_large_binary(kind)


def _find_labels(schema: Any) -> Mapping[str, str]:
    """Returns `id2label` of the metadata that Hugging Face's library writes, if it is there."""
    try:
        content = json.loads((schema.metadata or {}).get(_METADATA, b"{}"))
    except ValueError:
        return {}
    places = (content, content.get("info")) if isinstance(content, dict) else ()
    found = (each.get(_ID2LABEL) for each in places if isinstance(each, dict))
    return next((each for each in found if isinstance(each, dict)), {})


def _samples(files: Sequence[_Shard]) -> Iterator[ParquetSample]:
    """Yields the rows of a split's files, named such that their order is that of names."""
    digits = len(str(sum(sum(file.group_sizes) for file in files)))
    number = 0
    for file in files:
        row = 0
        for group, size in enumerate(file.group_sizes):
            for row_in_group in range(size):
                name = f"{number:0{digits}d}"
                yield ParquetSample(
                    name, file.path, file.path, row, group, row_in_group, file.columns
                )
                number, row = number + 1, row + 1


def _find_class_file(data_dir: str, path: str | None) -> class_file.ClassFile | None:
    if path is None and os.path.isfile(os.path.join(data_dir, class_file.NAME)):
        path = os.path.join(data_dir, class_file.NAME)
    return class_file.read_class_file(path) if path is not None else None


def _find_table(data_dir: str, shard: _Shard) -> ClassTable | None:
    """Returns the classes of a table in the folder or the one above, or of a file's metadata."""
    folders = [data_dir]
    if os.path.basename(data_dir) == "data":
        folders.append(os.path.dirname(os.path.abspath(data_dir)))
    for folder in folders:
        table = class_tables.find_class_table(folder)
        if table is not None:
            return table
    return class_tables.table_of_labels(shard.path, shard.labels) if shard.labels else None
