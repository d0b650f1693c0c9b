"""Makes records of images and masks, and plans the shards of a source."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
import PIL

from common import json_files
from datasets.images import decoding
from datasets.records import dataset_file, shard_plan
from datasets.records.encoder import Encoded, Encoder
from datasets.records.shard_plan import ShardPlan
from datasets.segmentation import class_statistics, laplacian, record_format
from datasets.segmentation.class_statistics import ClassCounter, count_ids
from datasets.segmentation.sources.source import Sample, Source
from datasets.segmentation.specs import DatasetSpec, SplitSpec, write_spec

# Raise it when the bytes of records change for another reason than those in the fingerprint.
_RECORD_VERSION = 4

SegmentationPlan = ShardPlan[Sample, SplitSpec, DatasetSpec]


class SegmentationEncoder(Encoder[Sample, SplitSpec, DatasetSpec]):
    """Makes the records of a source.

    Args:
      source: of the samples.
      gradient_format: one of `record_format.GRADIENT_FORMATS`, or None for records without the
        gradient channel.
    """

    task = dataset_file.SEGMENTATION
    examples_per_shard = 128  # With a 480x360 gradient 52 MB.

    def __init__(self, source: Source, gradient_format: str | None) -> None:
        # Without what would be sent with each piece of work.
        self._source = dataclasses.replace(source, splits={}, problems=())
        self._gradient_format = gradient_format
        self.name = source.name

    def fingerprint(self, samples: Sequence[Sample], is_checked: bool) -> list[Any]:
        return [
            _RECORD_VERSION,
            cv2.__version__,  # Both libraries may compress in another way in another version.
            PIL.__version__,
            self._gradient_format,
            is_checked,
            self._source.num_classes,
            self._source.ignore_label,
            repr(self._source.mask_format),
            [
                (sample.name, *map(shard_plan.file_state, sample.paths), sample.mask_state())
                for sample in samples
            ],
        ]

    @property
    def with_gradient(self) -> bool:
        """Whether records have the gradient channel, which is made of the image's pixels."""
        return self._gradient_format is not None

    def encode(self, sample: Sample) -> Encoded:
        image, mask = self._source.read_example(sample, with_pixels=self.with_gradient)
        histogram = count_ids(mask)
        self._source.require_known_ids(sample, histogram)
        return self.encode_read(sample, image, mask, histogram)

    def encode_read(
        self,
        sample: Sample,
        image: decoding.EncodedImage,
        mask: np.ndarray,
        histogram: np.ndarray,
    ) -> Encoded:
        """Makes the record of an example that was read, and is as it should be.

        Args:
          image: with pixels where records have the gradient channel.
          mask: uint8 [height, width] class ids.
          histogram: int64 [256], pixels of each id.
        """
        example = record_format.encode_example(
            sample.name,
            image.encoded,
            image.format,
            mask,
            None if image.rgb is None else laplacian.laplacian(image.rgb),
            gradient_format=self._gradient_format or record_format.GRADIENT_FORMATS[0],
            is_laplacian_of_image=True,
        )
        return Encoded(example.SerializeToString(deterministic=True), (histogram, image.size))

    def start_statistics(self) -> ClassCounter:
        return ClassCounter(self._source.num_classes, self._source.ignore_label)

    def parse_split(self, fields: Mapping[str, Any], path: str, key: str) -> SplitSpec:
        split = json_files.to_record(SplitSpec, fields, path, key)
        dataset_file.check_split(split, key)
        return split

    def add_shards(self, parts: Sequence[SplitSpec], shard_bytes: Sequence[int]) -> SplitSpec:
        return class_statistics.add_shards(parts, shard_bytes)

    def write_spec(self, directory: str, splits: Mapping[str, SplitSpec]) -> DatasetSpec:
        spec = DatasetSpec(
            name=self.name,
            directory=directory,
            class_names=self._source.class_names,
            palette=self._source.palette,
            ignore_label=self._source.ignore_label,
            has_gradient=self._gradient_format is not None,
            splits=splits,
        )
        write_spec(spec)
        return spec


def plan_shards(
    source: Source,
    output_dir: str,
    *,
    num_shards: int | None = None,
    gradient_format: str | None = record_format.GRADIENT_FORMATS[0],
    is_checked: bool = False,
    skip_failures: bool = False,
) -> SegmentationPlan:
    """Decides which shards a source becomes; see `SegmentationEncoder` and `shard_plan`."""
    return shard_plan.plan_shards(
        SegmentationEncoder(source, gradient_format),
        source.splits,
        output_dir,
        num_shards=num_shards,
        is_checked=is_checked,
        skip_failures=skip_failures,
    )
