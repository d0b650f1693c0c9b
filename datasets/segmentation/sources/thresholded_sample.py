"""A sample whose mask has colors of 0 and 255 in each channel, or nearly so."""

import dataclasses

import numpy as np

from datasets.segmentation.masks.raw_mask import RawMask
from datasets.segmentation.sources.source import Sample

_THRESHOLD = 128


@dataclasses.dataclass(frozen=True)
class ThresholdedSample(Sample):
    """An image whose mask is cut at half of the range, channel by channel."""

    def read_mask(self) -> RawMask:
        mask = super().read_mask()
        pure = np.where(mask.values >= _THRESHOLD, np.uint8(255), np.uint8(0))
        return dataclasses.replace(mask, values=pure)
