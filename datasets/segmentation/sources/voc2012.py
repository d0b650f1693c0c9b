"""PASCAL VOC 2012 segmentation: 20 classes of things and the background.

Everingham et al., "The PASCAL visual object classes challenge", 2010. The devkit's tree, of which
`--data_dir` may name any of the three upper folders:

    (anything)/
      VOCdevkit/
        VOC2012/
          JPEGImages/A.jpg
          SegmentationClass/A.png           palette PNGs: the index is the id, 255 is void
          SegmentationClassRaw/A.png        used instead where SegmentationClass is missing: the
                                            8-bit ids that research/deeplab's remove_gt_colormap.py
                                            writes
          SegmentationClassAug/A.png        optional: masks of Hariharan et al., "Semantic
                                            contours from inverse detectors", as 8-bit ids
          ImageSets/Segmentation/
            train.txt                       1464 names
            val.txt                         1449 names
            trainval.txt                    2913 names
            train_aug.txt (trainaug.txt)    optional: 10582 names

Each list makes the split of its name. `train_aug` is there when SegmentationClassAug is: from its
list, or, without a list, every mask in SegmentationClassAug that `val` does not hold. A list of
images that have no masks (the challenge's `test`) is left out.
"""

import os

from common import palettes
from datasets.segmentation.masks.mask_format import MaskFormat
from datasets.segmentation.sources import listing, pairing, split_lists
from datasets.segmentation.sources.source import ERROR, Problem, Source
from datasets.segmentation.sources.splits import describe_unlabelled

CLASS_NAMES = (
    "background",
    "aeroplane",
    "bicycle",
    "bird",
    "boat",
    "bottle",
    "bus",
    "car",
    "cat",
    "chair",
    "cow",
    "diningtable",
    "dog",
    "horse",
    "motorbike",
    "person",
    "pottedplant",
    "sheep",
    "sofa",
    "train",
    "tvmonitor",
)
PALETTE = palettes.voc_palette(len(CLASS_NAMES))
IGNORE_LABEL = 255

_VOID_COLOR = (224, 224, 192)
_LISTS = os.path.join("ImageSets", "Segmentation")
_TRAIN_AUG = "train_aug"
_TRAIN_AUG_LISTS = ("train_aug", "trainaug")
_EXPECTED = "VOCdevkit/VOC2012 with JPEGImages, SegmentationClass and ImageSets/Segmentation"


def open_source(data_dir: str) -> Source:
    """Opens PASCAL VOC 2012.

    Args:
      data_dir: `VOC2012`, `VOCdevkit`, or the folder that holds `VOCdevkit`.

    Raises:
      ValueError: the folders are not those of the devkit.
    """
    layouts = {"": _LISTS, "VOC2012": _LISTS, os.path.join("VOCdevkit", "VOC2012"): _LISTS}
    root = listing.find_root(data_dir, layouts, _EXPECTED)
    image_index = listing.index_images(os.path.join(root, "JPEGImages"))
    masks_dir = os.path.join(root, "SegmentationClass")
    if not os.path.isdir(masks_dir) and os.path.isdir(masks_dir + "Raw"):
        masks_dir += "Raw"
    pairs = pairing.match(image_index, listing.index_masks(masks_dir))
    lists = split_lists.read_lists(os.path.join(root, _LISTS), "lists like train.txt and val.txt")
    list_of_train_aug = next((lists.pop(name) for name in _TRAIN_AUG_LISTS if name in lists), None)
    splits, problems = {}, [*_errors(pairs)]
    listed: dict[str, list[pairing.Entry]] = {}

    def add_split(split: str, pairs: pairing.Pairing, entries, found=()) -> None:
        samples, more = pairs.choose(split, entries)
        splits[split] = samples
        problems.extend((*found, *more))

    for split, file in lists.items():
        try:
            entries, found = split_lists.resolve(file, pairs, split)
        except split_lists.NothingListedError:
            entries, found = [], ()
        if any(entry.name in pairs.masks for entry in entries):
            listed[split] = entries
            add_split(split, pairs, entries, found)
        else:
            error = listing.NoMasksError(masks_dir, f"has no mask of an image in {file.path}.")
            problems.append(describe_unlabelled(split, error))
    aug_dir = os.path.join(root, "SegmentationClassAug")
    if os.path.isdir(aug_dir):
        aug_pairs = pairing.match(image_index, listing.index_masks(aug_dir))
        problems += _errors(aug_pairs)
        if list_of_train_aug is None:
            of_val = {entry.name for entry in listed.get("val", ())}
            add_split(_TRAIN_AUG, aug_pairs, aug_pairs.masks.keys() - of_val)
        else:
            add_split(
                _TRAIN_AUG,
                aug_pairs,
                *split_lists.resolve(list_of_train_aug, aug_pairs, _TRAIN_AUG),
            )
    if not splits:
        raise ValueError(
            f"no list in {os.path.join(root, _LISTS)} names an image that has a mask in "
            f"{masks_dir}."
        )
    return Source(
        name="voc2012",
        class_names=CLASS_NAMES,
        palette=PALETTE,
        ignore_label=IGNORE_LABEL,
        splits=splits,
        mask_format=MaskFormat(
            colors={
                **{color: class_id for class_id, color in enumerate(PALETTE)},
                _VOID_COLOR: IGNORE_LABEL,
            }
        ),
        problems=tuple(problems),
    )


def _errors(pairs: pairing.Pairing) -> list[Problem]:
    """What was wrong while images were paired; most images of the devkit have no mask."""
    return [problem for problem in pairs.problems if problem.severity == ERROR]
