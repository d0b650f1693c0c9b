"""LandCover.ai: land cover of Poland from above, 5 classes in tiles of 512x512.

Boguszewski et al., "LandCover.ai: Dataset for automatic mapping of buildings, woodlands, water and
roads from aerial imagery", CVPR workshops 2021; docs/datasets.md draws the folders. The tiles are
those that the authors' split.py cuts, and the splits those of their lists.
"""

import os

from common import files, palettes
from common.texts import printable
from datasets.images import image_folders
from datasets.segmentation.sources import listing
from datasets.segmentation.sources.source import Sample, Source

CLASS_NAMES = ("background", "building", "woodland", "water", "road")
PALETTE = palettes.voc_palette(len(CLASS_NAMES))
IGNORE_LABEL = 255

_SPLITS = ("train", "val", "test")
_ROOTS = ("", "landcover.ai.v1", "landcover.ai", "landcoverai")
_TILES = "output"
_EXPECTED = "LandCover.ai with images, masks, train.txt, and the folder output that split.py makes"


def matches(data_dir: str) -> bool:
    """Whether a folder has LandCover.ai's list of tiles for training beside images or tiles."""
    path = os.path.join(data_dir, "train.txt")
    folders = (os.path.join(data_dir, each) for each in ("masks", _TILES))
    if not os.path.isfile(path) or not any(map(os.path.isdir, folders)):
        return False
    with open(path, "rb") as file:
        # Names of map sheets: M-33-20-D-c-4-2_0.
        return file.read(2) in (b"M-", b"N-")


def open_source(data_dir: str) -> Source:
    """Opens LandCover.ai from the folder that holds `train.txt`.

    Raises:
      ValueError: the folder is laid out otherwise, or has no tiles yet.
    """
    image_folders.require_folder(data_dir, _EXPECTED)
    roots = (os.path.join(data_dir, each) for each in _ROOTS)
    root = next((each for each in roots if os.path.isfile(os.path.join(each, "train.txt"))), None)
    if root is None:
        raise ValueError(listing.describe_layout(data_dir, _EXPECTED))
    tiles = os.path.join(root, _TILES)
    if not os.path.isdir(tiles):
        raise ValueError(
            f"{printable(root)} has no folder {_TILES!r} of tiles. Run python split.py there: it "
            "comes with the dataset and cuts the images as the lists name them."
        )
    splits = {}
    for split in _SPLITS:
        path = os.path.join(root, f"{split}.txt")
        if os.path.isfile(path):
            names = sorted({*files.read_text(path).split()})
            splits[split] = tuple(
                Sample(
                    name, os.path.join(tiles, f"{name}.jpg"), os.path.join(tiles, f"{name}_m.png")
                )
                for name in names
            )
    return Source(
        name="landcover_ai",
        class_names=CLASS_NAMES,
        palette=PALETTE,
        ignore_label=IGNORE_LABEL,
        splits={split: samples for split, samples in splits.items() if samples},
    )
