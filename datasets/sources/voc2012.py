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
pictures that have no masks (the challenge's `test`) is left out.
"""

import os

from datasets.sources import listing, masks, palettes
from datasets.sources.source import Source

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

_VOID_COLOUR = (224, 224, 192)
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
    image_index = listing.index_pictures(os.path.join(root, "JPEGImages"))
    masks_dir = os.path.join(root, "SegmentationClass")
    if not os.path.isdir(masks_dir) and os.path.isdir(masks_dir + "Raw"):
        masks_dir += "Raw"
    mask_index = listing.index_masks(masks_dir)

    lists = _read_lists(os.path.join(root, _LISTS))
    names_of_train_aug = next((lists.pop(name) for name in _TRAIN_AUG_LISTS if name in lists), None)
    splits, problems = {}, []

    def add_split(split: str, index: listing.FileIndex, names) -> None:
        splits[split], found = listing.pair(image_index, index, split, names)
        problems.extend(found)

    for split, names in lists.items():
        if any(name in mask_index.paths for name in names):
            add_split(split, mask_index, names)
    aug_dir = os.path.join(root, "SegmentationClassAug")
    if os.path.isdir(aug_dir):
        aug_index = listing.index_masks(aug_dir)
        if names_of_train_aug is None:
            names_of_train_aug = aug_index.paths.keys() - set(lists.get("val", ()))
        add_split(_TRAIN_AUG, aug_index, names_of_train_aug)
    if not splits:
        raise ValueError(
            f"no list in {os.path.join(root, _LISTS)} names a picture that has a mask in "
            f"{masks_dir}."
        )
    return Source(
        name="voc2012",
        class_names=CLASS_NAMES,
        palette=PALETTE,
        ignore_label=IGNORE_LABEL,
        splits=splits,
        mask_format=masks.MaskFormat(
            colours={
                **{colour: class_id for class_id, colour in enumerate(PALETTE)},
                _VOID_COLOUR: IGNORE_LABEL,
            }
        ),
        problems=tuple(problems),
    )


def _read_lists(folder: str) -> dict[str, tuple[str, ...]]:
    """Names in each list file, by the list's name."""
    files = sorted(name for name in os.listdir(folder) if name.endswith(".txt"))
    if not files:
        raise ValueError(
            f"{folder} holds {listing.name_entries(folder)}; expected lists like train.txt and "
            "val.txt."
        )
    return {name[: -len(".txt")]: listing.read_list(os.path.join(folder, name)) for name in files}
