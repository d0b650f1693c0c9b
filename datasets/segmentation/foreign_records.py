"""Describes records that another program wrote: reads all of them for their `dataset.json`.

Every record is decoded as training decodes it, so that what is described can be trained on.
"""

import contextlib
import dataclasses
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow.compat.v1 as tf

from common import palettes
from common.texts import first_few
from datasets.records import record_errors, shard_names, tfrecords, workers
from datasets.segmentation import record_format
from datasets.segmentation.class_statistics import ClassCounter, add_shards, count_ids
from datasets.segmentation.masks import blending
from datasets.segmentation.masks.blending import Ramps
from datasets.segmentation.specs import DatasetSpec, SplitSpec

_NUM_IDS = 256


class _Scan(NamedTuple):
    """What one shard holds."""

    statistics: SplitSpec  # with 256 classes, as a split of one shard
    has_gradient: bool  # in each record
    first_with_id: Mapping[int, str]  # where each id occurs first, in words
    ramps: Ramps


def describe(
    directory: str,
    *,
    name: str,
    ignore_label: int,
    class_names: Sequence[str] | None = None,
    palette: Sequence[tuple[int, int, int]] | None = None,
    num_workers: int | None = None,
    show_progress: bool = True,
) -> DatasetSpec:
    """Reads all shards in a folder.

    Args:
      directory: folder of the shards, named as `datasets.records.shard_names` lists.
      ignore_label: id that is never trained on or scored.
      class_names: name of each class id; None for class_0, class_1, … up to the largest id.
      palette: RGB color of each class id; None for the colors of PASCAL VOC.
      num_workers: threads, each for a shard; None for one per core.

    Raises:
      OSError: a file cannot be opened.
      ValueError: shards are missing or damaged, a record cannot be decoded, a mask holds ids that
        no class has, or the ids hardly stand for classes; the message names the file and the
        record.
    """
    shards = shard_names.find_any(directory)
    paths = [os.path.join(directory, name) for names in shards.values() for name in names]
    with contextlib.closing(_Scanner(ignore_label)) as scanner:
        results = workers.map_in_order(
            scanner.scan,
            paths,
            description="reading",
            unit="shard",
            num_workers=num_workers,
            show_progress=show_progress,
        )
        scans = list(results)
    _check_blending(scans, directory, has_names=class_names is not None)
    class_names = _classes(scans, class_names, ignore_label)
    rest = iter(scans)
    if palette and len(palette) != len(class_names):
        raise ValueError(
            f"{len(palette)} colors for {len(class_names)} classes; give one for each."
        )
    return DatasetSpec(
        name=name,
        directory=directory,
        class_names=class_names,
        palette=tuple(palette or palettes.voc_palette(len(class_names))),
        ignore_label=ignore_label,
        has_gradient=all(scan.has_gradient for scan in scans),
        splits={
            split: _join(directory, split, names, [next(rest) for _ in names], len(class_names))
            for split, names in shards.items()
        },
    )


class _Scanner:
    """Reads shards with one graph, from any thread; `close` it afterwards."""

    def __init__(self, ignore_label: int) -> None:
        self._ignore_label = ignore_label
        graph = tf.Graph()
        with graph.as_default():
            self._serialized = tf.placeholder(tf.string, [])
            record = record_format.parse_record(self._serialized, with_gradient=True)
            example = record_format.parse_example(self._serialized, with_gradient=False)
            has_gradient = tf.not_equal(record.gradient, "") | (tf.size(record.gradient_list) > 0)
            self._fetches = (example["label"], example["image_name"], has_gradient)
        self._session = tf.Session(graph=graph)

    def close(self) -> None:
        self._session.close()

    def scan(self, path: str) -> _Scan:
        counter = ClassCounter(_NUM_IDS, self._ignore_label)
        has_gradient, ramps = True, blending.NOTHING
        first_with_id: dict[int, str] = {}
        for number, record in enumerate(tfrecords.read_records(path)):
            try:
                label, name, has = self._session.run(self._fetches, {self._serialized: record})
            except tf.errors.OpError as error:
                raise ValueError(record_errors.describe(error, record, number, path)) from None
            histogram = count_ids(label)
            counter.add(histogram, label.shape[:2])
            ramps += blending.find_ramps(label[..., 0])
            has_gradient = has_gradient and bool(has)
            where = f"image {name.decode(errors='replace')}, record {number} of {path}"
            for class_id in np.flatnonzero(histogram):
                first_with_id.setdefault(int(class_id), where)
        statistics = counter.to_split()
        return _Scan(statistics, has_gradient, first_with_id, ramps)


def _check_blending(scans: Iterable[_Scan], directory: str, has_names: bool) -> None:
    """Refuses masks that were resized smoothly, or may have been and have no names of classes."""
    blended = blending.judge(sum((scan.ramps for scan in scans), blending.NOTHING))
    if blended is None:
        return
    if blended.kind == blending.RAMP or (blended.kind == blending.RIM and not has_names):
        raise ValueError(f"the masks in {directory}: {blended.describe()}")


def _classes(
    scans: Iterable[_Scan], names: Sequence[str] | None, ignore_label: int
) -> tuple[str, ...]:
    """Returns the names of the classes, after checking that every id can be one and has one."""
    first_with_id: dict[int, str] = {}
    for scan in scans:
        first_with_id = {**scan.first_with_id, **first_with_id}
    ids = sorted(set(first_with_id) - {ignore_label})
    if ignore_label == 255 and len(ids) == 1 and 255 in first_with_id:
        raise ValueError(
            f"{first_with_id[255]}: the masks hold only {ids[0]} and 255, and 255 means 'ignored', "
            "so what it marks would never be learned. Store 0 and 1 in the records."
        )
    if names is None and ids and ids[-1] + 1 > 2 * len(ids):
        raise ValueError(
            f"{first_with_id[ids[-1]]}: the masks hold the ids {first_few(ids, 12)}, so most ids "
            f"up to {ids[-1]} never occur. Store the numbers 0, 1, 2, … of classes; or, if the "
            "ids are meant so, name the classes."
        )
    if names is None:
        return tuple(f"class_{index}" for index in range(ids[-1] + 1 if ids else 1))
    unknown = [class_id for class_id in ids if class_id >= len(names)]
    if unknown:
        raise ValueError(
            f"{first_with_id[unknown[0]]}: the mask holds the id {unknown[0]}, which has no class. "
            f"All such ids are {first_few(unknown)}; the {len(names)} classes have the ids 0 to "
            f"{len(names) - 1}, and {ignore_label} is ignored. Name more classes, or give another "
            "ignore_label."
        )
    return tuple(names)


def _join(
    directory: str, split: str, names: Sequence[str], scans: Sequence[_Scan], num_classes: int
) -> SplitSpec:
    num_bytes = [os.path.getsize(os.path.join(directory, name)) for name in names]
    joined = add_shards([scan.statistics for scan in scans], num_bytes)
    if not joined.num_examples:
        raise ValueError(f"the shards of split {split!r} in {directory} hold no records.")
    ours = [tfrecords.shard_path("", split, index, len(names)) for index in range(len(names))]
    return dataclasses.replace(
        joined,
        pixels_per_class=joined.pixels_per_class[:num_classes],
        examples_per_class=joined.examples_per_class[:num_classes],
        shard_files=() if ours == list(names) else tuple(names),
    )
