"""Lists the image files in folders.

An example has the name of its image: the path relative to the folder of images, without the ending,
with `/` between folders and letters in Unicode's composed form (NFC). Macs decompose letters, and
both forms look the same.
"""

import collections
import dataclasses
import os
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence

from common import image_files
from common.texts import first_few, printable

# Formats that may have blurred a mask: another file of the same name is preferred.
_LOSSY_ENDINGS = (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".webp", ".avif")

# What operating systems and file servers leave in folders, in lower case.
_RUBBISH = frozenset(
    {
        *("thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "icon\r", "__macosx"),
        *("@eadir", "$recycle.bin", "system volume information", "lost+found"),
    }
)
_SNIFFED_BYTES = 256 * 1024  # The head of an image, EXIF data and thumbnails included.


class NoMasksError(ValueError):
    """The folder `path` should hold the masks of a split, but does not, for a `reason`."""

    def __init__(self, path: str, reason: str):
        super().__init__(f"{path} {reason}")
        self.path = path
        self.reason = reason


@dataclasses.dataclass(frozen=True)
class FileIndex:
    """The files in one folder and its subfolders, by name.

    Strangers are names that only files have whose endings are not those of images that can be read,
    although they are images, such as a.HEIC, or may be.
    """

    folder: str
    paths: Mapping[str, str]  # sorted by name; the first where several files share a name
    doubles: Mapping[str, Sequence[str]]  # all paths of the names that several files share
    strangers: Mapping[str, str]
    others: Sequence[str]  # visible files that are not in `paths`, relative to the folder
    unnameable: Sequence[str]  # paths of files whose names are not UTF-8


def find_root(data_dir: str, folders: Sequence[str], witness: str, expected: str) -> str:
    """Returns the first of some folders in `data_dir` ("" is itself) that holds a `witness`.

    Raises:
      ValueError: there is none; the message says what is `expected`.
    """
    require_folder(data_dir, expected)
    for folder in folders:
        root = os.path.normpath(os.path.join(data_dir, folder))
        if os.path.exists(os.path.join(root, witness)):
            return root
    raise ValueError(
        f"data_dir {data_dir!r} holds {name_entries(data_dir)}; expected {expected}. "
        "docs/datasets.md draws the folders."
    )


def require_folder(data_dir: str, expected: str) -> None:
    """Raises a ValueError unless the folder that the user named is one."""
    if not os.path.exists(data_dir):
        raise ValueError(
            f"data_dir {data_dir!r} does not exist; expected a folder with {expected}."
        )
    if not os.path.isdir(data_dir):
        raise ValueError(f"data_dir {data_dir!r} is not a folder; expected one with {expected}.")


def index_images(folder: str) -> FileIndex:
    """Lists the images in a folder and its subfolders; a ValueError where there are none."""
    try:
        return _index(folder, "images")
    except NoMasksError as error:
        raise ValueError(str(error)) from None


def index_masks(folder: str) -> FileIndex:
    """Lists the masks in a folder and its subfolders; a NoMasksError where there are none."""
    return _index(folder, "masks")


def _index(folder: str, what: str) -> FileIndex:
    if not os.path.isdir(folder):
        raise NoMasksError(
            folder,
            f"does not exist; expected a folder of {what}. docs/datasets.md draws the folders.",
        )
    found: dict[str, list[str]] = collections.defaultdict(list)
    files = list(walk(folder))
    images = [relative for relative in files if _ending(relative) in image_files.ENDINGS]
    others = [relative for relative in files if _ending(relative) not in image_files.ENDINGS]
    unnameable = [os.path.join(folder, relative) for relative in images if not is_utf8(relative)]
    for relative in filter(is_utf8, images):
        found[_name(relative)].append(relative)
    if what == "masks":
        for name, same in found.items():
            exact = [relative for relative in same if _ending(relative) not in _LOSSY_ENDINGS]
            others += [relative for relative in same if exact and relative not in exact]
            found[name] = exact or same
    paths = {
        name: [os.path.join(folder, relative) for relative in sorted(found[name])]
        for name in sorted(found)
    }
    strangers = dict(_find_strangers(folder, others, found))
    if not paths and not strangers and not unnameable:
        named = first_few(map(describe_file, others))
        contents = f"it holds {named}" if others else "it is empty"
        raise NoMasksError(folder, f"has no {what}: {contents}. Expected files such as a.png.")
    doubles = {name: same for name, same in paths.items() if len(same) > 1}
    firsts = {name: same[0] for name, same in paths.items()}
    return FileIndex(folder, firsts, doubles, strangers, others, unnameable)


def walk(folder: str) -> Iterator[str]:
    """Yields the visible files in a folder and its subfolders, relative to it; follows links."""
    return _walk(folder, "", frozenset({os.path.realpath(folder)}))


def _walk(folder: str, prefix: str, above: frozenset[str]) -> Iterator[str]:
    for entry in visible_entries(folder):
        if not entry.is_dir():
            yield prefix + entry.name
            continue
        target = os.path.realpath(entry.path)
        if target not in above:  # A link to a folder above it would never end.
            yield from _walk(entry.path, f"{prefix}{entry.name}/", above | {target})


def visible_entries(folder: str) -> list[os.DirEntry[str]]:
    """Returns what a folder holds, sorted by name, without what is not the user's."""
    with os.scandir(folder) as entries:
        visible = [
            entry
            for entry in entries
            if not entry.name.startswith(".") and entry.name.lower() not in _RUBBISH
        ]
    return sorted(visible, key=lambda entry: entry.name)


def files_in(folder: str) -> list[str]:
    """Returns the names of the visible files in a folder, without those in its subfolders."""
    return [entry.name for entry in visible_entries(folder) if not entry.is_dir()]


def subfolders(folder: str) -> dict[str, str]:
    """Returns the paths of the visible subfolders by their names."""
    return {entry.name: entry.path for entry in visible_entries(folder) if entry.is_dir()}


def is_utf8(name: str) -> bool:
    """Returns whether the bytes of a file's name are UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:  # Python keeps other bytes as lone surrogates.
        return False
    return True


def compose(name: str) -> str:
    """Returns a name with its letters in the composed form (NFC)."""
    return unicodedata.normalize("NFC", name)


def fold(name: str) -> str:
    """Returns what names that people take for the same have in common."""
    return re.sub(r"[\s_.-]", "", unicodedata.normalize("NFKC", name).casefold())


def name_entries(folder: str) -> str:
    """Names the first entries of a folder, for messages."""
    return first_few(sorted(os.listdir(folder))) or "nothing"


def describe_file(relative: str) -> str:
    """Names a file and what kind of file it is, where that is known, for messages."""
    kind = image_files.describe_kind(relative)
    return f"{printable(relative)} ({kind})" if kind else printable(relative)


def _name(relative: str) -> str:
    return compose(os.path.splitext(relative)[0])


def _ending(path: str) -> str:
    return os.path.splitext(path)[1].lower()


def _find_strangers(
    folder: str, others: Sequence[str], found: Mapping[str, object]
) -> Iterator[tuple[str, str]]:
    for relative in others:
        path = os.path.join(folder, relative)
        if not is_utf8(relative) or _name(relative) in found or not _is_image(path):
            continue
        yield _name(relative), path
        if _ending(relative) not in image_files.UNREAD_KINDS:
            yield compose(relative), path  # `frame.0001` may be a name without an ending.


def _is_image(path: str) -> bool:
    """Whether a file with an unread or unknown ending is an image, or another known kind."""
    if _ending(path) in image_files.UNREAD_KINDS:
        return True
    if not os.path.isfile(path):  # Opening a pipe would wait for its writer.
        return False
    try:
        with open(path, "rb") as file:
            image_files.open_image(file.read(_SNIFFED_BYTES), path)
    except (OSError, ValueError):
        return False
    return True
