"""Reads lists of examples, and finds the files that their lines mean.

A line is a name (`street 1`), a file name (`street 1.jpg`), a path (`images/street 1.jpg`), or the
path of an image and that of its mask, separated by a space, tab, comma or semicolon. Names may hold
spaces and commas, so what a line means is decided by the files that are there. Quotes, blank lines,
separators at the end, and lines that start with `#` do not matter.
"""

import bisect
import collections
import difflib
import os
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from common import files
from common.texts import first_few
from datasets.segmentation.sources import list_lines, listing
from datasets.segmentation.sources.pairing import Entry, Pairing, fold
from datasets.segmentation.sources.source import ERROR, Problem

_LIST_ENDING = ".txt"
# Looking for names that resemble one takes time: lines, and names before and after it in order.
_MAX_SUGGESTIONS = 10
_MAX_COMPARED = 1000


class List(NamedTuple):
    """A list file.

    Attributes:
      path: the file.
      lines: number and text of each line that names something.
    """

    path: str
    lines: tuple[tuple[int, str], ...]


class NothingListedError(ValueError):
    """No example that a list names is there."""


class _Unknown(Exception):
    """A line means no example; says why."""


def read_lists(folder: str, expected: str) -> dict[str, List]:
    """Reads the `.txt` files of a folder by their names without the ending.

    Raises:
      ValueError: there are none, or one of them is no list; the message names it.
    """
    names = sorted(
        name
        for name in os.listdir(folder)
        if name.lower().endswith(_LIST_ENDING) and listing.is_visible(name)
    )
    if not names:
        raise ValueError(f"{folder} holds {listing.name_entries(folder)}; expected {expected}.")
    return {name[: -len(_LIST_ENDING)]: read_list(os.path.join(folder, name)) for name in names}


def read_list(path: str) -> List:
    """Reads a list file.

    Raises:
      ValueError: it names nothing, or is not text in UTF-8 (or UTF-16 with its mark).
    """
    text = files.read_text(path)
    lines = enumerate((line.strip() for line in re.split(r"\r\n|\r|\n", text)), start=1)
    named = tuple(
        (number, text) for number, text in lines if text.strip(",; ") and not text.startswith("#")
    )
    if not named:
        raise ValueError(f"{path}: names no example; expected one name on each line.")
    return List(path, named)


def resolve(file: List, pairing: Pairing, split: str) -> tuple[list[Entry], tuple[Problem, ...]]:
    """Finds the examples that a list names.

    Args:
      file: the list.
      pairing: the images and masks.
      split: name of the split, for the problems.

    Returns:
      (the examples, one error for each line that means none).

    Raises:
      NothingListedError: no line means an example.
      ValueError: the list names an example twice.
    """
    finder = _Finder(pairing)
    entries: dict[str, Entry] = {}
    problems = []
    for index, (number, text) in enumerate(file.lines):
        try:
            entry = finder.find(text)
        except _Unknown as error:
            if index == 0 and list_lines.is_heading(text):
                continue
            hint = finder.suggest(text) if len(problems) < _MAX_SUGGESTIONS else ""
            message = f"line {number} names {text!r}: {error}{hint}"
            problems.append(Problem(ERROR, "list", message, file.path, split, text))
            continue
        if entry.name in entries:
            raise ValueError(f"{file.path}: names {entry.name!r} twice. Remove one of the lines.")
        entries[entry.name] = entry
    if not entries:
        raise NothingListedError(
            f"{file.path}: split {split!r}: no example that it names is there. It says "
            f"{file.lines[0][1]!r}, and images are called {_first(pairing.images)}, masks "
            f"{_first(pairing.masks)}. Write one name, or the path of an image, on each line."
        )
    return list(entries.values()), tuple(problems)


class _Finder:
    """Finds the names that texts mean."""

    def __init__(self, pairing: Pairing):
        self._pairing = pairing
        self._names = pairing.images.keys() | pairing.masks.keys()
        self._images = _by_file(pairing.images_dir, pairing.images)
        self._masks = _by_file(pairing.masks_dir, pairing.masks)
        self._by_base = collections.defaultdict(list)
        for name in sorted(self._names):
            self._by_base[os.path.basename(name)].append(name)
        self._bases = sorted(self._by_base)
        self._folders = {
            os.path.basename(os.path.normpath(folder))
            for folder in (pairing.images_dir, pairing.masks_dir)
        }

    def find(self, text: str) -> Entry:
        """Returns the example that a line means.

        Raises:
          _Unknown: it means none.
        """
        text = text.rstrip(",; \t")
        if self._find_exactly(list_lines.clean(text)) is not None:
            return Entry(self._find_exactly(list_lines.clean(text)))
        fields = list_lines.split_quoted(text)
        if fields is not None:
            name = self._find_name(fields[0])
            if name is None:
                raise _Unknown(self._describe(fields[0]))
            return self._with_mask(name, fields[1]) if len(fields) > 1 else Entry(name)
        pairs = list_lines.split_at_gaps(text)  # The longest image first.
        entry = self._find_pair([pair for pair in pairs if list_lines.is_pair_of_paths(*pair)])
        if entry is None and self._find_name(text) is not None:
            entry = Entry(self._find_name(text))
        entry = entry or self._find_pair(pairs)
        if entry is not None:
            return entry
        for image, rest in pairs:
            name = self._find_name(image)
            if name is not None and (list_lines.has_ending(image) or re.fullmatch(r"-?[01]", rest)):
                return self._with_mask(name, rest)
        raise _Unknown(self._describe(text))

    def suggest(self, text: str) -> str:
        """Returns the question whether another name is meant, or nothing."""
        for word in dict.fromkeys([text, *re.split(r"[\t,;]+", text)[:1], *text.split()[:1]]):
            base = self._find_similar(os.path.basename(list_lines.clean_name(word.strip("\"'"))))
            if base is not None:
                return f" Did you mean {first_few(map(repr, self._by_base[base]), 2)}?"
        return ""

    def _find_similar(self, wanted: str) -> str | None:
        """Returns the file name that resembles a name most, if one does."""
        same = [base for base in self._by_base if fold(base) == fold(wanted)]
        place = bisect.bisect(self._bases, wanted)
        window = self._bases[max(0, place - _MAX_COMPARED) : place + _MAX_COMPARED]
        return next(iter(same or difflib.get_close_matches(wanted, window, n=1)), None)

    def _find_pair(self, pairs: Iterable[tuple[str, str]]) -> Entry | None:
        """Returns the first pair of an image and a mask that are there."""
        for image, mask in pairs:
            if self._find_name(image) is not None and self._find_mask(mask) is not None:
                return self._with_mask(self._find_name(image), mask)
        return None

    def _with_mask(self, name: str, text: str) -> Entry:
        """The example with the mask that a line names beside its image."""
        mask = self._find_mask(text)
        if mask is not None:
            is_other = mask != name and (list_lines.has_ending(text) or "/" in text)
            return Entry(name, self._pairing.masks[mask] if is_other else None)
        if list_lines.has_ending(text):
            raise _Unknown(f"there is no mask {text!r} in {self._pairing.masks_dir}.")
        return Entry(name)

    def _find_name(self, text: str) -> str | None:
        """Returns the name that a text means by itself, if any."""
        path = list_lines.clean(text)
        for tail, dropped in list_lines.find_tails(path):
            name = self._find_exactly(tail)
            if name is not None:
                return self._unless_ambiguous(name, dropped)
        if "/" not in path:
            found = (
                self._by_base.get(path) or self._by_base.get(list_lines.without_ending(path)) or ()
            )
            if len(found) == 1:
                return found[0]
        return None

    def _find_exactly(self, path: str) -> str | None:
        """Returns the name that has this path, with or without its ending."""
        for name in (
            self._images.get(path),
            self._masks.get(path),
            path,
            list_lines.without_ending(path),
        ):
            if name in self._names:
                return name
        return None

    def _find_mask(self, text: str) -> str | None:
        """Returns the name whose mask a text means."""
        for tail, _ in list_lines.find_tails(list_lines.clean(text)):
            for name in (self._masks.get(tail), tail, list_lines.without_ending(tail)):
                if name in self._pairing.masks:
                    return name
        return None

    def _unless_ambiguous(self, name: str, dropped: str) -> str | None:
        """The name, unless a folder in front of it was dropped and other folders have it too."""
        is_alone = len(self._by_base[os.path.basename(name)]) == 1
        return name if is_alone or dropped in ("", *self._folders) else None

    def _describe(self, text: str) -> str:
        found = self._by_base.get(os.path.basename(list_lines.clean_name(text)), ())
        if len(found) > 1:
            return f"several examples are called so: {first_few(found)}. Write the folder too."
        return "no image and no mask is called so. Correct the line, or remove it."


def _by_file(folder: str, paths: Mapping[str, str]) -> dict[str, str]:
    """The name of each file, by its path relative to a folder."""
    return {
        listing.compose(os.path.relpath(path, folder).replace(os.sep, "/")): name
        for name, path in paths.items()
    }


def _first(names: Iterable[str]) -> str:
    return repr(next(iter(names), "(none)"))
