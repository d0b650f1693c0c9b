"""KITTI's semantic segmentation benchmark: 200 street scenes with the 19 classes of Cityscapes.

Alhaija et al., "Augmented reality meets computer vision", IJCV 2018; docs/datasets.md draws the
folders of data_semantics.zip. Masks are taken from the first of these folders that is there:
`semantic` (Cityscapes' label ids), `instance` (16 bits: label id * 256 + instance) and
`semantic_rgb` (the colors of Cityscapes).

The masks of `testing` are not public, and no validation split is published: it is drawn.
"""

import os
from collections.abc import Mapping, Sequence

from datasets.records import val_split
from datasets.segmentation.masks.mask_format import MaskFormat
from datasets.segmentation.sources import cityscapes, listing, published_folders
from datasets.segmentation.sources.published_folders import Part
from datasets.segmentation.sources.source import Sample, Source

DEFAULT_VAL_FRACTION = 0.2

_INSTANCES_PER_LABEL = 256
_MASKS = ("semantic", "instance", "semantic_rgb")
_IMAGES = os.path.join("training", "image_2")
_EXPECTED = "KITTI with training/image_2 and training/semantic"


def matches(data_dir: str) -> bool:
    """Whether a folder has KITTI's images and masks for training."""
    has_masks = any(os.path.isdir(os.path.join(data_dir, "training", each)) for each in _MASKS)
    return has_masks and os.path.isdir(os.path.join(data_dir, _IMAGES))


def open_source(data_dir: str, val_fraction: float | None = None, seed: int = 0) -> Source:
    """Opens KITTI from the folder that holds `training`; see `sources.open_source`."""
    roots = ("", "kitti", "data_semantics", "kitti_segmentation")
    root = listing.find_root(data_dir, roots, _IMAGES, _EXPECTED)
    folder = os.path.join(root, "training")
    kind = next((each for each in _MASKS if os.path.isdir(os.path.join(folder, each))), _MASKS[0])
    opened, problems = published_folders.open_parts(
        {val_split.TRAIN: [Part(os.path.join(root, _IMAGES), os.path.join(folder, kind))]}
    )
    splits: Mapping[str, Sequence[Sample]]
    splits, drawn = val_split.draw(opened, val_fraction, seed, data_dir, DEFAULT_VAL_FRACTION)
    return Source(
        name="kitti",
        class_names=cityscapes.CLASS_NAMES,
        palette=cityscapes.PALETTE,
        ignore_label=cityscapes.IGNORE_LABEL,
        splits=splits,
        mask_format=_mask_format(kind),
        problems=(*problems, *drawn),
    )


def _mask_format(kind: str) -> MaskFormat:
    train_ids = cityscapes.train_ids()
    if kind == "instance":
        values = {
            label_id * _INSTANCES_PER_LABEL + instance: train_id
            for label_id, train_id in train_ids.items()
            for instance in range(_INSTANCES_PER_LABEL)
        }
        return MaskFormat(values=values, named_in="Cityscapes' label ids")
    if kind == "semantic_rgb":
        return MaskFormat(colors=cityscapes.mask_colors(), named_in="Cityscapes' table of colors")
    return MaskFormat(id_map=train_ids)
