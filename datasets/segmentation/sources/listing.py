"""Lists the image files in folders.

An example has the name of its image: the path relative to the folder of images, without the ending,
with `/` between folders and letters in Unicode's composed form (NFC). Macs decompose letters, and
both forms look the same.
"""

import collections
import dataclasses
import os
from collections.abc import Iterator, Mapping, Sequence

from common import image_files
from common.texts import first_few
from datasets.images import image_folders

# Formats that may have blurred a mask: another file of the same name is preferred.
_LOSSY_ENDINGS = (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".webp", ".avif")

# What people have in place of masks, and no source reads.
_UNREAD_LABELS = {
    ".txt": "labels of YOLO",
    ".xml": "boxes of Pascal VOC, which do not tell which pixels are the thing",
}
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
    image_folders.require_folder(data_dir, expected)
    for folder in folders:
        root = os.path.normpath(os.path.join(data_dir, folder))
        if os.path.exists(os.path.join(root, witness)):
            return root
    raise ValueError(describe_layout(data_dir, expected))


def find_folder(parent: str, names: Sequence[str]) -> str | None:
    """Returns the path of the first of some folders that is there; None if none is."""
    return next(filter(os.path.isdir, (os.path.join(parent, name) for name in names)), None)


def describe_layout(data_dir: str, expected: str) -> str:
    """Says that a folder holds something else than what is expected."""
    contents = image_folders.describe_contents(data_dir, expected)
    return f"{contents} docs/datasets.md draws the folders."


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
    files = list(image_folders.walk(folder))
    images = [relative for relative in files if _ending(relative) in image_files.ENDINGS]
    others = [relative for relative in files if _ending(relative) not in image_files.ENDINGS]
    unnameable = [
        os.path.join(folder, relative) for relative in images if not image_folders.is_utf8(relative)
    ]
    for relative in filter(image_folders.is_utf8, images):
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
        named = first_few(map(image_folders.describe_file, others))
        contents = f"it holds {named}" if others else "it is empty"
        raise NoMasksError(folder, f"has no {what}: {contents}. {_advise(what, others)}")
    doubles = {name: same for name, same in paths.items() if len(same) > 1}
    firsts = {name: same[0] for name, same in paths.items()}
    return FileIndex(folder, firsts, doubles, strangers, others, unnameable)


def _advise(what: str, others: Sequence[str]) -> str:
    """Says what to do about a folder of masks or images that holds other files."""
    endings = {_ending(relative) for relative in others}
    if what == "masks" and endings and endings <= _UNREAD_LABELS.keys():
        labels = " and ".join(_UNREAD_LABELS[ending] for ending in sorted(endings))
        return (
            f"If these are {labels}: export the regions as COCO's JSON or as masks instead, as "
            "labelling tools can (docs/datasets.md)."
        )
    return "Put them there, such as a.png, or remove the folder."


def _name(relative: str) -> str:
    return image_folders.compose(os.path.splitext(relative)[0])


def _ending(path: str) -> str:
    return os.path.splitext(path)[1].lower()


def _find_strangers(
    folder: str, others: Sequence[str], found: Mapping[str, object]
) -> Iterator[tuple[str, str]]:
    for relative in others:
        path = os.path.join(folder, relative)
        if not image_folders.is_utf8(relative) or _name(relative) in found or not _is_image(path):
            continue
        yield _name(relative), path
        if _ending(relative) not in image_files.UNREAD_KINDS:
            yield (
                image_folders.compose(relative),
                path,
            )  # `frame.0001` may be a name without an ending.


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
