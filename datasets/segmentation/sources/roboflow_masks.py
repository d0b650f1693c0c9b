"""Roboflow's export "Semantic Segmentation Masks".

    my_export/
      train/
        _classes.csv        "Pixel Value, Class", and a line "0, background" for each class
        a.jpg
        a_mask.png          gray: the pixel value of each class
      valid/ …
      test/ …

An export that was not split has one such folder, which may also be the data folder itself.
"""

import os
from collections.abc import Iterator, Mapping, Sequence

from common import files, image_files
from common.texts import first_few, printable
from datasets.images import image_folders
from datasets.records import split_names, val_split
from datasets.records.problems import ERROR, Problem
from datasets.segmentation.annotations import label_roles
from datasets.segmentation.annotations.labeled_image import Annotations
from datasets.segmentation.masks.mask_format import MaskFormat
from datasets.segmentation.sources import annotated
from datasets.segmentation.sources.source import Sample, Source

CLASSES_FILE = "_classes.csv"

_HEADINGS = ("pixelvalue", "class")
_MASK_ENDING = "_mask.png"
_VERSION = ".rf."  # After an image's name; a number follows for each version that was made of it.
_EXPECTED = (
    f'folders such as train/ with {CLASSES_FILE} ("Pixel Value, Class") and images beside their '
    "masks: a.jpg and a_mask.png"
)


def matches(data_dir: str) -> bool:
    """Whether a folder, or one in it, has Roboflow's file of pixel values and classes."""
    return any(map(_is_classes_file, _find_classes(data_dir).values()))


def open_source(
    data_dir: str,
    classes_file: str | None = None,
    val_fraction: float | None = None,
    seed: int = 0,
) -> Source:
    """Opens an export, after whose folder the dataset is named.

    Args:
      data_dir: the folder.
      classes_file, val_fraction, seed: see `annotated.make_source`.

    Raises:
      ValueError: the folder is laid out otherwise, or its files of classes contradict each other.
    """
    data_dir = os.path.normpath(data_dir)
    image_folders.require_folder(data_dir, _EXPECTED)
    tables = _find_classes(data_dir)
    strange = [path for path in tables.values() if not _is_classes_file(path)]
    if len(strange) == len(tables):
        raise ValueError(image_folders.describe_contents(data_dir, _EXPECTED))
    if strange:
        raise ValueError(
            f'{printable(strange[0])} does not begin with "Pixel Value, Class", as others here do. '
            "Export the dataset again as a whole."
        )
    without = [
        folder
        for folder, path in image_folders.subfolders(data_dir).items()
        if folder not in tables
        and any(name.endswith(_MASK_ENDING) for name in image_folders.files_in(path))
    ]
    if without:
        raise ValueError(
            f"{printable(os.path.join(data_dir, without[0]))} has masks and no {CLASSES_FILE}, as "
            "others here do. Export the dataset again as a whole, or copy it from another folder."
        )
    labels = _read_tables(list(tables.values()))
    names = tuple(labels.values())
    background = label_roles.find_background(names)
    classes = annotated.choose_classes(
        Annotations(
            splits={},
            labels=names,
            background=background,
            ignored=label_roles.find_ignored(names, background),
            is_complete=background is None,
        ),
        data_dir,
        classes_file,
    )
    problems: list[Problem] = []
    splits = {
        split: _list_samples(os.path.join(data_dir, folder), split, problems)
        for split, folder in split_names.name_splits(tables, data_dir).items()
    }
    splits = val_split.require_train(splits, data_dir)
    drawn, found = _draw_val(splits, val_fraction, seed, data_dir)
    return Source(
        name=image_folders.dataset_name(data_dir),
        class_names=classes.names,
        palette=classes.palette,
        ignore_label=classes.ignore_label,
        splits=drawn,
        mask_format=MaskFormat(
            values={value: classes.ids[name] for value, name in labels.items()},
            named_in=CLASSES_FILE,
        ),
        problems=(*classes.problems, *problems, *found),
    )


def _find_classes(data_dir: str) -> dict[str, str]:
    """Returns the files of classes by the folder they are in: those of splits, or "" for one."""
    folders = {"": data_dir, **image_folders.subfolders(data_dir)}
    found = {name: os.path.join(path, CLASSES_FILE) for name, path in folders.items()}
    found = {name: path for name, path in found.items() if os.path.isfile(path)}
    return {"": found[""]} if "" in found else found


def _is_classes_file(path: str) -> bool:
    """Whether a file begins as expected: Roboflow's files of image classes have the same name."""
    with open(path, "rb") as file:
        first = file.readline(256).decode("utf-8-sig", errors="replace")
    return tuple(map(image_folders.fold, first.split(","))) == _HEADINGS


def _read_tables(paths: Sequence[str]) -> Mapping[int, str]:
    """Returns the class of each pixel value, which is the same in all files."""
    first = _read_table(paths[0])
    for path in paths[1:]:
        if _read_table(path) != first:
            raise ValueError(
                f"{printable(paths[0])} and {printable(path)} name different classes. Export the "
                "dataset again as a whole."
            )
    return first


def _read_table(path: str) -> Mapping[int, str]:
    labels: dict[int, str] = {}
    for number, line in enumerate(files.read_text(path).splitlines(), start=1):
        if number == 1 or not line.strip(", "):
            continue
        value, _, name = (part.strip(' "') for part in line.partition(","))
        is_new = value.isdecimal() and int(value) not in labels and name not in labels.values()
        if not is_new or int(value) > 255 or not name:
            raise ValueError(
                f"{printable(path)}, line {number}: {printable(line)!r}; expected a pixel "
                "value of 0..255 and a name, neither of which is there before."
            )
        labels[int(value)] = name
    if not labels:
        raise ValueError(f"{printable(path)} names no class.")
    return labels


def _list_samples(folder: str, split: str, problems: list[Problem]) -> tuple[Sample, ...]:
    """Pairs images and masks; one without the other is a sample too, which the check reports."""
    images: dict[str, str] = {}
    masks: dict[str, str] = {}
    for file in _images_in(folder):
        path = os.path.join(folder, file)
        is_mask = file.lower().endswith(_MASK_ENDING)
        stem = file[: -len(_MASK_ENDING)] if is_mask else os.path.splitext(file)[0]
        name = image_folders.compose(stem)
        group = masks if is_mask else images
        if name in group:
            message = f"shares its stem with {os.path.basename(group[name])}. Rename one of them."
            problems.append(Problem(ERROR, "stem", message, path, split, name))
        group.setdefault(name, path)
    if images.keys().isdisjoint(masks):
        raise ValueError(
            f"{printable(folder)} has no image with a mask beside it: it holds "
            f"{first_few([*images.values(), *masks.values()]) or 'none'}. Expected a.jpg and "
            f"a{_MASK_ENDING}."
        )
    return tuple(
        Sample(
            name,
            images.get(name) or os.path.join(folder, name + ".jpg"),
            masks.get(name) or os.path.join(folder, name + _MASK_ENDING),
        )
        for name in sorted({*images, *masks})
    )


def _draw_val(
    splits: Mapping[str, tuple[Sample, ...]], val_fraction: float | None, seed: int, data_dir: str
) -> tuple[dict[str, Sequence[Sample]], list[Problem]]:
    """Takes `val` from `train` where there is none, all versions of an image together."""
    versions: dict[str, list[Sample]] = {}
    for sample in splits[val_split.TRAIN]:
        versions.setdefault(sample.name.partition(_VERSION)[0], []).append(sample)
    firsts = {**splits, val_split.TRAIN: tuple(same[0] for same in versions.values())}
    drawn, problems = val_split.draw(
        firsts, val_fraction, seed, data_dir, annotated.DEFAULT_VAL_FRACTION
    )
    if val_split.VAL not in splits and val_split.VAL in drawn:
        for split in (val_split.TRAIN, val_split.VAL):
            keys = [sample.name.partition(_VERSION)[0] for sample in drawn[split]]
            drawn[split] = tuple(sample for key in keys for sample in versions[key])
        return drawn, problems
    return dict(splits), problems


def _images_in(folder: str) -> Iterator[str]:
    for name in image_folders.files_in(folder):
        if name.lower().endswith(image_files.ENDINGS) and image_folders.is_utf8(name):
            yield name
