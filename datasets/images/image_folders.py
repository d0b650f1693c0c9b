"""Lists what is in the folders of a dataset, and compares names as people do."""

import os
import re
import unicodedata
from collections.abc import Iterator

from common import archive, image_files
from common.texts import first_few, printable

# What operating systems and file servers leave in folders, in lower case.
_RUBBISH = frozenset(
    {
        *("thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "icon\r", "__macosx"),
        *("@eadir", "$recycle.bin", "system volume information", "lost+found"),
    }
)
# Of files that hold a dataset packed.
_ARCHIVES = (*archive.ENDINGS, ".zip", ".7z", ".rar")


def require_folder(data_dir: str, expected: str) -> None:
    """Raises a ValueError unless the folder that the user named is one."""
    if not os.path.exists(data_dir):
        raise ValueError(
            f"data_dir {data_dir!r} does not exist; expected a folder with {expected}."
        )
    if not os.path.isdir(data_dir):
        advice = " Unpack it, and name the folder." if _is_archive(data_dir) else ""
        raise ValueError(
            f"data_dir {data_dir!r} is not a folder; expected one with {expected}.{advice}"
        )


def dataset_name(data_dir: str) -> str:
    """Returns what a dataset is called: its folder's name, as text whatever bytes it has."""
    return os.fsencode(os.path.basename(os.path.abspath(data_dir))).decode(errors="replace")


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


def describe_contents(data_dir: str, expected: str) -> str:
    """Says that a folder holds something else than what is expected."""
    return f"data_dir {data_dir!r} holds {name_entries(data_dir)}; expected {expected}."


def advise_unpacking(data_dir: str) -> str:
    """Says that an archive in a folder may be what is missing; "" where there is none."""
    archives = [each.name for each in visible_entries(data_dir) if _is_archive(each.name)]
    return f" Unpack {first_few(archives)} first." if archives else ""


def _is_archive(path: str) -> bool:
    return path.lower().endswith(_ARCHIVES)


def describe_file(relative: str) -> str:
    """Names a file and what kind of file it is, where that is known, for messages."""
    kind = image_files.describe_kind(relative)
    return f"{printable(relative)} ({kind})" if kind else printable(relative)
