"""Finds the image files, and the videos, that the arguments of a command stand for."""

import dataclasses
import glob
import os
import re
from collections.abc import Iterable, Iterator, Sequence

from common import image_files, texts, video_files

# Files in subfolders are counted up to this number.
_MOST_COUNTED = 10_000
_STREAM = re.compile(r"[a-z][a-z0-9+.-]*://|camera:|/dev/video", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class Search:
    """What the arguments of a command stand for.

    Attributes:
      paths: the images and videos, without repetition, in the order of the arguments.
      problems: a message for each argument without any.
      notes: messages about skipped files that the user may have expected to be included.
    """

    paths: list[str]
    problems: list[str]
    notes: list[str]


@dataclasses.dataclass(frozen=True)
class _Wanted:
    """What is taken of a folder."""

    endings: Sequence[str]
    singular: str = "image"
    plural: str = "images"

    def count(self, number: int) -> str:
        return f"{number} {self.singular if number == 1 else self.plural}"


_IMAGES = _Wanted(image_files.ENDINGS)
_IMAGES_AND_VIDEOS = _Wanted(
    (*image_files.ENDINGS, *video_files.ENDINGS), "image or video", "images or videos"
)


def search(
    arguments: Sequence[str], skipped_endings: Sequence[str] = (), with_videos: bool = False
) -> Search:
    """Finds the images that the arguments of a command stand for.

    Args:
      arguments: files, folders (the images directly inside) and glob patterns, in which `**`
        stands for any depth of folders; `~` is the user's home.
      skipped_endings: files of folders and patterns with these endings are skipped.
      with_videos: whether videos are found, too.
    """
    wanted = _IMAGES_AND_VIDEOS if with_videos else _IMAGES
    found: dict[str, str] = {}
    problems: list[str] = []
    notes: list[str] = []
    for argument in map(expand_home, arguments):
        name = texts.printable(argument)
        if os.path.isdir(argument):
            entries = (os.path.join(argument, entry) for entry in os.listdir(argument))
            images, skipped = _sort(entries, f"folder {name}", skipped_endings, wanted)
            problem = f"folder {name} holds no {wanted.plural} ({', '.join(wanted.endings)})"
            below = _describe_below(argument, skipped_endings, wanted)
            hint = f"'{os.path.join(name, '**')}' includes them"
            if below and images:
                skipped.append(f"folder {name}: skipped {below} in its subfolders; {hint}.")
            elif below:
                problem += f", but its subfolders hold {below}; {hint}"
            notes += skipped
        elif glob.has_magic(argument) and not os.path.lexists(argument):
            matches = _matches(argument)
            images, skipped = _sort(matches, f"pattern '{name}'", skipped_endings, wanted)
            notes += skipped
            problem = f"no {wanted.singular} matches '{name}'"
        else:
            images = [argument] if os.path.isfile(argument) else []
            problem = f"{name}: no such file or folder"
            if _STREAM.match(argument):
                problem = f"{name}: only files are read here, neither addresses nor cameras"
            if os.path.exists(argument):
                problem = f"{name} is neither a file nor a folder"
        if not images:
            problems.append(problem)
        for path in images:
            # A file named twice counts once; links to one file are images of their own.
            folder, base = os.path.split(path)
            found.setdefault(os.path.join(os.path.realpath(folder), base), path)
    return Search(list(found.values()), problems, notes)


def expand_home(path: str) -> str:
    """Returns a path with the user's home for `~`, as a shell does where it sees one."""
    return path if os.path.lexists(path) else os.path.expanduser(path)


def _sort(
    paths: Iterable[str], where: str, skipped_endings: Sequence[str], wanted: _Wanted
) -> tuple[list[str], list[str]]:
    """Returns the images among files, and notes about the others."""
    images, unread, others, results = [], [], [], []
    for path in sorted(paths):
        name = os.path.basename(path)
        kind = image_files.describe_kind(path)
        if name.startswith(".") or not os.path.isfile(path):
            continue
        if name.endswith(tuple(skipped_endings)):
            results.append(name)
        elif name.lower().endswith(tuple(wanted.endings)):
            images.append(path)
        elif kind is not None:
            unread.append(f"{name} ({kind})")
        else:
            others.append(name)
    notes = []
    if unread:
        named = texts.first_few(unread)
        notes.append(f"{where}: cannot read {named}. Convert what you need to JPEG or PNG.")
    if others:
        named = texts.first_few(others, 3)
        notes.append(f"{where}: skipped files without the name of an {wanted.singular}: {named}.")
    if results and not images:
        named = texts.first_few(results, 3)
        notes.append(f"{where}: skipped files with the name of a result: {named}.")
    return images, notes


def _matches(pattern: str) -> set[str]:
    """Returns what a pattern matches; folders on its way may have the signs of patterns in them."""
    matches = set(glob.glob(pattern, recursive=True))
    folder = os.path.dirname(pattern)
    while folder and not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    if glob.has_magic(folder):
        rest = pattern[len(folder) :]
        matches.update(glob.glob(glob.escape(folder) + rest, recursive=True))
    return matches


def _describe_below(folder: str, skipped_endings: Sequence[str], wanted: _Wanted) -> str:
    """Returns how many images the subfolders of a folder hold, "" for none."""
    num_images = 0
    for number, name in enumerate(_names_below(folder)):
        num_images += name.lower().endswith(tuple(wanted.endings)) and not (
            name.startswith(".") or name.endswith(tuple(skipped_endings))
        )
        if number == _MOST_COUNTED:
            return f"at least {wanted.count(num_images)}" if num_images else ""
    return wanted.count(num_images) if num_images else ""


def _names_below(folder: str) -> Iterator[str]:
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        if parent != folder:
            yield from names
