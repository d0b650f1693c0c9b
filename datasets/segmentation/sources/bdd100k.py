"""BDD100K's semantic segmentation: 8000 street scenes at 1280x720, with Cityscapes' 19 classes.

Yu et al., "BDD100K: A diverse driving dataset for heterogeneous multitask learning", CVPR 2020;
docs/datasets.md draws the folders. Labels are taken from the first of these that is there: masks of
train ids, JSON files of run lengths or polygons, and the bitmasks of panoptic segmentation, whose
red channel is one of 40 categories. The labels of `test` are not public.

Polygons are filled as pycocotools does and not, as the authors' masks, by matplotlib, which puts
borders up to a pixel elsewhere.
"""

import dataclasses
import os

import numpy as np

from common.texts import printable
from datasets.images import decoding, image_folders
from datasets.segmentation.annotations import scalabel_frames
from datasets.segmentation.annotations.labeled_image import Annotations, LabeledImage
from datasets.segmentation.masks.mask_format import MaskFormat
from datasets.segmentation.masks.raw_mask import RawMask
from datasets.segmentation.sources import annotated, cityscapes, listing, published_folders
from datasets.segmentation.sources.published_folders import Part
from datasets.segmentation.sources.source import Sample, Source

# The category of each train id; there are 41.
CATEGORIES = (7, 8, 10, 15, 11, 20, 25, 26, 29, 28, 30, 31, 32, 35, 40, 34, 39, 37, 33)
NUM_CATEGORIES = 41

_SPLITS = ("train", "val", "test")
_ROOTS = ("", "bdd100k")
_IMAGES = (os.path.join("images", "10k"), os.path.join("seg", "images"))
_SEM_SEG = os.path.join("labels", "sem_seg")
_MASKS = (os.path.join(_SEM_SEG, "masks"), os.path.join("seg", "labels"))
_FRAMES = (os.path.join(_SEM_SEG, "rles"), os.path.join(_SEM_SEG, "polygons"))
_BITMASKS = os.path.join("labels", "pan_seg", "bitmasks")
_EXPECTED = f"BDD100K with {_IMAGES[0]}/train and {_MASKS[0]}/train"


@dataclasses.dataclass(frozen=True)
class BitmaskSample(Sample):
    """An image whose mask has categories in its red channel, and instances in the others."""

    def read_mask(self) -> RawMask:
        with open(self.mask_path, "rb") as file:
            mask = decoding.load(file.read(), self.mask_path)
        if mask.mode != "RGBA":
            raise ValueError(
                f"{self.mask_path}: mode {mask.mode}; expected a bitmask of BDD100K, which is RGBA."
            )
        return RawMask(self.mask_path, np.array(mask.getchannel("R")))


def matches(data_dir: str) -> bool:
    """Whether a folder has BDD100K's images and labels for semantic segmentation."""
    return any(os.path.isdir(os.path.join(data_dir, each)) for each in _IMAGES) and any(
        os.path.isdir(os.path.join(data_dir, each)) for each in (*_MASKS, *_FRAMES, _BITMASKS)
    )


def open_source(data_dir: str) -> Source:
    """Opens BDD100K from the folder that holds `images` and `labels`, perhaps as `bdd100k`."""
    image_folders.require_folder(data_dir, _EXPECTED)
    roots = (os.path.join(data_dir, each) for each in _ROOTS)
    root = next(filter(matches, roots), None)
    if root is None:
        raise ValueError(listing.describe_layout(data_dir, _EXPECTED))
    images = listing.find_folder(root, _IMAGES)
    masks, bitmasks = listing.find_folder(root, _MASKS), listing.find_folder(root, (_BITMASKS,))
    frames = listing.find_folder(root, _FRAMES)
    assert images is not None
    if masks is None and frames is not None:
        return _open_frames(images, frames)
    folder = masks or bitmasks
    assert folder is not None
    splits, problems = published_folders.open_parts(
        {
            split: [Part(os.path.join(images, split), os.path.join(folder, split))]
            for split in _SPLITS
        }
    )
    mask_format = MaskFormat()
    if masks is None:
        splits = {
            split: tuple(BitmaskSample(each.name, *each.paths) for each in samples)
            for split, samples in splits.items()
        }
        train_ids = {category: train_id for train_id, category in enumerate(CATEGORIES)}
        others = dict.fromkeys(range(NUM_CATEGORIES), cityscapes.IGNORE_LABEL)
        mask_format = MaskFormat(values={**others, **train_ids}, named_in="BDD100K's categories")
    return Source(
        name="bdd100k",
        class_names=cityscapes.CLASS_NAMES,
        palette=cityscapes.PALETTE,
        ignore_label=cityscapes.IGNORE_LABEL,
        splits=splits,
        mask_format=mask_format,
        problems=problems,
    )


def _open_frames(images: str, folder: str) -> Source:
    """Opens the JSON files of a folder."""
    names = cityscapes.CLASS_NAMES
    splits: dict[str, list[LabeledImage]] = {}
    others: set[str] = set()
    for split in _SPLITS:
        path = os.path.join(folder, f"sem_seg_{split}.json")
        if not os.path.isfile(path):
            continue
        splits[split] = []
        for frame in scalabel_frames.read(path):
            others.update(each.label for each in frame.regions if each.label not in names)
            image = os.path.join(images, split, os.path.basename(frame.name))
            name = image_folders.compose(os.path.splitext(os.path.basename(image))[0])
            splits[split].append(LabeledImage(name, image, path, frame.regions))
    if not splits:
        raise ValueError(
            f"{printable(folder)} holds {image_folders.name_entries(folder)}; expected "
            "sem_seg_train.json and sem_seg_val.json."
        )
    source = annotated.make_source(
        Annotations(
            splits=splits,
            labels=(*names, *sorted(others)),
            colors=dict(zip(names, cityscapes.PALETTE, strict=True)),
            ignored=frozenset(others),
            is_complete=True,
        ),
        folder,
    )
    return dataclasses.replace(source, name="bdd100k")
