"""Your own images and masks in a folder.

An image and its mask have the same name, and lie in `images/` and `masks/` or under other names
that people give these folders (`layouts`). docs/datasets.md draws the four ways to define splits: a
folder per split with images and masks, images and masks with a folder per split, a list per split
(`split_lists`), or by chance. Then a hash of each name and a seed decides: the same seed gives the
same split on every machine, and images that are added later hardly move the others.

Masks are 8-bit ids (gray or palette: the index is the id), or RGB colors that `classes.json` names
(`class_file`), or the table of a labelling tool (`class_tables`). Without either the number of
classes is the largest id in any mask, plus one, and 255 is ignored; `classes.txt` or `labels.txt`
names them if it has as many lines.
"""

import dataclasses
import hashlib
import os
from collections.abc import Mapping

from common import files
from common.texts import first_few
from datasets.images import image_folders
from datasets.records import split_names
from datasets.records.problems import WARNING, Problem
from datasets.segmentation.masks.mask_format import MaskFormat
from datasets.segmentation.masks.mask_values import check as check_mapping
from datasets.segmentation.sources import (
    class_file,
    class_tables,
    layouts,
    leftovers,
    listing,
    split_lists,
)
from datasets.segmentation.sources.class_count import FoundClasses, find_classes
from datasets.segmentation.sources.class_file import ClassFile
from datasets.segmentation.sources.layouts import Folders, Layout
from datasets.segmentation.sources.pairing import Pairing, Pairs, match, open_splits, pair_folders
from datasets.segmentation.sources.source import Sample, Source

DEFAULT_VAL_FRACTION = 0.2

# Where people write the names of classes, a line for each.
_LISTS_OF_NAMES = ("classes.txt", "labels.txt")
_NEEDED_SPLITS = ("train", "val")
_STRAY = "in no folder of a split"

_Opened = tuple[dict[str, tuple[Sample, ...]], tuple[Problem, ...]]


def open_source(
    data_dir: str,
    classes_file: str | None = None,
    val_fraction: float | None = None,
    seed: int = 0,
    mask_values: Mapping[int, int] | None = None,
) -> Source:
    """Opens a folder of images and masks, after which the dataset is named.

    The arguments are those of `sources.open_source`; `val_fraction` is 0.2 unless given.

    Raises:
      ValueError: the folder has another layout, a class file is wrong, the classes cannot be found
        from the masks' ids, or `mask_values` does not fit them.
    """
    data_dir = os.path.normpath(data_dir)
    layout = layouts.find_layout(data_dir)
    splits, problems = _open_splits(layout, data_dir, val_fraction, seed)
    problems = (
        *problems,
        *leftovers.describe_outside(data_dir, layout.all_folders),
        *leftovers.describe_untrainable(data_dir, splits),
    )
    if classes_file is None and os.path.isfile(os.path.join(data_dir, class_file.NAME)):
        classes_file = os.path.join(data_dir, class_file.NAME)
    table = None
    if classes_file is not None:
        classes = class_file.read_class_file(classes_file)
    elif (table := class_tables.find_class_table(data_dir)) is not None:
        classes = table.classes
    else:
        samples = [sample for samples in splits.values() for sample in samples]
        found = _named(find_classes(samples, data_dir, mask_values), data_dir)
        classes, mask_values = found.classes, found.values
        problems = (*problems, *found.problems)
    if mask_values is not None and (classes_file or table):
        check_mapping(mask_values, len(classes.names), classes.ignore_label)
    return Source(
        name=image_folders.dataset_name(data_dir),
        class_names=classes.names,
        palette=classes.display_palette,
        ignore_label=classes.ignore_label,
        splits=splits,
        mask_format=MaskFormat(
            id_map=table.id_map if table is not None else {},
            colors=classes.mask_colors,
            values=mask_values,
            named_in=os.path.basename(table.path) if table and mask_values is None else None,
        ),
        problems=problems,
    )


def _named(found: FoundClasses, data_dir: str) -> FoundClasses:
    """Names the classes of masks by a list beside them, if it has as many names; else says so."""
    paths = [os.path.join(data_dir, name) for name in _LISTS_OF_NAMES]
    path = next(filter(os.path.isfile, paths), None)
    if path is None:
        return found
    names = [line.strip() for line in files.read_text(path).splitlines() if line.strip()]
    count = len(found.classes.names)
    classes = found.classes
    if found.classes.palette is not None:
        why = "does not say which color is which class"
    elif len(names) != count:
        why = f"has {len(names)} names, and the masks have {count} classes"
    elif len({*names}) != count:
        why = "has a name twice"
    else:
        classes = ClassFile(tuple(names))
        why = f"names the classes, from 0 on: {first_few(names, 12)}"
    if classes is found.classes:
        why += ', so it is not read. Name the classes in classes.json: {"names": ["…", "…"]}'
    problem = Problem(WARNING, "classes", f"{os.path.basename(path)} {why}.", path)
    return dataclasses.replace(found, classes=classes, problems=(*found.problems, problem))


def _open_splits(layout: Layout, data_dir: str, val_fraction: float | None, seed: int) -> _Opened:
    """Opens the splits in whichever way the folder defines them."""
    given = ", ".join(layout.splits) or (layout.lists and os.path.basename(layout.lists) + "/")
    if val_fraction is not None and given:
        raise ValueError(
            f"val_fraction is {val_fraction}, but {data_dir!r} has splits of its own: {given}. "
            "Omit val_fraction, or remove the splits."
        )
    folders = layout.folders
    if folders is None:
        return _open_split_folders(layout)
    if layout.splits and all(split.masks != folders.masks for split in layout.splits.values()):
        splits, problems = _open_split_folders(layout)
        return splits, (
            *problems,
            *leftovers.describe_unlisted(
                folders.images, image_folders.files_in(folders.images), _STRAY
            ),
            *leftovers.describe_unlisted(
                folders.masks, image_folders.files_in(folders.masks), _STRAY
            ),
        )
    pairing = match(listing.index_images(folders.images), listing.index_masks(folders.masks))
    if layout.splits:
        splits, problems = _open_image_folders(layout.splits, pairing)
    elif layout.lists:
        splits, problems = _open_lists(layout.lists, pairing)
    else:
        fraction = DEFAULT_VAL_FRACTION if val_fraction is None else val_fraction
        splits, problems = _draw_splits(pairing, fraction, seed)
    return splits, (*pairing.problems, *problems)


def _open_split_folders(layout: Layout) -> _Opened:
    """Opens splits that have folders of images and of masks of their own."""
    return open_splits(
        layout.splits, lambda split, folders: pair_folders(split, folders.images, folders.masks)
    )


def _open_image_folders(folders: Mapping[str, Folders], pairing: Pairing) -> _Opened:
    """Opens splits that have folders of images only, and all masks in one folder."""
    names = {}
    for split, (images_dir, _) in folders.items():
        prefix = image_folders.compose(os.path.basename(images_dir)) + "/"
        names[split] = dict.fromkeys(name for name in pairing.names if name.startswith(prefix))
    splits, problems = open_splits(names, pairing.choose)
    rest = sorted(set(pairing.names).difference(*names.values()))
    reason = f"{_STRAY}, or without an image there"
    return splits, (*problems, *leftovers.describe_unlisted(pairing.masks_dir, rest, reason))


def _open_lists(folder: str, pairing: Pairing) -> _Opened:
    """Opens a split for each list."""
    lists = split_lists.read_lists(folder, "lists such as train.txt and val.txt, or no such folder")
    listed: set[str] = set()

    def open_list(split: str, name: str) -> Pairs:
        try:
            chosen, problems = split_lists.resolve(lists[name], pairing, split)
        except split_lists.NothingListedError:
            if split in _NEEDED_SPLITS:
                raise
            raise listing.NoMasksError(
                pairing.masks_dir, f"has no mask of an image in {lists[name].path}."
            ) from None
        listed.update(chosen)
        samples, found = pairing.choose(split, chosen)
        return samples, (*problems, *found)

    splits, problems = open_splits(split_names.name_splits(lists, folder), open_list)
    rest = [name for name in pairing.names if name not in listed]
    return splits, (
        *problems,
        *leftovers.describe_unlisted(pairing.images_dir, rest, "named by no list"),
    )


def _draw_splits(pairing: Pairing, val_fraction: float, seed: int) -> _Opened:
    """Draws train and val by the hashes of names; val gets at least one unless it is 0."""
    if not 0 <= val_fraction < 1:
        raise ValueError(f"val_fraction is {val_fraction}; expected 0 <= val_fraction < 1.")

    def rank(name: str) -> bytes:
        return hashlib.sha256(f"{seed}:{name}".encode()).digest()

    ranked = sorted(pairing.names, key=rank)
    if val_fraction and len(ranked) < 2:
        raise ValueError(
            "there is only one example, so none is left for 'val'. Add images, or train without "
            "validation: --val_fraction=0 (with make: ARGS=--val_fraction=0)."
        )
    num_val = min(max(1, round(len(ranked) * val_fraction)), len(ranked) - 1) if val_fraction else 0
    names = {"train": ranked[num_val:], "val": ranked[:num_val]}
    return open_splits(
        {
            split: dict.fromkeys(drawn)
            for split, drawn in names.items()
            if drawn or split == "train"
        },
        lambda split, chosen: pairing.choose(split, chosen, is_drawn=True),
    )
