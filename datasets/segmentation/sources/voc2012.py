"""PASCAL VOC 2012 segmentation: 20 classes of things and the background.

Everingham et al., "The PASCAL visual object classes challenge", 2010. Expected is the devkit's
tree, which docs/datasets.md draws. `SegmentationClass` holds palette PNGs, whose index is the id;
where it is missing, `SegmentationClassRaw` is taken, with the 8-bit ids that research/deeplab's
remove_gt_colormap.py writes. `SegmentationClassAug`, which is optional, holds the masks of
Hariharan et al., "Semantic contours from inverse detectors". 255 is void.

Each list makes the split of its name. `train_aug` is there when SegmentationClassAug is: from its
list, or, without a list, every mask in SegmentationClassAug that `val` does not hold. A list of
images that have no masks (the challenge's `test`) is left out.
"""

import os
from collections.abc import Mapping

from common import palettes
from datasets.records.problems import ERROR, Problem
from datasets.segmentation.masks.mask_format import MaskFormat
from datasets.segmentation.sources import class_tables, listing, split_lists
from datasets.segmentation.sources.pairing import Pairing, Pairs, describe_unlabeled, match
from datasets.segmentation.sources.source import Sample, Source

CLASS_NAMES = (
    *("background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair"),
    *("cow", "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa"),
    *("train", "tvmonitor"),
)
PALETTE = palettes.voc_palette(len(CLASS_NAMES))
IGNORE_LABEL = 255

_VOID_COLOR = (224, 224, 192)
_ROOTS = ("", "VOC2012", os.path.join("VOCdevkit", "VOC2012"))
_LISTS = os.path.join("ImageSets", "Segmentation")
_TRAIN_AUG = "train_aug"
_TRAIN_AUG_LISTS = ("train_aug", "trainaug")
_EXPECTED = "VOCdevkit/VOC2012 with JPEGImages, SegmentationClass and ImageSets/Segmentation"


def matches(data_dir: str) -> bool:
    """Whether a folder has VOC 2012's name or its devkit's; others use the same folders inside."""
    if any(os.path.isfile(os.path.join(data_dir, name)) for name in class_tables.NAMES):
        return False  # Classes of its own.
    inside = os.path.join(data_dir, _ROOTS[-1], _LISTS)
    return os.path.isdir(inside) or (
        os.path.basename(os.path.abspath(data_dir)) == _ROOTS[1]
        and os.path.isdir(os.path.join(data_dir, _LISTS))
    )


def open_source(data_dir: str) -> Source:
    """Opens PASCAL VOC 2012 from `VOC2012`, `VOCdevkit`, or the folder that holds `VOCdevkit`."""
    root = listing.find_root(data_dir, _ROOTS, _LISTS, _EXPECTED)
    image_index = listing.index_images(os.path.join(root, "JPEGImages"))
    masks_dir = os.path.join(root, "SegmentationClass")
    if not os.path.isdir(masks_dir) and os.path.isdir(masks_dir + "Raw"):
        masks_dir += "Raw"
    pairing = match(image_index, listing.index_masks(masks_dir))
    lists = split_lists.read_lists(os.path.join(root, _LISTS), "lists like train.txt and val.txt")
    aug_list = next((lists.pop(name) for name in _TRAIN_AUG_LISTS if name in lists), None)
    splits, problems = _open_lists(lists, pairing)
    aug_dir = os.path.join(root, "SegmentationClassAug")
    if os.path.isdir(aug_dir):
        pairing = match(image_index, listing.index_masks(aug_dir))
        of_val = {sample.name for sample in splits.get("val", ())}
        splits[_TRAIN_AUG], found = _open_train_aug(pairing, aug_list, of_val)
        problems += found
    if not splits:
        raise ValueError(
            f"no list in {os.path.join(root, _LISTS)} names an image that has a mask in "
            f"{masks_dir}."
        )
    colors = {color: class_id for class_id, color in enumerate(PALETTE)}
    return Source(
        name="voc2012",
        class_names=CLASS_NAMES,
        palette=PALETTE,
        ignore_label=IGNORE_LABEL,
        splits=splits,
        mask_format=MaskFormat(colors={**colors, _VOID_COLOR: IGNORE_LABEL}),
        problems=tuple(problems),
    )


def _open_lists(
    lists: Mapping[str, split_lists.List], pairing: Pairing
) -> tuple[dict[str, tuple[Sample, ...]], list[Problem]]:
    """Opens the split of each list; those without masks are left out with a warning."""
    splits: dict[str, tuple[Sample, ...]] = {}
    problems = _errors(pairing)
    for split, file in lists.items():
        try:
            chosen, found = split_lists.resolve(file, pairing, split)
        except split_lists.NothingListedError:
            chosen, found = {}, ()
        if pairing.masks.keys().isdisjoint(chosen):
            reason = f"has no mask of an image in {file.path}."
            error = listing.NoMasksError(pairing.masks_dir, reason)
            problems.append(describe_unlabeled(split, error))
            continue
        splits[split], more = pairing.choose(split, chosen)
        problems += (*found, *more)
    return splits, problems


def _open_train_aug(pairing: Pairing, file: split_lists.List | None, of_val: set[str]) -> Pairs:
    """Opens the augmented masks: those that a list names, or all that `val` does not hold."""
    chosen: dict[str, str | None] = dict.fromkeys(pairing.masks.keys() - of_val)
    found: tuple[Problem, ...] = ()
    if file is not None:
        chosen, found = split_lists.resolve(file, pairing, _TRAIN_AUG)
    samples, more = pairing.choose(_TRAIN_AUG, chosen)
    return samples, (*_errors(pairing), *found, *more)


def _errors(pairing: Pairing) -> list[Problem]:
    """What was wrong while images were paired; most images of the devkit have no mask."""
    return [problem for problem in pairing.problems if problem.severity == ERROR]
