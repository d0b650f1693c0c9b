"""Inria Aerial Image Labeling: buildings of ten cities from above, 5000x5000.

Maggiori et al., "Can semantic labeling methods generalize to any city?", IGARSS 2017;
docs/datasets.md draws the folders. Masks are 0 and 255. As the authors suggest, the first five
images of each city are `val`. The masks of `test` are not public.
"""

import os
import re

from datasets.segmentation.masks.mask_format import MaskFormat
from datasets.segmentation.sources import listing, published_folders
from datasets.segmentation.sources.published_folders import Part
from datasets.segmentation.sources.source import Sample, Source, class_table

CLASS_NAMES, PALETTE = class_table("background #000000, building #ffffff")
IGNORE_LABEL = 255

_NUM_VAL_OF_CITY = 5
_IMAGES, _MASKS = (os.path.join("train", each) for each in ("images", "gt"))
_NAME = "AerialImageDataset"
_EXPECTED = f"{_NAME} with train/images and train/gt"


def matches(data_dir: str) -> bool:
    """Whether a folder has the dataset's name, or holds one that has; others share its layout."""
    is_named = os.path.basename(os.path.abspath(data_dir)) == _NAME
    roots = ("", _NAME) if is_named else (_NAME,)
    return any(os.path.isdir(os.path.join(data_dir, root, _MASKS)) for root in roots)


def open_source(data_dir: str) -> Source:
    """Opens the dataset from `AerialImageDataset` or the folder that holds it."""
    root = listing.find_root(data_dir, ("", _NAME), _IMAGES, _EXPECTED)
    opened, problems = published_folders.open_parts(
        {"train": [Part(os.path.join(root, _IMAGES), os.path.join(root, _MASKS))]}
    )
    splits = {
        split: tuple(sample for sample in opened["train"] if _is_val(sample) == (split == "val"))
        for split in ("train", "val")
    }
    if not splits["train"]:
        raise ValueError(
            f"{os.path.join(root, _IMAGES)} has only images 1 to {_NUM_VAL_OF_CITY} of each city, "
            "which are for validation. Download the whole dataset."
        )
    return Source(
        name="inria",
        class_names=CLASS_NAMES,
        palette=PALETTE,
        ignore_label=IGNORE_LABEL,
        splits={split: samples for split, samples in splits.items() if samples},
        mask_format=MaskFormat(values={0: 0, 255: 1}, named_in="the dataset's description"),
        problems=problems,
    )


def _is_val(sample: Sample) -> bool:
    number = re.search(r"\d+$", sample.name)
    return number is not None and int(number[0]) <= _NUM_VAL_OF_CITY
