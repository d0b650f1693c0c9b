"""Reads lists of examples, and finds the files that their lines mean.

A line is a name (`street 1`), a file name (`street 1.jpg`), a path (`images/street 1.jpg`), or the
path of an image and that of its mask, separated by a space, tab, comma or semicolon. Names may hold
spaces and commas, so the existing files decide what a line means. Quotes, blank lines,
separators at the end, and lines that start with `#` do not matter.
"""

import bisect
import collections
import difflib
import os
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from common import files, image_files
from common.texts import first_few
from datasets.images import image_folders
from datasets.records.problems import ERROR, Problem
from datasets.segmentation.sources.pairing import Pairing, first_name

_LIST_ENDING = ".txt"
# Finding similar names takes time: this many lines, and names before and after each in order.
_MAX_SUGGESTIONS = 10
_MAX_COMPARED = 1000

_IMAGE_ENDINGS = {*image_files.ENDINGS, *image_files.UNREAD_KINDS}
_QUOTED = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)')\s*(?:[,;\s]\s*|$)""")
_GAP = re.compile(r"[\s,;]+")
# Names of columns in a first line.
_HEADINGS = frozenset(
    {
        *("image", "images", "img", "file", "filename", "name", "path", "imagepath", "imageid"),
        *("mask", "masks", "label", "labels", "maskpath", "labelpath", "annotation", "id"),
        *("gt", "imagefile", "maskfile", "input", "target", "stem"),
    }
)


class List(NamedTuple):
    """A list file: its path, and number and text of each line that names something."""

    path: str
    lines: tuple[tuple[int, str], ...]


class NothingListedError(ValueError):
    """None of the examples that a list names exists."""


class _Unknown(Exception):
    """A line means no example; says why."""


def read_lists(folder: str, expected: str) -> dict[str, List]:
    """Reads the `.txt` files of a folder by their names without the ending.

    Raises:
      ValueError: there are none, or one of them is no list; the message names it.
    """
    names = [
        entry.name
        for entry in image_folders.visible_entries(folder)
        if entry.name.lower().endswith(_LIST_ENDING)
    ]
    if not names:
        raise ValueError(
            f"{folder} holds {image_folders.name_entries(folder)}; expected {expected}."
        )
    return {name[: -len(_LIST_ENDING)]: read_list(os.path.join(folder, name)) for name in names}


def read_list(path: str) -> List:
    """Reads a list file; a ValueError names it if it names nothing, or is not UTF-8 text."""
    lines = [line.strip() for line in re.split(r"\r\n|\r|\n", files.read_text(path))]
    named = tuple(
        (number, line)
        for number, line in enumerate(lines, start=1)
        if line.strip(",; ") and not line.startswith("#")
    )
    if not named:
        raise ValueError(f"{path}: names no example; expected one name on each line.")
    return List(path, named)


def resolve(
    file: List, pairing: Pairing, split: str
) -> tuple[dict[str, str | None], tuple[Problem, ...]]:
    """Finds the examples that the list of a split names.

    Returns:
      (the mask that a line names besides each example's own, or None, by the example's name; one
      error for each line that means no example).

    Raises:
      NothingListedError: no line means an example.
      ValueError: the list names an example twice.
    """
    finder = _Finder(pairing)
    masks: dict[str, str | None] = {}
    problems: list[Problem] = []
    for number, text in file.lines:
        try:
            name, mask = finder.find(text)
        except _Unknown as error:
            if number == file.lines[0][0] and _is_heading(text):
                continue
            hint = finder.suggest(text) if len(problems) < _MAX_SUGGESTIONS else ""
            message = f"line {number} names {text!r}: {error}{hint}"
            problems.append(Problem(ERROR, "list", message, file.path, split, text))
            continue
        if name in masks:
            raise ValueError(f"{file.path}: names {name!r} twice. Remove one of the lines.")
        masks[name] = mask
    if not masks:
        raise NothingListedError(
            f"{file.path}: split {split!r}: no example that it names is there. It says "
            f"{file.lines[0][1]!r}, and images are called {first_name(pairing.images)}, masks "
            f"{first_name(pairing.masks)}. Write one name, or the path of an image, on each line."
        )
    return masks, tuple(problems)


class _Finder:
    """Finds the examples that texts mean: their names, and the masks beside them, if any."""

    def __init__(self, pairing: Pairing):
        self._pairing = pairing
        self._names = pairing.images.keys() | pairing.masks.keys()
        masks = _names_by_file(pairing.masks_dir, pairing.masks)
        images = _names_by_file(pairing.images_dir, pairing.images)
        self._by_path = {name: name for name in self._names} | masks | images
        self._masks_by_path = {name: name for name in pairing.masks} | masks
        self._by_base: dict[str, list[str]] = collections.defaultdict(list)
        for name in sorted(self._names):
            self._by_base[os.path.basename(name)].append(name)
        self._bases = sorted(self._by_base)
        self._folders = {
            os.path.basename(os.path.normpath(folder))
            for folder in (pairing.images_dir, pairing.masks_dir)
        }

    def find(self, text: str) -> tuple[str, str | None]:
        """Returns the example that a line means; raises `_Unknown` if it means none."""
        text = text.rstrip(",; \t")
        exact = self._find_exactly(_clean(text))
        if exact is not None:
            return exact, None
        fields = _split_quoted(text)
        if fields:
            name = self._find_name(fields[0])
            if name is None:
                raise _Unknown(self._describe(fields[0]))
            return self._with_mask(name, fields[1]) if len(fields) > 1 else (name, None)
        gaps = list(_GAP.finditer(text))[::-1]
        parts = [(text[: gap.start()], text[gap.end() :]) for gap in gaps]  # Longest image first.
        pairs = [(name, *part) for part in parts if (name := self._find_name(part[0]))]
        whole = self._find_name(text)
        # Surely two paths, and no name with a space, come first.
        sure = [
            pair
            for pair in pairs
            if _has_ending(pair[1]) or all("/" in _clean(p) for p in pair[1:])
        ]
        for name, _, rest in (*sure, *(pairs if whole is None else ())):
            if self._find_mask(rest) is not None:
                return self._with_mask(name, rest)
        if whole is not None:
            return whole, None
        for name, image, rest in pairs:
            if _has_ending(image) or re.fullmatch(r"-?[01]", rest):
                return self._with_mask(name, rest)
        raise _Unknown(self._describe(text))

    def suggest(self, text: str) -> str:
        """Returns the question whether another name is meant, or nothing."""
        for word in dict.fromkeys([text, *re.split(r"[\t,;]+", text)[:1], *text.split()[:1]]):
            wanted = os.path.basename(_without_ending(_clean(word.strip("\"'"))))
            place = bisect.bisect(self._bases, wanted)
            window = self._bases[max(0, place - _MAX_COMPARED) : place + _MAX_COMPARED]
            similar = [
                base
                for base in self._bases
                if image_folders.fold(base) == image_folders.fold(wanted)
            ]
            for base in similar[:1] or difflib.get_close_matches(wanted, window, n=1):
                return f" Did you mean {first_few(map(repr, self._by_base[base]), 2)}?"
        return ""

    def _with_mask(self, name: str, text: str) -> tuple[str, str | None]:
        """The example with the mask that a line names beside its image."""
        mask = self._find_mask(text)
        if mask is None and _has_ending(text):
            raise _Unknown(f"there is no mask {text!r} in {self._pairing.masks_dir}.")
        if mask in (None, name) or not (_has_ending(text) or "/" in text):
            return name, None
        return name, self._pairing.masks[mask]

    def _find_name(self, text: str) -> str | None:
        """Returns the name that a text means by itself, if any."""
        path = _clean(text)
        for tail, dropped in _find_tails(path):
            name = self._find_exactly(tail)
            if name is not None:
                # Where several folders have it, only the folders of all images or masks may be
                # missing in front.
                is_alone = len(self._by_base[os.path.basename(name)]) == 1
                return name if is_alone or dropped in ("", *self._folders) else None
        if "/" not in path:
            found = self._by_base.get(path) or self._by_base.get(_without_ending(path)) or []
            return found[0] if len(found) == 1 else None
        return None

    def _find_exactly(self, path: str) -> str | None:
        """Returns the name that has this path, with or without its ending."""
        stem = _without_ending(path)
        return self._by_path.get(path) or (stem if stem in self._names else None)

    def _find_mask(self, text: str) -> str | None:
        """Returns the name whose mask a text means."""
        for tail, _ in _find_tails(_clean(text)):
            stem = _without_ending(tail)
            name = self._masks_by_path.get(tail) or (stem if stem in self._pairing.masks else None)
            if name is not None:
                return name
        return None

    def _describe(self, text: str) -> str:
        found = self._by_base.get(os.path.basename(_without_ending(_clean(text))), ())
        if len(found) > 1:
            return f"several examples are called so: {first_few(found)}. Write the folder too."
        return "no image and no mask is called so. Correct the line, or remove it."


def _names_by_file(folder: str, paths: Mapping[str, str]) -> dict[str, str]:
    """The name of each file, by its path relative to a folder."""
    return {
        image_folders.compose(os.path.relpath(path, folder).replace(os.sep, "/")): name
        for name, path in paths.items()
    }


def _find_tails(path: str) -> Iterator[tuple[str, str]]:
    """Yields a path without its first folders, and the last of these: longest first.

    A file among the folders begins another path, and is not dropped.
    """
    parts = path.split("/")
    for start in range(len(parts)):
        dropped = parts[start - 1] if start else ""
        if any(_has_ending(word) for word in re.split(_GAP, dropped)[:-1]):
            return
        yield "/".join(parts[start:]), dropped


def _clean(text: str) -> str:
    """Returns a path with `/` between folders, composed letters, and no empty folders."""
    parts = image_folders.compose(text.strip()).replace("\\", "/").split("/")
    return "/".join(part for part in parts if part not in ("", "."))


def _without_ending(path: str) -> str:
    """Returns a path without its ending; `a.b` may be a name, so only a known one is cut off."""
    return os.path.splitext(path)[0] if _has_ending(path) else path


def _has_ending(text: str) -> bool:
    """Returns whether a text ends as the name of an image file does."""
    return os.path.splitext(text.strip())[1].lower() in _IMAGE_ENDINGS


def _split_quoted(text: str) -> list[str]:
    """Splits a line that begins with a quote; others have no fields."""
    fields: list[str] = []
    position = 0
    while match := _QUOTED.match(text, position):
        fields.append(match[1] if match[1] is not None else match[2])
        position = match.end()
    return [*fields, text[position:]] if fields and position < len(text) else fields


def _is_heading(text: str) -> bool:
    """Returns whether a line holds nothing but names of columns."""
    words = [re.sub(r"[\W_]", "", word.lower()) for word in re.split(r"[,;\t ]+", text)]
    return set(filter(None, words)) <= _HEADINGS
