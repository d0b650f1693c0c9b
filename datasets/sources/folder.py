"""Your own pictures and masks in a folder.

A picture and its mask have the same stem. Splits are told in one of three ways:

    data/                     data/                     data/
      classes.json              classes.json              classes.json    (optional)
      train/                    images/a.jpg              images/a.jpg
        images/a.jpg            masks/a.png               masks/a.png
        masks/a.png             splits/
      val/                        train.txt
        images/b.jpg              val.txt
        masks/b.png
      test/ …                                           (a fraction becomes `val`,
    (a folder a split)          (a list a split)         the rest `train`)

Lists hold one stem or file name on each line. A fraction is chosen by a hash of each stem and a
seed: the same seed gives the same split on every machine, and pictures that are added later hardly
move the others.

Masks are 8-bit ids (PNG, BMP, TIFF or GIF; gray or palette: the index is the id), or RGB colours
that `classes.json` names (`datasets.sources.class_file`). Without `classes.json` the number of
classes is the largest id in any mask, plus one, and 255 is ignored.
"""

import hashlib
import os
from collections.abc import Iterable, Sequence

import numpy as np

from datasets.sources import class_file, listing, masks, workers
from datasets.sources.class_file import ClassFile
from datasets.sources.source import Item, Problem, Source

CLASSES_FILE = "classes.json"
DEFAULT_VAL_FRACTION = 0.2

_SPLIT_ORDER = ("train", "val", "test")
_EXPECTED = "images/ and masks/, or train/images/ and train/masks/"

_Splits = dict[str, tuple[Item, ...]]


def open_source(
    data_dir: str,
    classes_file: str | None = None,
    val_fraction: float | None = None,
    seed: int = 0,
) -> Source:
    """Opens a folder of pictures and masks.

    Args:
      data_dir: the folder; the dataset is called as it is.
      classes_file: class file; None for `classes.json` in the folder, if it is there.
      val_fraction: share of the pictures that becomes `val` where nothing else tells the splits,
        0 <= fraction < 1; None for 0.2.
      seed: another seed gives another choice of the same size.

    Raises:
      ValueError: the folder is laid out otherwise, a class file is wrong, or the masks' ids do not
        tell the classes.
    """
    data_dir = os.path.normpath(data_dir)
    splits, problems = _open_splits(data_dir, val_fraction, seed)
    if classes_file is None and os.path.isfile(os.path.join(data_dir, CLASSES_FILE)):
        classes_file = os.path.join(data_dir, CLASSES_FILE)
    if classes_file is not None:
        classes = class_file.read_class_file(classes_file)
    else:
        classes = _count_classes([item for items in splits.values() for item in items], data_dir)
    return Source(
        name=os.path.basename(os.path.abspath(data_dir)),
        class_names=classes.names,
        palette=classes.display_palette,
        ignore_label=classes.ignore_label,
        splits=splits,
        mask_format=masks.MaskFormat(colours=classes.mask_colours),
        problems=problems,
    )


def _open_splits(
    data_dir: str, val_fraction: float | None, seed: int
) -> tuple[_Splits, tuple[Problem, ...]]:
    """Lists the splits in whichever of the three ways the folder has."""
    if not os.path.isdir(data_dir):
        raise ValueError(f"data_dir {data_dir!r} does not exist; expected {_EXPECTED} in it.")
    split_folders = [
        name
        for name in os.listdir(data_dir)
        if os.path.isdir(os.path.join(data_dir, name, "images"))
    ]
    images_dir, masks_dir = (os.path.join(data_dir, name) for name in ("images", "masks"))
    if os.path.isdir(images_dir) == bool(split_folders):
        found = "images/ and also " if split_folders else ""
        found += ", ".join(f"{name}/images/" for name in sorted(split_folders))
        raise ValueError(
            f"data_dir {data_dir!r} holds {found or listing.name_entries(data_dir)}; expected "
            f"either {_EXPECTED}. docs/datasets.md draws the folders."
        )
    splits_dir = os.path.join(data_dir, "splits")
    if val_fraction is not None and (split_folders or os.path.isdir(splits_dir)):
        raise ValueError(
            f"val_fraction is {val_fraction}, but {data_dir!r} has splits of its own: "
            f"{', '.join(_sorted_splits(split_folders)) or 'splits/'}. Leave the fraction out, or "
            "remove the splits."
        )
    if split_folders:
        pairs = {
            split: listing.pair_folders(
                os.path.join(data_dir, split, "images"),
                os.path.join(data_dir, split, "masks"),
                split,
            )
            for split in _sorted_splits(split_folders)
        }
    else:
        image_index = listing.index_pictures(images_dir)
        mask_index = listing.index_masks(masks_dir)
        if os.path.isdir(splits_dir):
            names = _read_lists(splits_dir)
        else:
            names = _choose_splits(
                image_index.paths.keys() | mask_index.paths.keys(),
                DEFAULT_VAL_FRACTION if val_fraction is None else val_fraction,
                seed,
            )
        pairs = {
            split: listing.pair(image_index, mask_index, split, names[split])
            for split in _sorted_splits(names)
        }
    return (
        {split: items for split, (items, _) in pairs.items()},
        tuple(problem for _, problems in pairs.values() for problem in problems),
    )


def _read_lists(folder: str) -> dict[str, Sequence[str]]:
    files = [name for name in os.listdir(folder) if name.endswith(".txt")]
    if not files:
        raise ValueError(
            f"{folder} holds {listing.name_entries(folder)}; expected lists such as train.txt and "
            "val.txt, or no such folder."
        )
    return {name[: -len(".txt")]: listing.read_list(os.path.join(folder, name)) for name in files}


def _sorted_splits(splits: Iterable[str]) -> list[str]:
    """Train, val and test first, in this order, then the others by name."""

    def place(split: str) -> tuple[int, str]:
        known = split in _SPLIT_ORDER
        return _SPLIT_ORDER.index(split) if known else len(_SPLIT_ORDER), split

    return sorted(splits, key=place)


def _choose_splits(names: Iterable[str], val_fraction: float, seed: int) -> dict[str, list[str]]:
    """Splits names into train and val by their hashes; val gets at least one unless it is 0."""
    if not 0 <= val_fraction < 1:
        raise ValueError(f"val_fraction is {val_fraction}; expected 0 <= val_fraction < 1.")

    def rank(name: str) -> bytes:
        return hashlib.sha256(f"{seed}:{name}".encode()).digest()

    ranked = sorted(names, key=rank)
    if val_fraction == 0:
        return {"train": ranked}
    if len(ranked) < 2:
        raise ValueError(
            "there is only one example, so none is left for 'val'. Add pictures, or set "
            "val_fraction to 0."
        )
    num_val = min(max(1, round(len(ranked) * val_fraction)), len(ranked) - 1)
    return {"train": ranked[num_val:], "val": ranked[:num_val]}


def _count_classes(items: Sequence[Item], data_dir: str) -> ClassFile:
    """Tells the classes from the ids in the masks.

    Masks that cannot be read are passed over: `datasets.checks` reports them.

    Raises:
      ValueError: the masks are coloured, or most ids up to the largest never occur.
    """

    def find_ids(item: Item) -> np.ndarray:
        try:
            mask = masks.read_raw_mask(item.mask_path)
        except (OSError, ValueError):
            return np.zeros(0, np.int64)
        return np.unique(masks.MaskFormat().decode(mask))

    ids: set[int] = set()
    for found in workers.map_in_order(find_ids, items, description="counting classes"):
        ids.update(found.tolist())
    ids.discard(class_file.DEFAULT_IGNORE_LABEL)
    num_classes = max(ids, default=0) + 1
    if num_classes > 2 * max(len(ids), 1):
        raise ValueError(
            f"the masks of {data_dir!r} hold the ids {', '.join(map(str, sorted(ids)))}, so most "
            f"ids up to {num_classes - 1} never occur. Number the classes 0, 1, 2, …; or, if the "
            f"ids are meant so, name them in {CLASSES_FILE}."
        )
    return ClassFile(tuple(f"class_{class_id}" for class_id in range(num_classes)))
