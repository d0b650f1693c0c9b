"""Takes the lines of lists apart: paths, endings, quotes and gaps."""

import os
import re
from collections.abc import Iterator

from common import image_files
from datasets.segmentation.sources import listing

_ENDINGS = {*image_files.ENDINGS, *image_files.UNREAD_KINDS}
_QUOTED = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)')\s*(?:[,;\s]\s*|$)""")
_GAP = re.compile(r"[\s,;]+")
# Columns of a first line that names them.
_HEADINGS = frozenset(
    {
        *("image", "images", "img", "file", "filename", "name", "path", "imagepath", "imageid"),
        *("mask", "masks", "label", "labels", "maskpath", "labelpath", "annotation", "id"),
        *("gt", "imagefile", "maskfile", "input", "target", "stem"),
    }
)


def find_tails(path: str) -> Iterator[tuple[str, str]]:
    """Yields a path without its first folders, and the last of these: longest first.

    A file among the folders begins another path, and is not dropped.
    """
    parts = path.split("/")
    for start in range(len(parts)):
        if start and any(has_ending(words[0]) for words in split_at_gaps(parts[start - 1])):
            return
        yield "/".join(parts[start:]), parts[start - 1] if start else ""


def split_at_gaps(text: str) -> list[tuple[str, str]]:
    """Returns what stands before and after each gap in a text, the last gap first."""
    gaps = list(_GAP.finditer(text))
    return [(text[: gap.start()], text[gap.end() :]) for gap in reversed(gaps)]


def is_pair_of_paths(image: str, mask: str) -> bool:
    """Returns whether two parts of a line are surely two paths, and no name with a space."""
    return has_ending(image) or ("/" in clean(image) and "/" in clean(mask))


def clean(text: str) -> str:
    """Returns a path with `/` between folders, composed letters, and no empty folders."""
    parts = listing.compose(text.strip()).replace("\\", "/").split("/")
    return "/".join(part for part in parts if part not in ("", "."))


def clean_name(text: str) -> str:
    """Returns a cleaned path without its ending."""
    return without_ending(clean(text))


def without_ending(path: str) -> str:
    """Returns a path without its ending; `a.b` may be a name, so only a known one is cut off."""
    return os.path.splitext(path)[0] if has_ending(path) else path


def has_ending(text: str) -> bool:
    """Returns whether a text ends as the name of an image file does."""
    return os.path.splitext(text.strip())[1].lower() in _ENDINGS


def split_quoted(text: str) -> list[str] | None:
    """Splits a line that begins with a quote; None for others."""
    fields = []
    position = 0
    while position < len(text):
        match = _QUOTED.match(text, position)
        if match is None:
            if not fields:
                return None
            fields.append(text[position:])
            break
        fields.append(match[1] if match[1] is not None else match[2])
        position = match.end()
    return fields or None


def is_heading(text: str) -> bool:
    """Returns whether a line holds nothing but names of columns."""
    words = [re.sub(r"[\W_]", "", word.lower()) for word in re.split(r"[,;\t ]+", text)]
    return set(filter(None, words)) <= _HEADINGS
