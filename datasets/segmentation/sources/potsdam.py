"""ISPRS Potsdam: 38 tiles of 6000x6000 at 5 cm; see `isprs`.

docs/datasets.md draws the folders. The 14 tiles that the benchmark scored are `test`, where
their masks are there; `val` is drawn from the other 24.
"""

import os

from datasets.images import image_folders
from datasets.segmentation.sources import isprs, listing
from datasets.segmentation.sources.source import Source

TEST_TILES = frozenset(
    {
        *("2_13", "2_14", "3_13", "3_14", "4_13", "4_14", "4_15", "5_13", "5_14", "5_15"),
        *("6_13", "6_14", "6_15", "7_13"),
    }
)

_IMAGES = ("2_Ortho_RGB", "3_Ortho_IRRG")
_MASKS = ("5_Labels_all", "5_Labels_for_participants", "5_Labels_all_noBoundary")
_ROOTS = ("", "Potsdam", "potsdam")
_EXPECTED = f"Potsdam with {_IMAGES[0]} and {_MASKS[0]}"


def matches(data_dir: str) -> bool:
    """Whether a folder has folders of Potsdam's images and masks."""
    return all(listing.find_folder(data_dir, names) for names in (_IMAGES, _MASKS))


def open_source(data_dir: str, val_fraction: float | None = None, seed: int = 0) -> Source:
    """Opens Potsdam from the folder that holds its folders; see `sources.open_source`."""
    image_folders.require_folder(data_dir, _EXPECTED)
    for root in (os.path.join(data_dir, each) for each in _ROOTS):
        images, masks = listing.find_folder(root, _IMAGES), listing.find_folder(root, _MASKS)
        if images is not None and masks is not None:
            return isprs.open_tiles(
                "potsdam",
                data_dir,
                (images, r"top_potsdam_(\d+_\d+)_(?:RGB|IRRG)\.tif"),
                (masks, r"top_potsdam_(\d+_\d+)_label(?:_noBoundary)?\.tif"),
                TEST_TILES,
                val_fraction,
                seed,
            )
    raise ValueError(listing.describe_layout(data_dir, _EXPECTED))
