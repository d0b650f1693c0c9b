"""DeepGlobe Land Cover: 6 classes of satellite images at 2448x2448.

Demir et al., "DeepGlobe 2018: A challenge to parse the Earth through satellite images", CVPR
workshops 2018; docs/datasets.md draws the folders. Masks are colors whose channels are not quite 0
and 255, and are cut at 128 as the authors say. Unknown land, black, is ignored. Only the masks of
the training images are public, so `val` is drawn from them.
"""

import os
from collections.abc import Mapping, Sequence

from common.texts import printable
from datasets.images import image_folders
from datasets.records import val_split
from datasets.segmentation.masks.mask_format import MaskFormat
from datasets.segmentation.sources import listing
from datasets.segmentation.sources.source import Sample, Source, class_table
from datasets.segmentation.sources.thresholded_sample import ThresholdedSample

CLASS_NAMES, PALETTE = class_table(
    """
    urban land #00ffff, agriculture land #ffff00, rangeland #ff00ff, forest land #00ff00,
    water #0000ff, barren land #ffffff
    """
)
IGNORE_LABEL = 255
DEFAULT_VAL_FRACTION = 0.2

_UNKNOWN = (0, 0, 0)
_IMAGE, _MASK = "_sat.jpg", "_mask.png"
# Folders of images and of masks.
_FOLDERS = (
    ("train", "train"),
    ("land-train", "land-train"),
    *((f"{each}/images", f"{each}/masks") for each in ("training_data", "data/training_data")),
    ("", ""),
)
_EXPECTED = f"DeepGlobe Land Cover with train/1{_IMAGE} and train/1{_MASK}"


def matches(data_dir: str) -> bool:
    """Whether a folder has images and masks under DeepGlobe's names."""
    return _find(data_dir) is not None


def open_source(data_dir: str, val_fraction: float | None = None, seed: int = 0) -> Source:
    """Opens DeepGlobe Land Cover from the folder that holds `train`; see `sources.open_source`."""
    image_folders.require_folder(data_dir, _EXPECTED)
    found = _find(data_dir)
    if found is None:
        raise ValueError(listing.describe_layout(data_dir, _EXPECTED))
    images, masks = found
    names = sorted(_names(images, _IMAGE) | _names(masks, _MASK))
    samples = tuple(
        ThresholdedSample(
            name, os.path.join(images, name + _IMAGE), os.path.join(masks, name + _MASK)
        )
        for name in names
    )
    splits: Mapping[str, Sequence[Sample]]
    splits, problems = val_split.draw(
        {val_split.TRAIN: samples}, val_fraction, seed, printable(data_dir), DEFAULT_VAL_FRACTION
    )
    ids = {color: class_id for class_id, color in enumerate(PALETTE)}
    return Source(
        name="deepglobe",
        class_names=CLASS_NAMES,
        palette=PALETTE,
        ignore_label=IGNORE_LABEL,
        splits=splits,
        mask_format=MaskFormat(
            colors={**ids, _UNKNOWN: IGNORE_LABEL}, named_in="the dataset's description"
        ),
        problems=tuple(problems),
    )


def _find(data_dir: str) -> tuple[str, str] | None:
    """Returns the folders of images and of masks that are there and have both."""
    for pair in _FOLDERS:
        images, masks = (os.path.join(data_dir, each) for each in pair)
        is_there = os.path.isdir(images) and os.path.isdir(masks)
        if is_there and _names(images, _IMAGE) & _names(masks, _MASK):
            return images, masks
    return None


def _names(folder: str, ending: str) -> set[str]:
    files = image_folders.files_in(folder)
    return {file.removesuffix(ending) for file in files if file.endswith(ending)}
