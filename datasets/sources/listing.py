"""Finds pictures and masks on disk and pairs them.

A picture without a mask, or a mask without a picture, still becomes an item: `datasets.checks`
reports the missing file. Only what leaves nothing to work with raises an error here.
"""

import dataclasses
import os
from collections.abc import Iterable, Mapping, Sequence

from datasets.sources.images import IMAGE_EXTENSIONS
from datasets.sources.masks import MASK_EXTENSIONS
from datasets.sources.source import ERROR, Item, Problem, example_name


@dataclasses.dataclass(frozen=True)
class FileIndex:
    """The files of one folder by stem.

    Attributes:
      folder: the folder.
      paths: path of each stem, sorted by stem; the first in order of name where several share it.
      doubles: all paths of the stems that several files share.
    """

    folder: str
    paths: Mapping[str, str]
    doubles: Mapping[str, Sequence[str]]


def find_root(data_dir: str, layouts: Mapping[str, str], expected: str) -> str:
    """Returns the folder that holds a dataset: `data_dir`, or one inside it.

    Args:
      data_dir: the folder that the user named.
      layouts: for each folder to try, relative to `data_dir` ("" is itself), a path relative to it
        that tells that the dataset is there.
      expected: what should be there, for the error.

    Raises:
      ValueError: `data_dir` does not exist, or none of the folders is it.
    """
    if not os.path.isdir(data_dir):
        raise ValueError(f"data_dir {data_dir!r} does not exist; expected {expected}.")
    for folder, witness in layouts.items():
        root = os.path.normpath(os.path.join(data_dir, folder))
        if os.path.exists(os.path.join(root, witness)):
            return root
    raise ValueError(
        f"data_dir {data_dir!r} holds {name_entries(data_dir)}; expected {expected}. "
        "docs/datasets.md draws the folders."
    )


def index_folder(folder: str, extensions: Sequence[str], what: str) -> FileIndex:
    """Lists the files of a folder by stem. Subfolders and hidden files are left out.

    Args:
      folder: the folder.
      extensions: lower-case extensions to take, dot included.
      what: what the files are ("pictures"), for errors.

    Raises:
      ValueError: the folder does not exist or has no such file.
    """
    if not os.path.isdir(folder):
        raise ValueError(
            f"{folder} does not exist; expected a folder of {what}. docs/datasets.md draws the "
            "folders."
        )
    files: dict[str, list[str]] = {}
    for name in sorted(os.listdir(folder)):
        stem, extension = os.path.splitext(name)
        if extension.lower() in extensions and not name.startswith("."):
            files.setdefault(stem, []).append(os.path.join(folder, name))
    if not files:
        raise ValueError(
            f"{folder} has no {what}: it holds {name_entries(folder)}; expected files "
            f"{' '.join(extensions)}."
        )
    return FileIndex(
        folder,
        paths={stem: files[stem][0] for stem in sorted(files)},
        doubles={stem: found for stem, found in files.items() if len(found) > 1},
    )


def pair_folders(
    images_dir: str, masks_dir: str, split: str
) -> tuple[tuple[Item, ...], tuple[Problem, ...]]:
    """Pairs all pictures of one folder with all masks of another by stem; see `pair`."""
    image_index, mask_index = index_pictures(images_dir), index_masks(masks_dir)
    names = image_index.paths.keys() | mask_index.paths.keys()
    return pair(image_index, mask_index, split, names)


def index_pictures(folder: str) -> FileIndex:
    """Lists the pictures of a folder; see `index_folder`."""
    return index_folder(folder, IMAGE_EXTENSIONS, "pictures")


def index_masks(folder: str) -> FileIndex:
    """Lists the masks of a folder; see `index_folder`."""
    return index_folder(folder, MASK_EXTENSIONS, "masks")


def pair(
    image_index: FileIndex, mask_index: FileIndex, split: str, names: Iterable[str]
) -> tuple[tuple[Item, ...], tuple[Problem, ...]]:
    """Pairs pictures with masks by stem.

    Args:
      image_index: the pictures.
      mask_index: the masks.
      split: name of the split, for messages.
      names: stems to take.

    Returns:
      The items, sorted by name, and problems for stems that several files share.

    Raises:
      ValueError: none of the names has both a picture and a mask.
    """
    chosen = sorted(set(names))
    if not any(name in image_index.paths and name in mask_index.paths for name in chosen):
        raise ValueError(
            f"split {split!r}: no example has both a picture in {image_index.folder} and a mask in "
            f"{mask_index.folder}. Examples are called {_first(chosen)}, pictures "
            f"{_first(image_index.paths)}, masks {_first(mask_index.paths)}. Give a picture and "
            "its mask one name, such as a.jpg and a.png."
        )
    items = tuple(
        Item(
            name,
            image_index.paths.get(name, os.path.join(image_index.folder, name + ".jpg")),
            mask_index.paths.get(name, os.path.join(mask_index.folder, name + ".png")),
        )
        for name in chosen
    )
    problems = tuple(
        Problem(
            ERROR,
            "stem",
            f"shares its stem with {', '.join(map(os.path.basename, paths[1:]))}. Keep one of "
            "them, or rename the others and their masks.",
            paths[0],
            split,
            name,
        )
        for doubles in (image_index.doubles, mask_index.doubles)
        for name, paths in sorted(doubles.items())
        if name in set(chosen)
    )
    return items, problems


def read_list(path: str) -> tuple[str, ...]:
    """Reads the names in a list file: the stem of the first word of each line.

    Lines may hold plain stems, file names, or a picture's and a mask's path; empty lines and lines
    that start with `#` are left out.

    Raises:
      ValueError: the file names nothing, is no text, or names an example twice.
    """
    try:
        with open(path, encoding="utf-8-sig") as file:
            lines = [line.strip() for line in file]
    except UnicodeDecodeError:
        raise ValueError(f"{path}: not a text file; expected one name on each line.") from None
    names = [_listed_name(line.split()[0]) for line in lines if line and not line.startswith("#")]
    if not names:
        raise ValueError(f"{path}: names no example; expected one name on each line.")
    seen = set()
    for name in names:
        if name in seen:
            raise ValueError(f"{path}: names {name!r} twice. Remove one of the lines.")
        seen.add(name)
    return tuple(names)


def name_entries(folder: str) -> str:
    """Names the first entries of a folder, for messages."""
    entries = sorted(os.listdir(folder))
    if not entries:
        return "nothing"
    named = ", ".join(entries[:5])
    return f"{named} and {len(entries) - 5} more" if len(entries) > 5 else named


def _listed_name(word: str) -> str:
    """`a.b` may be a stem or a file name: only a known extension is cut off."""
    name = word.replace("\\", "/").rstrip(";").rsplit("/", 1)[-1]
    extension = os.path.splitext(name)[1].lower()
    return example_name(name) if extension in {*IMAGE_EXTENSIONS, *MASK_EXTENSIONS} else name


def _first(names: Iterable[str]) -> str:
    return repr(next(iter(names)))
