"""A folder of images per class, with or without splits.

    flowers/                       flowers/
      daisy/a.jpg                    train/daisy/a.jpg
      rose/b.jpg                     val/daisy/b.jpg      (or valid, validation, dev)
                                     test/daisy/c.jpg     optional

Classes have the names of their folders, and ids in the order of these names. Images may lie in
subfolders of a class. Without `val` a share of each class is taken from the images by chance.
"""

import os
from collections.abc import Iterable, Mapping

from common import image_files
from common.texts import first_few, printable
from datasets.classification.sources import class_names
from datasets.classification.sources.source import TRAIN, Sample, Source, draw_val
from datasets.images import image_folders
from datasets.images.image_folders import compose, fold
from datasets.records import problems, split_names
from datasets.records.problems import ERROR, Problem

EXPECTED = "a folder of images per class, or train/ and val/ with a folder per class each"


def open_source(
    data_dir: str,
    *,
    val_fraction: float | None = None,
    seed: int = 0,
    class_names_file: str | None = None,
) -> Source:
    """Opens a folder of images, after which the dataset is named.

    Args:
      val_fraction, seed: see `source.draw_val`.
      class_names_file: orders or renames the classes; see `class_names`.

    Raises:
      ValueError: the folder has another layout, a split has a class that `train` has not, or the
        list of names does not fit.
    """
    data_dir = os.path.normpath(data_dir)
    image_folders.require_folder(data_dir, EXPECTED)
    split_dirs = _find_splits(data_dir) or {TRAIN: data_dir}
    class_dirs = {split: _list_classes(path) for split, path in split_dirs.items()}
    classes = class_names.order(sorted(class_dirs[TRAIN]), class_names_file, split_dirs[TRAIN])
    found: dict[str, tuple[Sample, ...]] = {}
    seen: list[Problem] = []
    for split, folders in class_dirs.items():
        _check_classes(split, folders, class_dirs[TRAIN], split_dirs)
        samples: list[Sample] = []
        for folder, path in folders.items():
            listed, complaints = _list_images(path, data_dir, split, classes.ids[folder])
            samples += listed
            seen += complaints
        found[split] = tuple(sorted(samples, key=lambda sample: sample.name))
        seen += _describe_stray(split_dirs[split])
    if split_dirs[TRAIN] != data_dir:
        seen += _describe_stray(data_dir, *map(os.path.basename, split_dirs.values()))
    splits, drawing = draw_val(found, val_fraction, seed, data_dir)
    return Source(
        name=image_folders.dataset_name(data_dir),
        class_names=classes.names,
        splits=splits,
        problems=(*seen, *drawing),
    )


def _find_splits(data_dir: str) -> dict[str, str]:
    """Returns the folders of the splits by their names; none where the folders are classes."""
    inside = image_folders.subfolders(data_dir)
    known = [name for name in inside if fold(name) in split_names.SPLITS]
    named = {split_names.SPLITS[fold(name)] for name in known}
    # A folder called train beside others may be one of images of trains.
    is_sure = TRAIN in named and (len(named) > 1 or len(known) == len(inside))
    if named and len(known) == len(inside) and not is_sure:
        raise ValueError(
            f"data_dir {data_dir!r} holds {image_folders.name_entries(data_dir)} and no train/; "
            f"expected {EXPECTED}."
        )
    if not is_sure:
        return {}
    splits = split_names.name_splits(known, data_dir)
    return {split: inside[name] for split, name in splits.items()}


def _list_classes(folder: str) -> dict[str, str]:
    """Returns the paths of the folders of classes by their names."""
    named: dict[str, str] = {}
    for name, path in image_folders.subfolders(folder).items():
        if not image_folders.is_utf8(name):
            raise ValueError(f"{printable(path)}: the name is not UTF-8. Rename the folder.")
        named[compose(name)] = path
    if not named:
        raise ValueError(
            f"{folder} holds {image_folders.name_entries(folder)}; expected {EXPECTED}. "
            "docs/classification.md draws the folders."
        )
    return named


def _check_classes(
    split: str, folders: Iterable[str], known: Mapping[str, str], split_dirs: Mapping[str, str]
) -> None:
    unknown = [name for name in folders if name not in known]
    if not unknown:
        return
    near = [name for name in known if fold(name) == fold(unknown[0])]
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ValueError(
        f"{split_dirs[split]} has the classes {first_few(map(repr, unknown))}, which "
        f"{split_dirs[TRAIN]} has not.{hint} Classes must be in 'train': add or rename the "
        "folders, or remove them."
    )


def _list_images(
    folder: str, data_dir: str, split: str, label: int
) -> tuple[list[Sample], list[Problem]]:
    """Lists the images of a class; other files are reported."""
    samples: list[Sample] = []
    complaints: list[Problem] = []
    others: list[str] = []
    for relative in image_folders.walk(folder):
        path = os.path.join(folder, relative)
        name = compose(os.path.relpath(path, data_dir).replace(os.sep, "/"))
        if not relative.lower().endswith(image_files.ENDINGS):
            others.append(relative)
        elif not image_folders.is_utf8(relative):
            message = "the name of this file is not UTF-8, as records need it. Rename it."
            complaints.append(Problem(ERROR, "name", message, path, None, printable(name)))
        else:
            samples.append(Sample(name, path, label))
    if others:
        named = first_few(map(image_folders.describe_file, others))
        reason = f" (not images that are read): {named}"
        complaints.append(problems.unused(folder, len(others), reason))
    return samples, complaints


def _describe_stray(folder: str, *known: str) -> list[Problem]:
    """Reports images, and folders beside known ones, that are in no folder of a class or split."""
    stray = [
        entry.name
        for entry in image_folders.visible_entries(folder)
        if (known and entry.is_dir() and entry.name not in known)
        or (not entry.is_dir() and entry.name.lower().endswith(image_files.ENDINGS))
    ]
    if not stray:
        return []
    where = "split" if known else "class"
    reason = f", in no folder of a {where}: {first_few(stray)}"
    return [problems.unused(folder, len(stray), reason)]
