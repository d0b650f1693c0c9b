"""Describes records that another program wrote: reads all of them for their `dataset.json`.

Every image is decoded as training decodes it, so that what is described can be trained on.
"""

import collections
import contextlib
import dataclasses
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow.compat.v1 as tf

from common.texts import first_few
from datasets.classification import record_format
from datasets.classification.label_statistics import LabelCounter, add_shards
from datasets.classification.sources import class_names
from datasets.classification.specs import MAX_CLASSES, ClassificationSpec, ClassificationSplit
from datasets.images import image_graph
from datasets.records import record_errors, shard_names, split_names, tfrecords, workers

# slim's converters write it beside their shards: "0:daisy" on each line.
LABELS_FILE = "labels.txt"
BACKGROUND = "background"

_LABEL_LINE = re.compile(r"(\d+)\s*:\s*(.+)")


class _Scan(NamedTuple):
    """What one shard holds."""

    counts: Mapping[int, int]  # examples of each class id
    max_size: tuple[int, int]  # height, width
    texts: Mapping[int, str]  # name of each class id, where the records have names
    first_with_id: Mapping[int, str]  # where each id occurs first, in words


def describe(
    directory: str,
    *,
    name: str,
    names: Sequence[str] | None = None,
    num_workers: int | None = None,
    show_progress: bool = True,
) -> ClassificationSpec:
    """Reads all shards in a folder.

    Splits are called train, val and test where the files are called so, such as
    `flowers_validation_00000-of-00005.tfrecord`.

    Args:
      directory: folder of the shards, named as `datasets.records.shard_names` lists.
      names: of each class id, or, where the ids of the records are 1, 2, …, as ImageNet's are, of
        each but 0; None for those of `labels.txt` in the folder, or of the records themselves, or
        class_0, class_1, ….
      num_workers: threads, each for a shard; None for one per core.

    Raises:
      OSError: a file cannot be opened.
      ValueError: shards are missing or damaged, a record has no label or an image that cannot be
        decoded, or an id has no name; the message names the file and the record.
    """
    shards = split_names.name_shards(shard_names.find_any(directory))
    paths = [os.path.join(directory, file) for files in shards.values() for file in files]
    with contextlib.closing(_Scanner()) as scanner:
        results = workers.map_in_order(
            scanner.scan,
            paths,
            description="reading",
            unit="shard",
            num_workers=num_workers,
            show_progress=show_progress,
        )
        scans = list(results)
    labels_file = os.path.join(directory, LABELS_FILE)
    if names is None and os.path.isfile(labels_file):
        names = read_names(labels_file)
    classes = _name_classes(scans, names)
    rest = iter(scans)
    return ClassificationSpec(
        name=name,
        directory=directory,
        class_names=classes,
        splits={
            split: _join(directory, split, files, [next(rest) for _ in files], len(classes))
            for split, files in shards.items()
        },
    )


def read_names(path: str) -> tuple[str, ...]:
    """Reads names of classes: a name on each line, or `ID:NAME` with ids from 0 on.

    Raises:
      OSError: the file cannot be opened.
      ValueError: an id is missing or occurs twice; names the file.
    """
    lines = [line for _, line in class_names.read_lines(path)]
    matches = [_LABEL_LINE.fullmatch(line) for line in lines]
    if not all(matches):
        return tuple(lines)
    named = [(int(match[1]), match[2]) for match in matches if match]
    ids = sorted(class_id for class_id, _ in named)
    if ids != list(range(len(ids))):
        wrong = next(index for index, found in enumerate(ids) if index != found)
        raise ValueError(
            f"{path}: the id {wrong} is missing, or one occurs twice; expected a line for each id "
            f"from 0 to {len(ids) - 1}."
        )
    return tuple(text for _, text in sorted(named))


class _Scanner:
    """Reads shards with one graph, from any thread; `close` it afterwards."""

    def __init__(self) -> None:
        graph = tf.Graph()
        with graph.as_default():
            self._serialized = tf.placeholder(tf.string, [])
            example = record_format.parse_example(self._serialized)
            size = tf.shape(image_graph.decode(example["encoded"]))[:2]
            self._fetches = (example["label"], size)
        self._session = tf.Session(graph=graph)

    def close(self) -> None:
        self._session.close()

    def scan(self, path: str) -> _Scan:
        counts: collections.Counter[int] = collections.Counter()
        max_size = np.zeros(2, np.int64)
        texts: dict[int, str] = {}
        first_with_id: dict[int, str] = {}
        for number, record in enumerate(tfrecords.read_records(path)):
            try:
                label, size = self._session.run(self._fetches, {self._serialized: record})
            except tf.errors.OpError as error:
                raise ValueError(record_errors.describe(error, record, number, path)) from None
            class_id = int(label)
            if not 0 <= class_id < MAX_CLASSES:
                raise ValueError(
                    f"record {number} of {path} has the label {class_id}; expected a class id of "
                    f"0 to {MAX_CLASSES - 1}."
                )
            counts[class_id] += 1
            max_size = np.maximum(max_size, size)
            if class_id not in first_with_id:
                first_with_id[class_id] = f"record {number} of {path}"
                found = tfrecords.read_features(record)["image/class/text"].bytes_list.value
                if found:
                    texts[class_id] = found[0].decode(errors="replace")
        return _Scan(counts, (int(max_size[0]), int(max_size[1])), texts, first_with_id)


def _name_classes(scans: Iterable[_Scan], names: Sequence[str] | None) -> tuple[str, ...]:
    """Returns the names of the classes, after checking that every id has one."""
    first_with_id: dict[int, str] = {}
    texts: dict[int, str] = {}
    for scan in scans:
        first_with_id = {**scan.first_with_id, **first_with_id}
        texts = {**scan.texts, **texts}
    ids = sorted(first_with_id)
    if not ids:
        raise ValueError("the shards hold no records.")
    if names is None:
        named = {class_id: f"class_{class_id}" for class_id in range(ids[-1] + 1)} | texts
        if ids[0] == 1:
            named[0] = BACKGROUND
        return tuple(named[class_id] for class_id in range(ids[-1] + 1))
    if ids[0] == 1 and len(names) == ids[-1]:
        names = (BACKGROUND, *names)
    unknown = [class_id for class_id in ids if class_id >= len(names)]
    if unknown:
        raise ValueError(
            f"{first_with_id[unknown[0]]} has the label {unknown[0]}, which has no name. All such "
            f"labels are {first_few(unknown)}; the {len(names)} names are those of 0 to "
            f"{len(names) - 1}. Name more classes."
        )
    return tuple(names)


def _join(
    directory: str, split: str, files: Sequence[str], scans: Sequence[_Scan], num_classes: int
) -> ClassificationSplit:
    num_bytes = [os.path.getsize(os.path.join(directory, file)) for file in files]
    parts = []
    for scan in scans:
        counter = LabelCounter(num_classes)
        for class_id, count in scan.counts.items():
            counter.add(class_id, scan.max_size, count)
        parts.append(counter.to_split())
    joined = add_shards(parts, num_bytes)
    if not joined.num_examples:
        raise ValueError(f"the shards of split {split!r} in {directory} hold no records.")
    ours = [tfrecords.shard_path("", split, index, len(files)) for index in range(len(files))]
    return dataclasses.replace(joined, shard_files=() if ours == list(files) else tuple(files))
