"""Which processing surrounds the network of an export."""

import contextlib
from collections.abc import Mapping

from serving import contract
from serving.export_file import Export
from serving.processing import Processing
from serving.processing.classification import ClassifierProcessing
from serving.processing.segmentation import SegmentationProcessing


def is_described(export: Export) -> bool:
    """Returns whether an export says all that it takes; those of earlier versions do not."""
    metadata = export.metadata
    if export.signature == contract.CLASSIFICATION:
        return metadata.view is not None
    return metadata.crop_size is not None and bool(metadata.mean_pixel)


def input_shapes(export: Export) -> Mapping[str, tuple[int, int, int]]:
    """Returns the shapes of a network's inputs, see `Processing`, given a described export."""
    with contextlib.closing(create(export, None)) as processing:
        return processing.input_shapes


def create(export: Export, num_threads: int | None) -> Processing:
    """Returns what surrounds a network, given an export that is described.

    Args:
      export: the model.
      num_threads: CPU threads; None for all cores.
    """
    if export.signature == contract.CLASSIFICATION:
        assert export.metadata.view is not None
        return ClassifierProcessing(export.metadata.view)
    has_laplacian = contract.NETWORK_LAPLACIAN in export.network_inputs
    return SegmentationProcessing(export.metadata, has_laplacian, export.path, num_threads)
