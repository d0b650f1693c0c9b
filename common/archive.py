"""Reads one file out of a tar archive from anywhere, or unpacks it, within limits.

`tarfile` believes the sizes in an archive's headers, so a small file could fill the memory or take
hours. Here it reads through `_Unpacked`, which limits the bytes of headers, members and all.
"""

import bz2
import gzip
import io
import lzma
import os
import tarfile
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from common.texts import printable

ENDINGS = (".tar.gz", ".tgz", ".tar", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")

# The largest networks here have 0.2 GiB; a protocol buffer can have 2.
MAX_MEMBER_BYTES = 1 << 30
# Published archives also hold checkpoints.
MAX_UNPACKED_BYTES = 1 << 32
MAX_MEMBERS = 10_000

_CHUNK_BYTES = 1 << 20
# All headers of one member: long names, pax entries, maps of sparse files.
_MAX_HEADER_BYTES = 1 << 16
_OPENERS: dict[bytes, Callable[[str], io.BufferedIOBase]] = {
    b"\x1f\x8b": gzip.GzipFile,
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\0": lzma.LZMAFile,
}

_Result = TypeVar("_Result")


class _RefusedError(Exception):
    """An archive that is not read; the message continues its name."""


def read_member(path: str, is_wanted: Callable[[str], bool]) -> tuple[bytes | None, list[str]]:
    """Returns the content of the first file that is wanted by its name.

    Args:
      path: a tar archive, plain or compressed with gzip, bzip2 or xz.
      is_wanted: whether a file of this name is wanted.

    Returns:
      (its content, or None if there is none; the names of the files before it, or of all).

    Raises:
      ValueError: the archive is damaged or unpacks to more than is allowed; the message names it.
      OSError: it cannot be opened.
    """
    return _opened(path, lambda unpacked: _read_member(unpacked, is_wanted))


def unpack(path: str, folder: str) -> list[str]:
    """Writes the files of an archive into a folder; returns their names, relative to it.

    Modes, owners and times are not those of the archive. Devices, and what only macOS knows of a
    file ("._NAME"), are left out. Files that were written before an error stay.

    Args:
      path: see `read_member`.
      folder: an existing folder, empty.

    Raises:
      ValueError: see `read_member`; or a member would lie outside of the folder, is a link or a
        sparse file, or has the name of another one.
      OSError: the archive cannot be opened, or a file cannot be written.
    """
    return _opened(path, lambda unpacked: _unpack(unpacked, folder))


def _opened(path: str, use: Callable[["_Unpacked"], _Result]) -> _Result:
    with open(path, "rb") as file:
        head = file.read(6)
    openers = (opener for magic, opener in _OPENERS.items() if head.startswith(magic))
    opener = next(openers, None)
    try:
        with open(path, "rb") if opener is None else opener(path) as file:
            return use(_Unpacked(file))
    except _RefusedError as error:
        raise ValueError(f"{printable(path)} {error}.") from None
    except Exception as error:  # tarfile and decompressors raise many types on damaged bytes.
        if isinstance(error, MemoryError) or getattr(error, "errno", None):
            raise
        reason = printable(str(error)) or type(error).__name__
        raise ValueError(
            f"{printable(path)} is truncated or not a tar archive ({reason})."
        ) from None


def _members(unpacked: "_Unpacked") -> Iterator[tarfile.TarInfo]:
    """Yields the members of an archive but folders and devices."""
    archive: Any = unpacked  # It has what tarfile needs of a file.
    with tarfile.open(fileobj=archive, mode="r:") as tar:
        for number, member in enumerate(tar):
            if number == MAX_MEMBERS:
                raise _RefusedError(f"has more than {MAX_MEMBERS} members")
            if member.size < 0:
                raise _RefusedError("has a member of negative size")
            if not (member.isdir() or member.isdev()):
                yield member
            unpacked.allow_header()
    if any(unpacked.last_header):  # tarfile takes a damaged header for the end.
        raise _RefusedError("is truncated or not a tar archive")


def _read_member(
    unpacked: "_Unpacked", is_wanted: Callable[[str], bool]
) -> tuple[bytes | None, list[str]]:
    names: list[str] = []
    for member in _members(unpacked):
        if is_wanted(member.name):
            return b"".join(_content(unpacked, member)), names
        names.append(member.name)
    return None, names


def _unpack(unpacked: "_Unpacked", folder: str) -> list[str]:
    names: list[str] = []
    for member in _members(unpacked):
        if os.path.basename(member.name).startswith("._"):
            continue
        name = _relative_name(member.name)
        content = _content(unpacked, member)
        path = os.path.join(folder, name)
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            file = open(path, "xb")  # noqa: SIM115
        except (FileExistsError, NotADirectoryError):
            raise _RefusedError(f"has two members of the name {printable(member.name)}") from None
        with file:
            file.writelines(content)
        names.append(name)
    unpacked.read_rest()  # Its checksum follows.
    return names


def _relative_name(name: str) -> str:
    """Returns the name of a member without detours; refuses one that leads out of the folder."""
    if name.startswith("/") or ".." in name.split("/") or "\0" in name:
        raise _RefusedError(f"has {printable(name)}, which lies outside of it")
    return os.path.normpath(name)


def _content(unpacked: "_Unpacked", member: tarfile.TarInfo) -> Iterator[bytes]:
    """Returns the content of a member in parts."""
    name = printable(member.name)
    if member.issparse() or not member.isfile():
        what = "a sparse file" if member.issparse() else "a link"
        raise _RefusedError(f"has {name} as {what}; pack the file itself")
    if member.size > MAX_MEMBER_BYTES:
        raise _RefusedError(
            f"has {name} with {member.size / 2**30:.3g} GiB, more than the "
            f"{MAX_MEMBER_BYTES / 2**30:g} GiB that are read, or a header in it is wrong"
        )
    return unpacked.read_whole(member.size)


class _Unpacked:
    """An unpacked archive as tarfile reads it: forward only, and within limits."""

    def __init__(self, file: io.BufferedIOBase):
        self._file = file
        self._position = 0
        self.last_header = b""
        self.allow_header()

    def allow_header(self) -> None:
        """Lets tarfile read the headers of one more member."""
        self._num_header_bytes = 0

    def read(self, size: int) -> bytes:
        """Reads a part of a header; all else is skipped by `seek` or read by `read_whole`."""
        self._num_header_bytes += size
        if size < 0 or self._num_header_bytes > _MAX_HEADER_BYTES:
            raise _RefusedError(f"has a header of more than {_MAX_HEADER_BYTES} bytes")
        self.last_header = self._read(size)
        return self.last_header

    def tell(self) -> int:
        return self._position

    def seek(self, position: int) -> None:
        if position < self._position:
            raise _RefusedError("has a member of negative size")
        for _ in self.read_whole(position - self._position):
            pass

    def read_whole(self, size: int) -> Iterator[bytes]:
        """Reads the content of a member, in parts."""
        while size:
            chunk = self._read(min(_CHUNK_BYTES, size))
            if not chunk:
                raise _RefusedError("is truncated, or a header in it is wrong")
            size -= len(chunk)
            yield chunk

    def read_rest(self) -> None:
        """Reads what follows the last member."""
        while self._read(_CHUNK_BYTES):
            pass

    def _read(self, size: int) -> bytes:
        content = self._file.read(size)
        self._position += len(content)
        if self._position > MAX_UNPACKED_BYTES:
            raise _RefusedError(f"unpacks to more than {MAX_UNPACKED_BYTES / 2**30:g} GiB")
        return content
