"""What ISPRS's benchmarks Potsdam and Vaihingen share: 6 classes of towns from above.

Rottensteiner et al., "The ISPRS benchmark on urban object classification and 3D building
reconstruction", ISPRS Annals 2012. Masks are colors. In those without boundaries ("noBoundary")
black pixels are ignored.
"""

import os
import re
from collections.abc import Collection, Mapping, Sequence

from common.texts import printable
from datasets.images import image_folders
from datasets.records import val_split
from datasets.segmentation.masks.mask_format import MaskFormat
from datasets.segmentation.sources import listing
from datasets.segmentation.sources.source import Sample, Source, class_table
from datasets.segmentation.sources.thresholded_sample import ThresholdedSample

CLASS_NAMES, PALETTE = class_table(
    """
    impervious surfaces #ffffff, building #0000ff, low vegetation #00ffff, tree #00ff00,
    car #ffff00, clutter/background #ff0000
    """
)
IGNORE_LABEL = 255
DEFAULT_VAL_FRACTION = 0.2

_BOUNDARY = (0, 0, 0)
_TEST = "test"


def open_tiles(
    name: str,
    data_dir: str,
    images: tuple[str, str],
    masks: tuple[str, str],
    test_tiles: Collection[str],
    val_fraction: float | None,
    seed: int,
) -> Source:
    """Opens a benchmark.

    Args:
      name: of the dataset.
      data_dir: for messages.
      images, masks: a folder, and the pattern of its files, whose first group is the tile.
      test_tiles: those that the benchmark scored; the others are for training.
      val_fraction, seed: see `sources.open_source`.

    Raises:
      ValueError: no tile has both an image and a mask.
    """
    image_paths, mask_paths = _list_tiles(*images), _list_tiles(*masks)
    if image_paths.keys().isdisjoint(mask_paths):
        raise ValueError(
            f"no tile has an image in {printable(images[0])} and a mask in {printable(masks[0])}. "
            "docs/datasets.md shows their names."
        )
    samples = [
        ThresholdedSample(tile, image_paths[tile], mask_paths[tile])
        for tile in sorted(image_paths.keys() & mask_paths.keys())
    ]
    splits: Mapping[str, Sequence[Sample]] = {
        val_split.TRAIN: tuple(each for each in samples if each.name not in test_tiles),
        _TEST: tuple(each for each in samples if each.name in test_tiles),
    }
    if not splits[val_split.TRAIN]:
        raise listing.NoMasksError(masks[0], "has no masks of the tiles for training.")
    if val_fraction is None:
        val_fraction = DEFAULT_VAL_FRACTION if len(splits[val_split.TRAIN]) > 1 else 0.0
    splits, problems = val_split.draw(
        {split: each for split, each in splits.items() if each},
        val_fraction,
        seed,
        printable(data_dir),
        DEFAULT_VAL_FRACTION,
    )
    ids = {color: class_id for class_id, color in enumerate(PALETTE)}
    return Source(
        name=name,
        class_names=CLASS_NAMES,
        palette=PALETTE,
        ignore_label=IGNORE_LABEL,
        splits=splits,
        mask_format=MaskFormat(
            colors={**ids, _BOUNDARY: IGNORE_LABEL}, named_in="the benchmark's description"
        ),
        problems=tuple(problems),
    )


def _list_tiles(folder: str, pattern: str) -> dict[str, str]:
    found = ((re.fullmatch(pattern, file), file) for file in image_folders.files_in(folder))
    return {match[1]: os.path.join(folder, file) for match, file in found if match}
