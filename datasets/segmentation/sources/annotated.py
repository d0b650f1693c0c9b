"""Makes a source of what a labelling tool wrote: labels become classes, regions become masks.

Which labels are classes, and in which order, is chosen with a class file; otherwise all are, in the
order of the export, after the background. Where regions overlap, the later one lies above, or the
smaller one.
"""

import dataclasses
import os
from collections.abc import Callable, Mapping, Sequence

from common import palettes
from common.texts import first_few, printable
from datasets.images import image_folders
from datasets.records import split_names, val_split
from datasets.records.problems import WARNING, Problem
from datasets.segmentation.annotations.labeled_image import Annotations, LabeledImage
from datasets.segmentation.masks.mask_format import Color
from datasets.segmentation.sources import class_file
from datasets.segmentation.sources.drawn_sample import DrawnSample
from datasets.segmentation.sources.source import Sample, Source

FILE_ORDER, SMALL_ABOVE_LARGE = "file_order", "small_above_large"
OVERLAPS = (FILE_ORDER, SMALL_ABOVE_LARGE)
BACKGROUND = "background"
DEFAULT_VAL_FRACTION = 0.2
IGNORE_LABEL = 255

_MAX_CLASSES = 255


@dataclasses.dataclass(frozen=True)
class Classes:
    """The classes that labels became."""

    names: tuple[str, ...]
    palette: tuple[Color, ...]
    ids: Mapping[str, int]  # of labels; the ignore label for those that are ignored
    rest: int  # id of what no region covers
    ignore_label: int
    problems: tuple[Problem, ...] = ()


def opener(
    read: Callable[[str], Annotations], expected: str, usual_overlaps: str = FILE_ORDER
) -> Callable[..., Source]:
    """Returns the function `open_source` of a format whose masks are drawn.

    Its arguments are `data_dir`, after which the dataset is named, and those of `make_source`;
    None for `overlaps` is what suits the format.

    Args:
      read: reads a folder.
      expected: what the folder has to hold, for the error where there is no such folder.
      usual_overlaps: which of two regions lies above unless a user says otherwise.
    """

    def open_source(
        data_dir: str,
        classes_file: str | None = None,
        val_fraction: float | None = None,
        seed: int = 0,
        overlaps: str | None = None,
    ) -> Source:
        data_dir = os.path.normpath(data_dir)
        image_folders.require_folder(data_dir, expected)
        return make_source(
            read(data_dir),
            data_dir,
            classes_file=classes_file,
            val_fraction=val_fraction,
            seed=seed,
            overlaps=overlaps or usual_overlaps,
        )

    return open_source


def make_source(
    annotations: Annotations,
    data_dir: str,
    *,
    classes_file: str | None = None,
    val_fraction: float | None = None,
    seed: int = 0,
    overlaps: str = FILE_ORDER,
) -> Source:
    """Makes a source of an export.

    Args:
      annotations: what was read.
      data_dir: its folder, after which the dataset is named.
      classes_file: JSON file with the labels that are classes, in the order of their ids; None for
        `classes.json` in the folder, if there is one.
      val_fraction: share of the images for validation, where the export has no splits.
      seed: of that share's choice.
      overlaps: which of two regions lies above, one of `OVERLAPS`.

    Raises:
      ValueError: there are too many classes, the class file is wrong, or splits contradict
        `val_fraction`.
    """
    classes = choose_classes(annotations, data_dir, classes_file)
    named = split_names.name_splits(annotations.splits, data_dir)
    splits: dict[str, Sequence[Sample]] = {
        split: tuple(
            sorted(
                (_sample(image, classes, overlaps) for image in annotations.splits[name]),
                key=lambda sample: sample.name,
            )
        )
        for split, name in named.items()
    }
    splits = val_split.require_train(splits, data_dir)
    splits, drawn = val_split.draw(splits, val_fraction, seed, data_dir, DEFAULT_VAL_FRACTION)
    return Source(
        name=image_folders.dataset_name(data_dir),
        class_names=classes.names,
        palette=classes.palette,
        ignore_label=classes.ignore_label,
        splits=splits,
        problems=(*annotations.problems, *classes.problems, *drawn),
    )


def _sample(image: LabeledImage, classes: Classes, overlaps: str) -> DrawnSample:
    return DrawnSample(
        image.name,
        image.image_path,
        image.annotation_path,
        tuple((classes.ids[region.label], region.shape) for region in image.regions),
        classes.rest,
        overlaps == SMALL_ABOVE_LARGE,
        image.size,
        image.damage,
        image.image_key,
    )


def choose_classes(annotations: Annotations, data_dir: str, path: str | None) -> Classes:
    """Makes classes of the labels of an export; arguments and errors are those of `make_source`."""
    if path is None and os.path.isfile(os.path.join(data_dir, class_file.NAME)):
        path = os.path.join(data_dir, class_file.NAME)
    if path is not None:
        return _classes_of_file(annotations, class_file.read_class_file(path), path)
    labels = [each for each in annotations.labels if each not in annotations.ignored]
    names = [each for each in labels if each != annotations.background]
    if not annotations.is_complete:
        names = [annotations.background or BACKGROUND, *names]
    if len(names) > _MAX_CLASSES:
        raise ValueError(
            f"there are {len(names)} labels, and masks have {_MAX_CLASSES} classes at most: choose "
            "some with --classes_file, a JSON file with their names."
        )
    shown = palettes.voc_palette(len(names))
    ids = {name: number for number, name in enumerate(names)}
    return Classes(
        names=tuple(names),
        palette=tuple(annotations.colors.get(name, shown[ids[name]]) for name in names),
        ids={**ids, **dict.fromkeys(annotations.ignored, IGNORE_LABEL)},
        rest=IGNORE_LABEL if annotations.is_complete else 0,
        ignore_label=IGNORE_LABEL,
    )


def _classes_of_file(annotations: Annotations, chosen: class_file.ClassFile, path: str) -> Classes:
    known = {*annotations.labels, annotations.background or BACKGROUND}
    unknown = [name for name in chosen.names if name not in known]
    if unknown:
        raise ValueError(
            f"{printable(path)} names {first_few(unknown)}, which the export does not have; it has "
            f"the labels {first_few(annotations.labels, 20)}."
        )
    ids = {name: number for number, name in enumerate(chosen.names)}
    background = annotations.background or BACKGROUND
    rest = ids.get(background, chosen.ignore_label)
    if annotations.is_complete:
        rest = chosen.ignore_label
    left_out = [
        each
        for each in annotations.labels
        if each not in ids and each not in annotations.ignored and each != background
    ]
    problems = []
    if left_out:
        become = "ignored" if rest == chosen.ignore_label else f"{chosen.names[rest]!r}"
        problems.append(
            Problem(
                WARNING,
                "classes",
                f"labels without a class here become {become}: {first_few(left_out, 20)}.",
                path,
            )
        )
    return Classes(
        names=chosen.names,
        palette=chosen.display_palette,
        ids={
            **dict.fromkeys(left_out, rest),
            **dict.fromkeys(annotations.ignored, chosen.ignore_label),
            **({background: rest} if background not in ids else {}),
            **ids,
        },
        rest=rest,
        ignore_label=chosen.ignore_label,
        problems=tuple(problems),
    )
