"""Finds the image files that the arguments of a command mean."""

import dataclasses
import glob
import os
from collections.abc import Iterable, Iterator, Sequence

from common import image_files, texts

# Files in subfolders that are counted, to say that they are left out.
_MOST_COUNTED = 10_000


@dataclasses.dataclass(frozen=True)
class Search:
    """What arguments of a command mean.

    Attributes:
      paths: the images, without repetition, in the order of the arguments.
      problems: a message for each argument that means nothing.
      notes: messages about files that were left out, which the user may not expect.
    """

    paths: list[str]
    problems: list[str]
    notes: list[str]


def find_images(
    arguments: Sequence[str], skipped_endings: Sequence[str] = ()
) -> tuple[list[str], list[str]]:
    """Returns the paths and problems of `search`."""
    found = search(arguments, skipped_endings)
    return found.paths, found.problems


def search(arguments: Sequence[str], skipped_endings: Sequence[str] = ()) -> Search:
    """Finds the images that arguments of a command mean.

    Args:
      arguments: files, folders (the images directly inside) and glob patterns, in which `**`
        stands for any depth of folders; `~` is the user's home.
      skipped_endings: files of folders and patterns that end so are left out.
    """
    found: dict[str, str] = {}
    problems: list[str] = []
    notes: list[str] = []
    for argument in map(expand_home, arguments):
        name = texts.printable(argument)
        if os.path.isdir(argument):
            entries = (os.path.join(argument, entry) for entry in os.listdir(argument))
            sorted_out = _sort_out(entries, skipped_endings)
            notes += sorted_out.notes(f"folder {name}")
            num_below = _count_below(argument, skipped_endings)
            below = f"{'' if num_below < _MOST_COUNTED else 'at least '}{num_below} images"
            hint = f"'{os.path.join(name, '**')}' means those too"
            problem = f"folder {name} holds no image ({', '.join(image_files.ENDINGS)})"
            if num_below and sorted_out.images:
                notes.append(f"folder {name}: {below} in its subfolders are left out; {hint}.")
            elif num_below:
                problem += f", but its subfolders hold {below}; {hint}"
        elif glob.has_magic(argument) and not os.path.lexists(argument):
            sorted_out = _sort_out(_matches(argument), skipped_endings)
            notes += sorted_out.notes(f"pattern '{name}'")
            problem = f"no image matches '{name}'"
        else:
            sorted_out = _Sorted([argument] if os.path.isfile(argument) else [])
            problem = f"{name}: there is no such file or folder"
            if os.path.exists(argument):
                problem = f"{name} is neither a file nor a folder"
        if not sorted_out.images:
            problems.append(problem)
        for path in sorted_out.images:
            found.setdefault(os.path.realpath(path), path)
    return Search(list(found.values()), problems, notes)


def expand_home(path: str) -> str:
    """Returns a path with the user's home for `~`, as a shell does where it sees one."""
    return path if os.path.lexists(path) else os.path.expanduser(path)


@dataclasses.dataclass
class _Sorted:
    """Files of a folder or pattern.

    Attributes:
      images: those that are read.
      unread: images of kinds that are not read.
      others: what seems to be no image.
      results: what has the name of an earlier result.
    """

    images: list[str]
    unread: list[str] = dataclasses.field(default_factory=list)
    others: list[str] = dataclasses.field(default_factory=list)
    results: list[str] = dataclasses.field(default_factory=list)

    def notes(self, where: str) -> Iterator[str]:
        """Says what is left out."""
        if self.unread:
            named = texts.first_few(
                f"{os.path.basename(path)} ({image_files.describe_kind(path)})"
                for path in self.unread
            )
            yield f"{where}: not read: {named}. Convert to JPEG or PNG what you need."
        if self.others:
            named = texts.first_few(map(os.path.basename, self.others), 3)
            yield f"{where}: left out, as their names are not those of images: {named}."
        if self.results and not self.images:
            named = texts.first_few(map(os.path.basename, self.results), 3)
            yield f"{where}: left out, as their names are those of results: {named}."


def _sort_out(paths: Iterable[str], skipped_endings: Sequence[str]) -> _Sorted:
    sorted_out = _Sorted([])
    for path in sorted(paths):
        name = os.path.basename(path)
        if name.startswith(".") or not os.path.isfile(path):
            continue
        if name.endswith(tuple(skipped_endings)):
            sorted_out.results.append(path)
        elif _is_image(name):
            sorted_out.images.append(path)
        elif image_files.describe_kind(path) is not None:
            sorted_out.unread.append(path)
        else:
            sorted_out.others.append(path)
    return sorted_out


def _is_image(name: str) -> bool:
    return name.lower().endswith(image_files.ENDINGS)


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


def _count_below(folder: str, skipped_endings: Sequence[str]) -> int:
    """Counts images in the subfolders of a folder, up to a limit."""
    num_images = num_seen = 0
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        if parent != folder:
            num_seen += len(names)
            num_images += sum(
                _is_image(name)
                and not name.startswith(".")
                and not name.endswith(tuple(skipped_endings))
                for name in names
            )
        if num_seen > _MOST_COUNTED:
            break
    return min(num_images, _MOST_COUNTED)
