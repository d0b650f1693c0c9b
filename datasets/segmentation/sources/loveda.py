"""LoveDA: land cover of towns and countryside from above, 7 classes at 1024x1024.

Wang et al., "LoveDA: A remote sensing land-cover dataset for domain adaptive semantic
segmentation", NeurIPS Datasets and Benchmarks 2021; docs/datasets.md draws the folders. In the
masks 0 is no data, which is ignored, and the classes count from 1. The masks of `Test` are not
public.
"""

import os

from datasets.segmentation.masks.mask_format import MaskFormat
from datasets.segmentation.sources import listing, published_folders
from datasets.segmentation.sources.published_folders import Part
from datasets.segmentation.sources.source import Source, class_table

CLASS_NAMES, PALETTE = class_table(
    """
    background #ffffff, building #ff0000, road #ffff00, water #0000ff, barren #9f81b7,
    forest #00ff00, agriculture #ffc380
    """
)
IGNORE_LABEL = 255

_SPLITS = {"train": "Train", "val": "Val", "test": "Test"}
_AREAS = ("Rural", "Urban")
_IMAGES, _MASKS = "images_png", "masks_png"
_EXPECTED = "LoveDA with Train/Urban/images_png and Train/Urban/masks_png"


def matches(data_dir: str) -> bool:
    """Whether a folder has LoveDA's images of towns or countryside."""
    train = os.path.join(data_dir, _SPLITS["train"])
    return any(os.path.isdir(os.path.join(train, area, _IMAGES)) for area in _AREAS)


def open_source(data_dir: str) -> Source:
    """Opens LoveDA from the folder that holds `Train`, perhaps as `LoveDA`."""
    root = listing.find_root(data_dir, ("", "LoveDA", "loveda"), _SPLITS["train"], _EXPECTED)
    splits, problems = published_folders.open_parts(
        {
            split: [
                Part(os.path.join(folder, _IMAGES), os.path.join(folder, _MASKS), f"{area}/")
                for area in _AREAS
                for folder in [os.path.join(root, name, area)]
            ]
            for split, name in _SPLITS.items()
        }
    )
    ids = {value: value - 1 for value in range(1, len(CLASS_NAMES) + 1)}
    return Source(
        name="loveda",
        class_names=CLASS_NAMES,
        palette=PALETTE,
        ignore_label=IGNORE_LABEL,
        splits=splits,
        mask_format=MaskFormat(id_map={0: IGNORE_LABEL, **ids}),
        problems=problems,
    )
