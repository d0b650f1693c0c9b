"""Orders and renames classes by a text file, a line a class.

    tulip                     puts the class tulip first
    n01440764 tench           gives the class n01440764 the name tench (or with tab, comma or colon)

If no line names a class and there is one line for each, the lines are the new names of the classes
in the order of their old ones.
"""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from common import files
from common.texts import first_few

_SEPARATORS = re.compile(r"[\s,;:=]+")


class Classes(NamedTuple):
    """The classes of a dataset."""

    names: tuple[str, ...]  # of each class id
    ids: Mapping[str, int]  # by the name that the data have for the class


def order(found: Sequence[str], path: str | None, where: str) -> Classes:
    """Returns the classes in their order.

    Args:
      found: names that the data have for the classes, sorted.
      path: the text file; None for the names and the order that the data have.
      where: the folder or file of the data, for messages.

    Raises:
      OSError: the file cannot be opened.
      ValueError: a line names no class, a class is named twice or not at all; names the line.
    """
    if path is None:
        return Classes(tuple(found), {name: index for index, name in enumerate(found)})
    lines = read_lines(path)
    parts = [_split(line, found) for _, line in lines]
    if not any(part[0] for part in parts) and len(lines) == len(found):
        names = [line for _, line in lines]
        _check_unique(path, names, "names", names)
        return Classes(tuple(names), {name: index for index, name in enumerate(found)})
    for (number, line), (old, _) in zip(lines, parts, strict=True):
        if old is None:
            raise ValueError(
                f"{path}: line {number}, {line!r}, names no class of {where}: they are "
                f"{first_few(map(repr, found))}. Correct the line, or remove it."
            )
    olds = [old for old, _ in parts if old is not None]
    names = [name for _, name in parts]
    _check_unique(path, olds, "names the class", [line for _, line in lines])
    missing = sorted(set(found) - set(olds))
    if missing:
        raise ValueError(
            f"{path} lacks the classes {first_few(map(repr, missing))} of {where}: add a line for "
            "each."
        )
    _check_unique(path, names, "gives the name", names)
    return Classes(tuple(names), {old: index for index, old in enumerate(olds)})


def read_lines(path: str) -> list[tuple[int, str]]:
    """Returns number and text of each line that is not empty; a ValueError if there are none."""
    lines = [line.strip() for line in re.split(r"\r\n|\r|\n", files.read_text(path))]
    named = [(number, line) for number, line in enumerate(lines, start=1) if line]
    if not named:
        raise ValueError(f"{path}: names no class; expected one name on each line.")
    return named


def _split(line: str, found: Sequence[str]) -> tuple[str | None, str]:
    """Returns the class that a line begins with, or None, and the name it is to have."""
    if line in found:
        return line, line
    # Folders may have spaces in their names, so the longest one that fits is meant.
    for old in sorted(found, key=len, reverse=True):
        gap = _SEPARATORS.match(line, len(old)) if line.startswith(old) else None
        if gap and gap.end() < len(line):
            return old, line[gap.end() :]
    return None, line


def _check_unique(path: str, values: Sequence[str], what: str, lines: Sequence[str]) -> None:
    for index, value in enumerate(values):
        if value in values[:index]:
            raise ValueError(f"{path} {what} {value!r} twice. Correct the line {lines[index]!r}.")
