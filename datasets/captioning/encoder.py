"""Makes records of images and their captions, and plans the shards of a source."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import PIL

from common import json_files
from datasets.captioning import caption_statistics, record_format, vocabulary
from datasets.captioning.caption_statistics import CaptionCounter
from datasets.captioning.sources.source import Sample
from datasets.captioning.specs import SHARD_ENDING, CaptioningSpec, CaptioningSplit, write_spec
from datasets.captioning.vocabulary import Vocabulary
from datasets.images import decoding
from datasets.records import dataset_file, shard_plan
from datasets.records.encoder import Encoded, Encoder

# Raise it when the bytes of records change for another reason than those in the fingerprint.
_RECORD_VERSION = 1


class CaptioningEncoder(Encoder[Sample, CaptioningSplit, CaptioningSpec]):
    """Makes the records of a source's samples."""

    task = dataset_file.CAPTIONING
    examples_per_shard = 2300  # As research/im2txt's.
    shard_ending = SHARD_ENDING
    other_files = (vocabulary.WORD_COUNTS_FILE,)

    def __init__(self, name: str, known: Vocabulary, is_single: bool) -> None:
        """Takes the dataset's name, its vocabulary, and whether a record has one caption only."""
        self.name = name
        self._vocabulary = known
        self._is_single = is_single
        self._digest = hashlib.sha256("\n".join(known.words).encode()).hexdigest()

    def fingerprint(self, samples: Sequence[Sample], is_checked: bool) -> list[Any]:
        return [
            _RECORD_VERSION,
            PIL.__version__,  # It may compress in another way in another version.
            is_checked,
            self._vocabulary.splitting,
            self._digest,
            self._is_single,
            [
                (each.name, each.image_id, each.captions, shard_plan.file_state(each.path))
                for each in samples
            ],
        ]

    def encode(self, sample: Sample) -> Encoded:
        image = decoding.read_image(sample.path, with_pixels=False)
        known = self._vocabulary
        captions = [vocabulary.split(each, known.splitting) for each in sample.captions]
        example = record_format.encode_example(
            sample.name,
            sample.image_id,
            image.encoded,
            captions,
            [known.ids(words) for words in captions],
            self._is_single,
        )
        return Encoded(
            example.SerializeToString(deterministic=True), ([*map(len, captions)], image.size)
        )

    def start_statistics(self) -> CaptionCounter:
        return CaptionCounter()

    def parse_split(self, fields: Mapping[str, Any], path: str, key: str) -> CaptioningSplit:
        split = json_files.to_record(CaptioningSplit, fields, path, key)
        dataset_file.check_split(split, key)
        return split

    def add_shards(
        self, parts: Sequence[CaptioningSplit], shard_bytes: Sequence[int]
    ) -> CaptioningSplit:
        return caption_statistics.add_shards(parts, shard_bytes)

    def write_spec(self, directory: str, splits: Mapping[str, CaptioningSplit]) -> CaptioningSpec:
        spec = CaptioningSpec(
            self.name, directory, self._vocabulary.splitting, self._vocabulary.words, splits
        )
        write_spec(spec)
        return spec


def mix(samples: Sequence[Sample], is_single: bool) -> tuple[Sample, ...]:
    """Returns samples in an order that depends on nothing but their names.

    Args:
      samples: images with all their captions.
      is_single: whether each caption becomes a sample of its own; those of an image are then mixed
        with those of others.
    """
    if is_single:
        samples = [
            Sample(name, each.path, each.image_id, (caption,))
            for each in samples
            for name, caption in zip(caption_names(each), each.captions, strict=True)
        ]
    return shard_plan.mix(samples)


def caption_names(sample: Sample) -> list[str]:
    """Returns the names of the records that an image becomes, one for each caption."""
    return [f"{sample.name}#{index}" for index in range(len(sample.captions))]
