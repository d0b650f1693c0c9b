"""Makes records of images and their classes, and plans the shards of a source."""

from collections.abc import Mapping, Sequence
from typing import Any

import PIL

from common import json_files
from datasets.classification import label_statistics, record_format
from datasets.classification.label_statistics import LabelCounter
from datasets.classification.sources.source import Sample, Source
from datasets.classification.specs import ClassificationSpec, ClassificationSplit, write_spec
from datasets.records import dataset_file, shard_plan
from datasets.records.encoder import Encoded, Encoder

# Raise it when the bytes of records change for another reason than those in the fingerprint.
_RECORD_VERSION = 1


class ClassificationEncoder(Encoder[Sample, ClassificationSplit, ClassificationSpec]):
    """Makes the records of a source's samples."""

    task = dataset_file.CLASSIFICATION
    examples_per_shard = 512  # Of ImageNet 56 MB.

    def __init__(self, source: Source) -> None:
        self.name = source.name
        self._class_names = source.class_names

    def fingerprint(self, samples: Sequence[Sample], is_checked: bool) -> list[Any]:
        return [
            _RECORD_VERSION,
            PIL.__version__,  # It may compress in another way in another version.
            is_checked,
            self._class_names,
            [(each.name, each.label, shard_plan.file_state(each.path)) for each in samples],
        ]

    def encode(self, sample: Sample) -> Encoded:
        image = sample.read()
        example = record_format.encode_example(
            sample.name,
            image.encoded,
            image.format,
            sample.label,
            self._class_names[sample.label],
            image.size,
        )
        return Encoded(example.SerializeToString(deterministic=True), (sample.label, image.size))

    def start_statistics(self) -> LabelCounter:
        return LabelCounter(len(self._class_names))

    def parse_split(self, fields: Mapping[str, Any], path: str, key: str) -> ClassificationSplit:
        split = json_files.to_record(ClassificationSplit, fields, path, key)
        dataset_file.check_split(split, key)
        dataset_file.check_counts(split, key, ("examples_per_class",), len(self._class_names))
        return split

    def add_shards(
        self, parts: Sequence[ClassificationSplit], shard_bytes: Sequence[int]
    ) -> ClassificationSplit:
        return label_statistics.add_shards(parts, shard_bytes)

    def write_spec(
        self, directory: str, splits: Mapping[str, ClassificationSplit]
    ) -> ClassificationSpec:
        spec = ClassificationSpec(self.name, directory, self._class_names, splits)
        write_spec(spec)
        return spec
