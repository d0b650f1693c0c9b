"""Describes records that another program wrote: reads all of them for their `dataset.json`.

Every image is decoded as training decodes it, and every word compared with the vocabulary, so that
what is described can be trained on: research/im2txt's records lie apart from their words.
"""

import contextlib
import dataclasses
import itertools
import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import tensorflow.compat.v1 as tf

from common.texts import printable
from datasets.captioning import caption_statistics, record_format, tokens
from datasets.captioning.caption_statistics import CaptionCounter
from datasets.captioning.specs import SHARD_ENDING, CaptioningSpec, CaptioningSplit
from datasets.captioning.vocabulary import (
    END,
    START,
    Vocabulary,
    read_word_counts,
    word_counts_path,
)
from datasets.images import image_graph
from datasets.records import record_errors, shard_names, split_names, tfrecords, workers


class _Scan(NamedTuple):
    """What one shard holds."""

    statistics: CaptioningSplit  # as a split of one shard
    image_ids: frozenset[int]
    num_unknown: int  # words


@dataclasses.dataclass(frozen=True)
class Description:
    """A dataset, and what its `dataset.json` does not say.

    Attributes:
      image_ids: numbers of the images of each split; with a record for each caption an image has
        several records.
      unknown: of each split: share of the words that are not known.
    """

    spec: CaptioningSpec
    image_ids: Mapping[str, frozenset[int]]
    unknown: Mapping[str, float]

    def leaks(self) -> list[tuple[str, str, int]]:
        """Returns pairs of splits that have images in common, and how many."""
        pairs = itertools.combinations(self.image_ids.items(), 2)
        found = [(one, other, len(ids & others)) for (one, ids), (other, others) in pairs]
        return [each for each in found if each[2]]


def describe(
    directory: str,
    *,
    name: str,
    word_counts_file: str | None = None,
    splitting: str = tokens.IM2TXT,
    num_workers: int | None = None,
    show_progress: bool = True,
) -> Description:
    """Reads all shards in a folder: research/im2txt's, or ours, of either form.

    Args:
      directory: folder of the shards, named as `datasets.records.shard_names` lists.
      word_counts_file: words of the ids, as `vocabulary.read_word_counts` reads them; None for
        `word_counts.txt` in the folder.
      splitting: how captions became words, one of `tokens.SPLITTINGS`.
      num_workers: threads, each for a shard; None for one per core.

    Raises:
      OSError: a file cannot be opened.
      ValueError: shards or words are missing or damaged, a record has no captions or an image that
        cannot be decoded, or the vocabulary has another word for an id; the message names the file
        and the record.
    """
    shards = split_names.name_shards(shard_names.find_any(directory))
    words_path = word_counts_file or word_counts_path(directory)
    if not os.path.isfile(words_path):
        missing = "is not a file" if word_counts_file else "is missing"
        raise ValueError(
            f"{printable(words_path)} {missing}: give the words of the ids with "
            "--word_counts_file, the word_counts.txt that was written with the shards."
        )
    known = read_word_counts(words_path, splitting)
    paths = [os.path.join(directory, file) for files in shards.values() for file in files]
    with contextlib.closing(_Scanner(known, words_path)) as scanner:
        results = workers.map_in_order(
            scanner.scan,
            paths,
            description="reading",
            unit="shard",
            num_workers=num_workers,
            show_progress=show_progress,
        )
        scans = iter(list(results))
    splits: dict[str, CaptioningSplit] = {}
    image_ids: dict[str, frozenset[int]] = {}
    unknown: dict[str, float] = {}
    for split, files in shards.items():
        parts = [next(scans) for _ in files]
        splits[split] = _join(directory, split, files, parts)
        image_ids[split] = frozenset().union(*(part.image_ids for part in parts))
        unknown[split] = sum(part.num_unknown for part in parts) / splits[split].num_words
    spec = CaptioningSpec(name, directory, splitting, known.words, splits)
    return Description(spec, image_ids, unknown)


class _Scanner:
    """Reads shards with one graph, from any thread; `close` it afterwards."""

    def __init__(self, known: Vocabulary, words_path: str) -> None:
        self._known, self._words_path = known, words_path
        self._id_of = {word: word_id for word_id, word in enumerate(known.words)}
        graph = tf.Graph()
        with graph.as_default():
            self._serialized = tf.placeholder(tf.string, [])
            example = record_format.parse_example(self._serialized)
            self._size = tf.shape(image_graph.decode(example["encoded"]))[:2]
        self._session = tf.Session(graph=graph)

    def close(self) -> None:
        self._session.close()

    def scan(self, path: str) -> _Scan:
        counter = CaptionCounter()
        image_ids: set[int] = set()
        num_unknown = 0
        for number, record in enumerate(tfrecords.read_records(path)):
            try:
                height, width = self._session.run(self._size, {self._serialized: record}).tolist()
            except tf.errors.OpError as error:
                raise ValueError(record_errors.describe(error, record, number, path)) from None
            image_id, captions = record_format.read_captions(record)
            where = f"record {number} of {printable(path)}, of image {image_id},"
            if not captions:
                raise ValueError(f"{where} has no captions.")
            for words, ids in captions:
                self._check(words, ids, where)
                num_unknown += ids.count(self._known.unknown)
            image_ids.add(image_id)
            counter.add([len(ids) for _, ids in captions], (height, width))
        return _Scan(counter.to_split(), frozenset(image_ids), num_unknown)

    def _check(self, words: Sequence[str], ids: Sequence[int], where: str) -> None:
        """Raises ValueError unless a caption's ids are those of its words."""
        if len(words) != len(ids):
            raise ValueError(f"{where} has a caption of {len(words)} words and {len(ids)} ids.")
        for word, word_id in zip(words, ids, strict=True):
            expected = self._id_of.get(word, self._known.unknown)
            if word_id != expected:
                means = f"is {expected}" if word in self._id_of else f"is unknown, {expected},"
                raise ValueError(
                    f"{where} has the id {word_id} for the word {printable(word)!r}, which {means} "
                    f"in {printable(self._words_path)}: give the word_counts.txt that was written "
                    "with the shards."
                )
        if (*words[:1], *words[-1:]) != (START, END):
            text = printable(" ".join(words)[:40])
            raise ValueError(f"{where} has the caption {text!r}; expected {START} … {END}.")


def _join(
    directory: str, split: str, files: Sequence[str], scans: Sequence[_Scan]
) -> CaptioningSplit:
    num_bytes = [os.path.getsize(os.path.join(directory, file)) for file in files]
    joined = caption_statistics.add_shards([scan.statistics for scan in scans], num_bytes)
    if not joined.num_examples:
        raise ValueError(f"the shards of split {split!r} in {directory} hold no records.")
    ours = [
        tfrecords.shard_path("", split, index, len(files), SHARD_ENDING)
        for index in range(len(files))
    ]
    return dataclasses.replace(joined, shard_files=() if ours == list(files) else tuple(files))
