"""A folder of images, and a table of their labels.

    birds/
      labels.csv            file,label,split        or with semicolons or tabs
      images/a.jpg          images/a.jpg,wren,train
      images/b.jpg          b,robin,val

`label_table` says what the table may look like. A file is a path in the folder of data, in that of
the table, or in `images/` of either, and may be without its ending. Labels are names, or whole
numbers that are class ids.
"""

import os
import re
from collections.abc import Iterator, Sequence

from common import image_files
from common.texts import first_few
from datasets.classification.sources import class_names, label_table
from datasets.classification.sources.class_names import Classes
from datasets.classification.sources.label_table import KNOWN_NAMES, Row
from datasets.classification.sources.source import TRAIN, Sample, Source, draw_val
from datasets.images import image_folders
from datasets.images.image_folders import compose
from datasets.records import problems, split_names
from datasets.records.problems import ERROR, WARNING, Problem

TABLE = "labels.csv"
EXPECTED = f"images, and {TABLE} or --labels_csv with their labels"

_MAX_CLASSES = 100_000


def open_source(
    data_dir: str,
    *,
    val_fraction: float | None = None,
    seed: int = 0,
    class_names_file: str | None = None,
    labels_csv: str | None = None,
) -> Source:
    """Opens a folder of images with a table, after which folder the dataset is named.

    Args:
      val_fraction, seed: see `source.draw_val`.
      class_names_file: orders or renames the classes (see `class_names`); for labels that are
        numbers, the name of each class id, a line each.
      labels_csv: the table; None for `labels.csv` in the folder.

    Raises:
      OSError: the table cannot be read.
      ValueError: it is no table of files and labels, or its labels or splits do not fit together;
        the message names the file and, where one is at fault, the line.
    """
    data_dir = os.path.normpath(data_dir)
    image_folders.require_folder(data_dir, EXPECTED)
    path = labels_csv or os.path.join(data_dir, TABLE)
    if not os.path.isfile(path):
        holds = image_folders.name_entries(data_dir)
        raise ValueError(
            f"{path} does not exist; expected {EXPECTED}. data_dir {data_dir!r} holds {holds}."
        )
    rows, has_header = label_table.read(path)
    splits = _name_splits(rows, path)
    classes = _find_classes(rows, path, class_names_file)
    finder = _Finder(data_dir, path)
    found: dict[str, list[Sample]] = {split: [] for split in splits.values()}
    seen: list[Problem] = []
    lines: dict[tuple[str, str], Row] = {}
    for row in rows:
        split = splits[row.split or ""]
        file = finder.find(row.file)
        if file is None:
            message = (
                f"line {row.line} names {row.file!r}: there is no such image. Correct the line."
            )
            if row is rows[0] and not has_header:
                message += f" If it names the columns: those known are {KNOWN_NAMES}."
            seen.append(Problem(ERROR, "missing", message, path, split, row.file))
            continue
        sample = Sample(finder.name(file), file, classes.ids[row.label])
        first = lines.setdefault((split, sample.name), row)
        if first is row:
            found[split].append(sample)
        else:
            is_same = classes.ids[first.label] == classes.ids[row.label]
            message = f"line {row.line} names {row.file!r}, and so does line {first.line}"
            if not is_same:
                message += f": labels {row.label!r} and {first.label!r}"
            severity, kind = (WARNING, "repeated") if is_same else (ERROR, "label")
            message += ". Remove one of them."
            seen.append(Problem(severity, kind, message, path, split, sample.name))
    seen += finder.describe_unused()
    ordered = {split: tuple(sorted(samples, key=_by_name)) for split, samples in found.items()}
    drawn, drawing = draw_val(ordered, val_fraction, seed, path)
    return Source(
        name=image_folders.dataset_name(data_dir),
        class_names=classes.names,
        splits=drawn,
        problems=(*seen, *drawing),
    )


def _by_name(sample: Sample) -> str:
    return sample.name


def _name_splits(rows: Sequence[Row], path: str) -> dict[str, str]:
    """Returns the splits by the names that the table has for them, "" where it has none."""
    if not rows:
        raise ValueError(f"{path} names no image; expected a file and its label on each line.")
    if rows[0].split is None:
        return {"": TRAIN}
    named = split_names.name_splits({row.split or "" for row in rows}, path)
    if TRAIN not in named:
        raise ValueError(
            f"{path} has the splits {first_few(named)}, but no 'train'. Name the split to train on "
            "so."
        )
    for row in rows:
        if "/" in (row.split or ""):
            raise ValueError(
                f"{path}: line {row.line} has the split {row.split!r}; expected a name."
            )
    return {name: split for split, name in named.items()}


def _find_classes(rows: Sequence[Row], path: str, class_names_file: str | None) -> Classes:
    labels = {row.label: row for row in reversed(rows)}
    # Programs write whole numbers as 1.0 where a column of theirs once lacked some.
    if not all(re.fullmatch(r"[+-]?\d+(\.0*)?", label) for label in labels):
        return class_names.order(sorted(labels), class_names_file, path)
    ids = {label: int(label.partition(".")[0]) for label in labels}
    for label, class_id in ids.items():
        if not 0 <= class_id < _MAX_CLASSES:
            raise ValueError(
                f"{path}: line {labels[label].line} has the label {label}; expected a class id of "
                f"0 to {_MAX_CLASSES - 1}, or a name."
            )
    largest = max(ids.values())
    if min(ids.values()) == 1 and class_names_file is None:
        raise ValueError(
            f"{path}: the labels are 1 to {largest}, and class ids count from 0. Subtract 1 from "
            "each label, or write names; if class 0 is meant to have no image, name the classes "
            "with --class_names_file."
        )
    if class_names_file is None:
        return Classes(tuple(f"class_{index}" for index in range(largest + 1)), ids)
    names = [name for _, name in class_names.read_lines(class_names_file)]
    if len(names) <= largest:
        line = next(row.line for row in rows if ids[row.label] == largest)
        raise ValueError(
            f"{class_names_file} names {len(names)} classes, but line {line} of {path} has the "
            f"label {largest}: expected a name for each id from 0 on."
        )
    return Classes(tuple(names), ids)


class _Finder:
    """Finds the images that the table names, and those that it does not."""

    def __init__(self, data_dir: str, table: str) -> None:
        self._data_dir = data_dir
        above = dict.fromkeys((data_dir, os.path.dirname(table) or "."))
        self._roots = [os.path.join(root, sub) for root in above for sub in ("", "images")]
        self._found: set[str] = set()

    def find(self, file: str) -> str | None:
        """Returns the path of an image, or None where there is no such file."""
        relative = file.replace("\\", "/")
        for root in self._roots:
            path = os.path.join(root, relative)
            for candidate in (path, *(path + ending for ending in image_files.ENDINGS)):
                if os.path.isfile(candidate):
                    candidate = os.path.normpath(candidate)
                    self._found.add(candidate)
                    return candidate
        return None

    def name(self, path: str) -> str:
        """Returns the name of an example: the path of its image in the folder of data."""
        relative = os.path.relpath(path, self._data_dir).replace(os.sep, "/")
        return compose(path if relative.startswith("../") else relative)

    def describe_unused(self) -> Iterator[Problem]:
        """Reports the images in the folder of data that the table does not name."""
        unused = [
            relative
            for relative in image_folders.walk(self._data_dir)
            if relative.lower().endswith(image_files.ENDINGS)
            and os.path.normpath(os.path.join(self._data_dir, relative)) not in self._found
        ]
        if unused:
            reason = f", named by no line: {first_few(unused)}"
            yield problems.unused(self._data_dir, len(unused), reason)
