"""Reads a table of files and labels as people write them: commas, semicolons or tabs.

The first line may name the columns, in any order; without it they are file, label and, if there are
three, split. Instead of a split there may be `is_valid`, as fastai has it. A table without labels
may have a column for each class, with a 1 in that of the image's class and 0 in the others.
"""

import csv
import io
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from common import files
from common.texts import first_few
from datasets.classification.sources.source import TRAIN, VAL

# In the order in which a line is searched for them.
_DELIMITERS = "\t;,"
# What people call the columns, without capitals, spaces and underscores.
_FILE = frozenset(
    {
        *("file", "files", "filename", "filepath", "path", "image", "images", "img", "imagename"),
        *("imagefile", "imagepath", "imageid", "imgname", "id", "name"),
    }
)
# These may also number the lines or name what is seen: any other name of _FILE goes before them.
_VAGUE = ("imageid", "name", "id")
_LABEL = frozenset(
    {
        *("label", "labels", "class", "classname", "classid", "classlabel", "category"),
        *("categoryid", "categoryname", "target", "labelid", "labelname", "breed", "species"),
    }
)
_SPLIT = frozenset({"split", "set", "subset", "partition", "fold", "usage"})
_IS_VALID = frozenset({"isvalid", "isval", "isvalidation"})
_NAMES = {"file": _FILE, "label": _LABEL, "split": _SPLIT, "is_valid": _IS_VALID}
_TRUTHS = {"true": VAL, "1": VAL, "1.0": VAL, "false": TRAIN, "0": TRAIN, "0.0": TRAIN}
_ONE_HOT = {"1": True, "1.0": True, "0": False, "0.0": False}

KNOWN_NAMES = (
    "file (or image, filename, path), label (or class, category, target) and, optionally, split "
    "(or subset, is_valid)"
)


class Row(NamedTuple):
    """What a line of the table says; `split` is None where there is no such column."""

    line: int
    file: str
    label: str
    split: str | None


class Table(NamedTuple):
    """The rows, and whether a line before them names the columns."""

    rows: list[Row]
    has_header: bool


class _Line(NamedTuple):
    number: int  # of its first line, where quoted cells have several
    cells: list[str]


def read(path: str) -> Table:
    """Reads the lines of a table that are not empty.

    Raises:
      OSError: it cannot be read.
      ValueError: it is no table of files and labels; names the line.
    """
    lines = _read_lines(path)
    if not lines:
        raise ValueError(f"{path} names no image; expected a file and its label on each line.")
    names = lines[0].cells
    columns = _find_columns(names)
    has_header = {"file", "label"} <= columns.keys()
    if not has_header and columns.get("file") == 0 and len(names) > len(columns):
        return Table(_read_one_hot(path, lines, columns), True)
    if not has_header:
        if len(names) not in (2, 3):
            raise ValueError(
                f"{path}: line 1 has {len(names)} columns: {first_few(names)}; expected the names "
                f"{KNOWN_NAMES}, among them."
            )
        columns = dict(zip(("file", "label", "split"), range(len(names)), strict=False))
    rows = [_parse(path, line, names, columns) for line in lines[has_header:]]
    return Table(rows, has_header)


def _read_lines(path: str) -> list[_Line]:
    text = files.read_text(path)
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = next((each for each in _DELIMITERS if each in first), None)
    if delimiter is None:
        raise ValueError(
            f"{path}: line 1 is {first!r}; expected a file and its label, separated by a comma, "
            "semicolon or tab."
        )
    # csv does not say that a quote is still open at the end, but then it takes the empty line, too.
    physical = itertools.chain(io.StringIO(text, newline=""), ["\n"])
    lines = list(_parse_lines(path, physical, delimiter))
    if lines[-1].cells:
        raise ValueError(
            f"{path}: line {lines[-1].number} opens a double quote that is never closed. Close it, "
            'or write "" for a quote inside a cell.'
        )
    return [
        _Line(line.number, [cell.strip() for cell in line.cells])
        for line in lines
        if any(line.cells)
    ]


def _parse_lines(path: str, physical: Iterable[str], delimiter: str) -> Iterator[_Line]:
    reader = csv.reader(physical, delimiter=delimiter, skipinitialspace=True)
    number = 1
    try:
        for cells in reader:
            yield _Line(number, cells)
            number = reader.line_num + 1
    except csv.Error as error:
        raise ValueError(
            f"{path}: line {number} is no line of a table: {error}. Is a double quote not closed?"
        ) from None


def _find_columns(names: Sequence[str]) -> dict[str, int]:
    """Returns the columns that the cells of the first line name: the first, or the least vague."""
    head = [re.sub(r"[\W_]", "", name.lower()) for name in names]

    def vagueness(index: int) -> int:
        return _VAGUE.index(head[index]) + 1 if head[index] in _VAGUE else 0

    found = {
        what: [index for index, cell in enumerate(head) if cell in known]
        for what, known in _NAMES.items()
    }
    columns = {what: min(indices, key=vagueness) for what, indices in found.items() if indices}
    if "split" in columns:
        columns.pop("is_valid", None)
    return columns


def _read_one_hot(path: str, lines: Sequence[_Line], columns: Mapping[str, int]) -> list[Row]:
    """Reads a table whose first line names a column of files, and none of labels."""
    names = lines[0].cells
    classes = [index for index in range(len(names)) if index not in columns.values()]
    rows = []
    for line in lines[1:]:
        row = _parse(path, line, names, columns)
        unknown = [line.cells[index] for index in classes if line.cells[index] not in _ONE_HOT]
        if len(classes) < 2 or unknown:
            where = f" (line {line.number} holds {unknown[0]!r})" if unknown else ""
            raise ValueError(
                f"{path}: line 1 names the columns {first_few(names)}, none of them for labels; "
                f"expected {KNOWN_NAMES}, or a column of 0 and 1 for each class{where}."
            )
        marked = [names[index] for index in classes if _ONE_HOT[line.cells[index]]]
        if len(marked) != 1:
            named = f": {first_few(marked)}" if marked else ""
            raise ValueError(
                f"{path}: line {line.number} has a 1 for {len(marked)} classes{named}; expected "
                "one class an image. Correct the line, or remove it."
            )
        rows.append(row._replace(label=marked[0]))
    return rows


def _parse(path: str, line: _Line, names: Sequence[str], columns: Mapping[str, int]) -> Row:
    number, cells = line
    if len(cells) != len(names):
        raise ValueError(
            f"{path}: line {number} has {len(cells)} columns, line 1 has {len(names)}. Put names "
            "with separators in them into double quotes."
        )
    values = {what: cells[index] for what, index in columns.items()}
    for what, value in values.items():
        if not value:
            raise ValueError(
                f"{path}: line {number} has no {what}. Fill it in, or remove the line."
            )
        if len(value.splitlines()) > 1:
            raise ValueError(
                f"{path}: line {number} has a {what} of several lines, {value[:80]!r}; expected "
                "one. Is a double quote not closed?"
            )
    split = values.get("split")
    if "is_valid" in values:
        split = _TRUTHS.get(values["is_valid"].lower())
        if split is None:
            raise ValueError(
                f"{path}: line {number} has {values['is_valid']!r} as is_valid; expected True or "
                "False, or 1 or 0."
            )
    return Row(number, values["file"], values.get("label", ""), split)
