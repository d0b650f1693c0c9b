"""Lists the image files in folders.

An example is called as its image is: the path relative to the folder of images, without the ending,
with `/` between folders and letters in Unicode's composed form (NFC), which is how most programs
write them; a Mac decomposes them, and both look the same.
"""

import dataclasses
import os
import unicodedata
from collections.abc import Iterator, Mapping, Sequence

from common import image_files
from common.texts import first_few, printable

# Endings of files that JPEG, WebP or AV1 may have blurred. A mask of the same name in another
# format is taken before them.
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
    """There are no masks where those of a split should be.

    Attributes:
      path: the folder that should hold them.
      reason: what is wrong with it.
    """

    def __init__(self, path: str, reason: str):
        super().__init__(f"{path} {reason}")
        self.path = path
        self.reason = reason


@dataclasses.dataclass(frozen=True)
class FileIndex:
    """The files of one folder, and of the folders in it, by name.

    Attributes:
      folder: the folder.
      paths: path of each name, sorted by name; the first in order where several files share it.
      doubles: all paths of the names that several files share.
      strangers: path of each name that only files have whose ending is not that of an image that
        is read, but which are images, such as a.HEIC; or which may be by their ending.
      others: visible files that are not in `paths`, relative to the folder.
      unnameable: paths of files whose names are not UTF-8.
    """

    folder: str
    paths: Mapping[str, str]
    doubles: Mapping[str, Sequence[str]]
    strangers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    others: Sequence[str] = ()
    unnameable: Sequence[str] = ()


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
    require_folder(data_dir, expected)
    for folder, witness in layouts.items():
        root = os.path.normpath(os.path.join(data_dir, folder))
        if os.path.exists(os.path.join(root, witness)):
            return root
    raise ValueError(
        f"data_dir {data_dir!r} holds {name_entries(data_dir)}; expected {expected}. "
        "docs/datasets.md draws the folders."
    )


def require_folder(data_dir: str, expected: str) -> None:
    """Checks that the folder that the user named is one.

    Raises:
      ValueError: it is not.
    """
    if os.path.isdir(data_dir):
        return
    if os.path.exists(data_dir):
        raise ValueError(f"data_dir {data_dir!r} is not a folder; expected one with {expected}.")
    raise ValueError(f"data_dir {data_dir!r} does not exist; expected a folder with {expected}.")


def index_images(folder: str) -> FileIndex:
    """Lists the images of a folder and of the folders in it. Hidden files are left out.

    Raises:
      ValueError: the folder does not exist, or holds no image.
    """
    index = _index(folder, "images", ())
    if not index.paths and not index.strangers and not index.unnameable:
        raise ValueError(f"{folder} {_describe_contents(folder, 'images')}")
    return index


def index_masks(folder: str) -> FileIndex:
    """Lists the masks of a folder; see `index_images`.

    Raises:
      NoMasksError: the folder does not exist, or holds no mask.
    """
    index = _index(folder, "masks", _LOSSY_ENDINGS)
    if not index.paths and not index.strangers and not index.unnameable:
        raise NoMasksError(folder, _describe_contents(folder, "masks"))
    return index


def _index(folder: str, what: str, last_endings: Sequence[str]) -> FileIndex:
    """Lists a folder; files with `last_endings` are taken where no other has their name."""
    if not os.path.isdir(folder):
        reason = f"does not exist; expected a folder of {what}. docs/datasets.md draws the folders."
        raise NoMasksError(folder, reason) if what == "masks" else ValueError(f"{folder} {reason}")
    found: dict[str, list[str]] = {}
    seconds: dict[str, list[str]] = {}
    others, unnameable = [], []
    for relative in walk(folder):
        ending = os.path.splitext(relative)[1].lower()
        if ending not in image_files.ENDINGS:
            others.append(relative)
        elif not is_utf8(relative):
            unnameable.append(os.path.join(folder, relative))
        else:
            names = seconds if ending in last_endings else found
            names.setdefault(file_name(relative), []).append(relative)
    for name, relatives in seconds.items():
        if name in found:
            others += relatives
        else:
            found[name] = relatives
    paths = {
        name: [os.path.join(folder, relative) for relative in sorted(found[name])]
        for name in sorted(found)
    }
    return FileIndex(
        folder,
        paths={name: same[0] for name, same in paths.items()},
        doubles={name: same for name, same in paths.items() if len(same) > 1},
        strangers=dict(_find_strangers(folder, others, paths)),
        others=others,
        unnameable=unnameable,
    )


def walk(folder: str) -> Iterator[str]:
    """Yields the visible files in a folder and in the folders in it, relative to it, with `/`.

    Hidden files and what operating systems leave in folders are not visible. Links are followed.
    """
    return _walk(folder, "", frozenset({os.path.realpath(folder)}))


def _walk(folder: str, prefix: str, above: frozenset[str]) -> Iterator[str]:
    with os.scandir(folder) as entries:
        visible = sorted(
            (entry for entry in entries if is_visible(entry.name)), key=lambda entry: entry.name
        )
    for entry in visible:
        if not entry.is_dir():
            yield prefix + entry.name
            continue
        target = os.path.realpath(entry.path)
        if target not in above:  # A link to a folder above it would never end.
            yield from _walk(entry.path, f"{prefix}{entry.name}/", above | {target})


def is_visible(name: str) -> bool:
    """Returns whether a file or folder of this name is anything of the user's."""
    return not name.startswith(".") and name.lower() not in _RUBBISH


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


def file_name(relative: str) -> str:
    """Returns what an example is called whose file this is: `town/a.b.jpg` gives `town/a.b`."""
    return compose(os.path.splitext(relative)[0])


def name_entries(folder: str) -> str:
    """Names the first entries of a folder, for messages."""
    return first_few(sorted(os.listdir(folder))) or "nothing"


def describe_file(relative: str) -> str:
    """Names a file and what it is, where that is known, for messages."""
    kind = image_files.describe_kind(relative)
    return f"{printable(relative)} ({kind})" if kind else printable(relative)


def _find_strangers(
    folder: str, others: Sequence[str], paths: Mapping[str, object]
) -> Iterator[tuple[str, str]]:
    for relative in others:
        path = os.path.join(folder, relative)
        if not is_utf8(relative) or file_name(relative) in paths or not _is_image(path):
            continue
        yield file_name(relative), path
        if os.path.splitext(relative)[1].lower() not in image_files.UNREAD_KINDS:
            yield compose(relative), path  # `frame.0001` may be a name without an ending.


def _is_image(path: str) -> bool:
    """Whether a file with an unread or unknown ending is an image, or another known kind."""
    if os.path.splitext(path)[1].lower() in image_files.UNREAD_KINDS:
        return True
    if not os.path.isfile(path):  # A pipe would not end.
        return False
    try:
        with open(path, "rb") as file:
            data = file.read(_SNIFFED_BYTES)
        image_files.open_image(data, path)
    except (OSError, ValueError):
        return False
    return True


def _describe_contents(folder: str, what: str) -> str:
    visible = list(walk(folder))
    if not visible:
        return f"has no {what}: it is empty. Expected files such as a.png."
    named = first_few([describe_file(relative) for relative in visible])
    return f"has no {what}: it holds {named}. Expected files such as a.png."
