"""ISPRS Vaihingen: 33 tiles of about 2500x2000 at 9 cm, in near infrared, red and green.

See `isprs`; docs/datasets.md draws the folders. The 17 tiles that the benchmark scored are `test`;
`val` is drawn from the other 16.
"""

import os

from datasets.images import image_folders
from datasets.segmentation.sources import isprs, listing
from datasets.segmentation.sources.source import Source

TEST_TILES = frozenset(
    {
        *("2", "4", "6", "8", "10", "12", "14", "16", "20", "22", "24", "27", "29", "31", "33"),
        *("35", "38"),
    }
)

_IMAGES = ("top",)
_COMPLETE = "ISPRS_semantic_labeling_Vaihingen_ground_truth_COMPLETE"
_ERODED = "ISPRS_semantic_labeling_Vaihingen_ground_truth_eroded_COMPLETE"
_MASKS = (_COMPLETE, "gts_for_participants", _ERODED)
_ROOTS = ("", "Vaihingen", "vaihingen", "ISPRS_semantic_labeling_Vaihingen")
_EXPECTED = f"Vaihingen with {_IMAGES[0]} and {_MASKS[1]}, or {_COMPLETE}"


def matches(data_dir: str) -> bool:
    """Whether a folder has folders of Vaihingen's images and masks."""
    return all(listing.find_folder(data_dir, names) for names in (_IMAGES, _MASKS))


def open_source(data_dir: str, val_fraction: float | None = None, seed: int = 0) -> Source:
    """Opens Vaihingen from the folder that holds `top`; see `sources.open_source`."""
    image_folders.require_folder(data_dir, _EXPECTED)
    for root in (os.path.join(data_dir, each) for each in _ROOTS):
        images, masks = listing.find_folder(root, _IMAGES), listing.find_folder(root, _MASKS)
        masks = masks or listing.find_folder(data_dir, _MASKS)
        if images is not None and masks is not None:
            return isprs.open_tiles(
                "vaihingen",
                data_dir,
                (images, r"top_mosaic_09cm_area(\d+)\.tif"),
                (masks, r"top_mosaic_09cm_area(\d+)(?:_noBoundary)?\.tif"),
                TEST_TILES,
                val_fraction,
                seed,
            )
    raise ValueError(listing.describe_layout(data_dir, _EXPECTED))
