"""Mapillary Vistas v1.2, also where v2.0 lies beside it; see `mapillary`."""

from datasets.segmentation.sources import mapillary
from datasets.segmentation.sources.source import Source


def open_source(data_dir: str) -> Source:
    """Opens version 1.2 of Mapillary Vistas."""
    return mapillary.open_source(data_dir, mapillary.V1_2)
