"""Your own images and masks in a folder.

An image and its mask have the same name, and lie in `images/` and `masks/` or under other names
that people give these folders (`sources.layouts`). Splits are told in one of four ways:

    data/                  data/                   data/                   data/
      classes.json           classes.json            classes.json            classes.json (optional)
      train/                 images/                 images/a.jpg            images/a.jpg
        images/a.jpg           train/a.jpg           masks/a.png             masks/a.png
        masks/a.png            val/b.jpg             splits/
      val/                   masks/                    train.txt
        images/b.jpg           train/a.png             val.txt
        masks/b.png            val/b.png
      test/ …                                                              (a fraction becomes
    (a folder a split)     (the same)              (a list a split)         `val`, the rest `train`)

Lists are read by `sources.split_lists`. A fraction is chosen by a hash of each name and a
seed: the same seed gives the same split on every machine, and images that are added later hardly
move the others.

Masks are 8-bit ids (gray or palette: the index is the id), or RGB colors that `classes.json` names
(`sources.class_file`). Without `classes.json` the number of classes is the largest id in
any mask, plus one, and 255 is ignored.
"""

import functools
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence

from common.texts import first_few
from datasets.segmentation.masks.mask_format import MaskFormat
from datasets.segmentation.masks.mask_values import check as check_mapping
from datasets.segmentation.sources import class_file, layouts, leftovers, listing, split_lists
from datasets.segmentation.sources import pairing as pairs
from datasets.segmentation.sources.class_count import count_classes
from datasets.segmentation.sources.source import WARNING, Problem, Sample, Source
from datasets.segmentation.sources.splits import open_splits

CLASSES_FILE = "classes.json"
DEFAULT_VAL_FRACTION = 0.2

_NEEDED_SPLITS = ("train", "val")

_Opened = tuple[dict[str, tuple[Sample, ...]], tuple[Problem, ...]]


def open_source(
    data_dir: str,
    classes_file: str | None = None,
    val_fraction: float | None = None,
    seed: int = 0,
    mask_values: Mapping[int, int] | None = None,
) -> Source:
    """Opens a folder of images and masks.

    Args:
      data_dir: the folder; the dataset is called as it is.
      classes_file: class file; None for `classes.json` in the folder, if it is there.
      val_fraction: share of the images that becomes `val` where nothing else tells the splits,
        0 <= fraction < 1; None for 0.2.
      seed: another seed gives another choice of the same size.
      mask_values: class id of each value in gray and palette masks; None where values are ids.

    Raises:
      ValueError: the folder is laid out otherwise, a class file is wrong, the masks' ids do not
        tell the classes, or `mask_values` does not fit them.
    """
    data_dir = os.path.normpath(data_dir)
    layout = layouts.find_layout(data_dir)
    splits, problems = _open_splits(layout, data_dir, val_fraction, seed)
    problems = (
        *problems,
        *leftovers.describe_outside(data_dir, layout.all_folders),
        *leftovers.describe_untrainable(data_dir, splits),
    )
    if classes_file is None and os.path.isfile(os.path.join(data_dir, CLASSES_FILE)):
        classes_file = os.path.join(data_dir, CLASSES_FILE)
    if classes_file is not None:
        classes = class_file.read_class_file(classes_file)
        if mask_values is not None:
            check_mapping(mask_values, len(classes.names), classes.ignore_label)
    else:
        samples = [sample for samples in splits.values() for sample in samples]
        classes = count_classes(samples, data_dir, mask_values)
    return Source(
        # A description is text, whatever bytes the folder's name has.
        name=os.fsencode(os.path.basename(os.path.abspath(data_dir))).decode(errors="replace"),
        class_names=classes.names,
        palette=classes.display_palette,
        ignore_label=classes.ignore_label,
        splits=splits,
        mask_format=MaskFormat(colors=classes.mask_colors, values=mask_values),
        problems=problems,
    )


def _open_splits(
    layout: layouts.Layout, data_dir: str, val_fraction: float | None, seed: int
) -> _Opened:
    """Lists the splits in whichever way the folder tells them."""
    if val_fraction is not None and (layout.splits or layout.lists):
        raise ValueError(
            f"val_fraction is {val_fraction}, but {data_dir!r} has splits of its own: "
            f"{', '.join(layout.splits) or os.path.basename(layout.lists) + '/'}. Omit "
            "val_fraction, or remove the splits."
        )
    if layout.splits and layout.folders is None:
        return _open_split_folders(layout.splits)
    if layout.splits and layout.has_masks_by_split:
        splits, problems = _open_split_folders(layout.splits)
        return splits, (*problems, *_describe_stray(layout.folders))
    pairing = pairs.match(
        listing.index_images(layout.folders.images), listing.index_masks(layout.folders.masks)
    )
    if layout.splits:
        splits, problems = _open_image_folders(layout, pairing)
    elif layout.lists:
        splits, problems = _open_lists(layout.lists, pairing)
    else:
        fraction = DEFAULT_VAL_FRACTION if val_fraction is None else val_fraction
        names = _choose_splits(pairing.names, fraction, seed)
        splits, problems = _open_chosen(names, pairing)
    return splits, (*pairing.problems, *problems)


def _open_split_folders(splits: Mapping[str, layouts.Folders]) -> _Opened:
    """Opens splits that have folders of images and of masks of their own."""
    return open_splits(
        {
            split: functools.partial(pairs.pair_folders, folders.images, folders.masks, split)
            for split, folders in splits.items()
        }
    )


def _describe_stray(folders: layouts.Folders) -> Iterator[Problem]:
    """Reports files beside the folders of the splits."""
    for folder in (folders.images, folders.masks):
        stray = [name for name in listing.walk(folder) if "/" not in name]
        if stray:
            yield _unused(folder, f"in no folder of a split: {first_few(stray)}", len(stray))


def _open_image_folders(layout: layouts.Layout, pairing: pairs.Pairing) -> _Opened:
    """Opens splits that have folders of images only, and all masks in one folder."""
    names = {}
    for split, folders in layout.splits.items():
        folder = listing.compose(os.path.basename(folders.images))
        names[split] = [name for name in pairing.names if name.startswith(f"{folder}/")]
    splits, problems = open_splits(
        {split: functools.partial(pairing.choose, split, chosen) for split, chosen in names.items()}
    )
    rest = sorted(set(pairing.names).difference(*names.values()))
    if rest:
        message = f"in no folder of a split, or without an image there: {first_few(rest)}"
        problems = (*problems, _unused(layout.folders.masks, message, len(rest)))
    return splits, problems


def _unused(folder: str, reason: str, count: int) -> Problem:
    message = f"{count} {'file is' if count == 1 else 'files are'} left out, {reason}."
    return Problem(WARNING, "unused", message, folder)


def _open_lists(folder: str, pairing: pairs.Pairing) -> _Opened:
    """Opens the splits that lists tell."""
    lists = split_lists.read_lists(folder, "lists such as train.txt and val.txt, or no such folder")
    listed: set[str] = set()

    def open_list(split: str, name: str) -> pairs.Pairs:
        try:
            entries, problems = split_lists.resolve(lists[name], pairing, split)
        except split_lists.NothingListedError:
            if split in _NEEDED_SPLITS:
                raise
            raise listing.NoMasksError(
                pairing.masks_dir, f"has no mask of an image in {lists[name].path}."
            ) from None
        listed.update(entry.name for entry in entries)
        samples, found = pairing.choose(split, entries)
        return samples, (*problems, *found)

    names = layouts.name_splits(lists, folder)
    splits, problems = open_splits(
        {split: functools.partial(open_list, split, name) for split, name in names.items()}
    )
    unlisted = [name for name in pairing.names if name not in listed]
    if unlisted:
        message = f"named by no list: {first_few(unlisted)}"
        problems = (*problems, _unused(pairing.images_dir, message, len(unlisted)))
    return splits, problems


def _open_chosen(names: Mapping[str, Sequence[str]], pairing: pairs.Pairing) -> _Opened:
    opened = {split: pairing.choose(split, each, is_drawn=True) for split, each in names.items()}
    return (
        {split: samples for split, (samples, _) in opened.items()},
        tuple(problem for _, problems in opened.values() for problem in problems),
    )


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
            "there is only one example, so none is left for 'val'. Add images, or set "
            "val_fraction to 0."
        )
    num_val = min(max(1, round(len(ranked) * val_fraction)), len(ranked) - 1)
    return {"train": ranked[num_val:], "val": ranked[:num_val]}
