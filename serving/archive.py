"""Reads one file out of a tar archive from anywhere, within limits.

Archives are read from their beginning to the member that is looked for, without trust in what
their headers say: sizes are those of the bytes that are there, and both these and the number of
members are bounded, so that a small file cannot fill the memory or take hours. Python's `tarfile`
has no such bounds. Known are ustar, GNU's long names and pax's paths, as tar programs write them.
"""

import bz2
import functools
import gzip
import lzma
import os
import re
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO

from common.texts import printable

ENDINGS = (".tar.gz", ".tgz", ".tar", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")

# A frozen graph cannot be larger than the 2 GiB of a protocol buffer; the largest networks here
# have 0.2.
MAX_MEMBER_BYTES = 1 << 30
# Of all that lies before it; published archives hold checkpoints, too.
MAX_UNPACKED_BYTES = 1 << 32
MAX_MEMBERS = 10_000

_BLOCK_BYTES = 512
_CHUNK_BYTES = 1 << 20
# Of a long name or a pax header.
_MAX_HEADER_BYTES = 1 << 16
_REGULAR, _LINKS = b"0\0007", b"12"
_WITHOUT_DATA = b"123456"
_LONG_NAME, _LONG_LINK, _PAX, _SPARSE = b"L", b"K", b"x", b"S"
_OPENERS: tuple[tuple[bytes, Callable[[str], BinaryIO]], ...] = (
    (b"\x1f\x8b", gzip.open),
    (b"BZh", bz2.open),
    (b"\xfd7zXZ\0", lzma.open),
    (b"", functools.partial(open, mode="rb")),
)


class _DamagedError(Exception):
    """An archive that cannot be read; the message goes on after its name."""


def read_member(path: str, is_wanted: Callable[[str], bool]) -> tuple[bytes | None, list[str]]:
    """Returns the content of the first file of an archive that is wanted.

    Args:
      path: a tar archive, plain or compressed with gzip, bzip2 or xz.
      is_wanted: says of a member's name whether it is that.

    Returns:
      (its content, or None if there is none; the names of the files before it, or of all).

    Raises:
      ValueError: the archive is damaged or unpacks to more than is allowed; the message names it.
      OSError: it cannot be opened.
    """
    with open(path, "rb") as file:
        head = file.read(6)
    opener = next(opener for magic, opener in _OPENERS if head.startswith(magic))
    names: list[str] = []
    try:
        with opener(path) as unpacked:
            stream = _Stream(unpacked)
            for name, size, kind, is_sparse in _members(stream):
                if not name.endswith("/") and kind in _REGULAR + _SPARSE + _LINKS:
                    if is_wanted(name):
                        return _content(stream, name, size, kind, is_sparse), names
                    names.append(name)
                if kind not in _WITHOUT_DATA:
                    stream.skip(_padded(size))
    except _DamagedError as error:
        raise ValueError(f"{printable(path)} {error}.") from None
    # What the decompressors raise on damaged bytes; bz2 and gzip raise OSError, too.
    except (EOFError, zlib.error, lzma.LZMAError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise ValueError(f"{printable(path)} is truncated or no tar archive ({error}).") from None
    return None, names


class _Stream:
    """Bytes of an archive, unpacked and counted."""

    def __init__(self, file: BinaryIO):
        self._file = file
        self._num_bytes = 0

    def read(self, size: int) -> bytes:
        """Returns so many bytes, or fewer at the end."""
        chunks = []
        while size:
            chunk = self._file.read(min(size, _CHUNK_BYTES))
            if not chunk:
                break
            self._num_bytes += len(chunk)
            if self._num_bytes > MAX_UNPACKED_BYTES:
                raise _DamagedError(f"unpacks to more than {MAX_UNPACKED_BYTES / 2**30:g} GiB")
            chunks.append(chunk)
            size -= len(chunk)
        return b"".join(chunks)

    def read_whole(self, size: int) -> bytes:
        content = self.read(size)
        if len(content) != size:
            raise _DamagedError("is truncated, or a header in it is wrong")
        return content

    def skip(self, size: int) -> None:
        while size:
            size -= len(self.read_whole(min(size, _CHUNK_BYTES)))


def _members(stream: _Stream) -> Iterator[tuple[str, int, bytes, bool]]:
    """Yields (name, size, kind, whether it is sparse) of each member; its data come next."""
    pax: dict[str, str] = {}
    long_name = None
    for number in range(MAX_MEMBERS + 1):
        header = stream.read(_BLOCK_BYTES)
        if not header and number:
            return  # Some writers leave out the two empty blocks of the end.
        if len(header) < _BLOCK_BYTES or not (any(header) or number):
            raise _DamagedError("is truncated or no tar archive")
        if not any(header):
            return
        name, size, kind = _parse(header)
        if kind in (_LONG_NAME, _LONG_LINK, _PAX):
            if size > _MAX_HEADER_BYTES:
                raise _DamagedError(f"has a header of {size} bytes")
            content = stream.read_whole(_padded(size))[:size]
            if kind == _LONG_NAME:
                long_name = _text(content)
            elif kind == _PAX:
                pax = _parse_pax(content)
            continue
        size = _number(pax["size"]) if "size" in pax else size
        is_sparse = kind == _SPARSE or any(key.startswith("GNU.sparse") for key in pax)
        # Of a sparse file pax names the place of its parts; the file's own name is another entry.
        name = pax.get("GNU.sparse.name") or pax.get("path") or long_name or name
        yield name, size, kind, is_sparse
        pax, long_name = {}, None
    raise _DamagedError(f"has more than {MAX_MEMBERS} members")


def _content(stream: _Stream, name: str, size: int, kind: bytes, is_sparse: bool) -> bytes:
    name = printable(name)
    if is_sparse or kind in _LINKS:
        what = "a sparse file" if is_sparse else "a link"
        raise _DamagedError(f"has {name} as {what}; pack the file itself")
    if size > MAX_MEMBER_BYTES:
        raise _DamagedError(
            f"has {name} with {size / 2**30:.3g} GiB, more than the "
            f"{MAX_MEMBER_BYTES / 2**30:g} GiB that are read, or a header in it is wrong"
        )
    return stream.read_whole(size)


def _parse(header: bytes) -> tuple[str, int, bytes]:
    """Returns (name, size, kind) of a header of one block."""
    given = _octal(header[148:156])
    unsigned = sum(header[:148]) + 8 * ord(" ") + sum(header[156:])
    # Old programs summed up signed bytes.
    signed = unsigned - 256 * sum(byte > 127 for byte in header[:148] + header[156:])
    if given not in (unsigned, signed):
        raise _DamagedError("is truncated or no tar archive")
    name = _text(header[:100])
    if header[257:263] == b"ustar\0":
        prefix = _text(header[345:500])
        name = f"{prefix}/{name}" if prefix else name
    if header[124] & 0x80:  # GNU's form for large numbers.
        if header[124] & 0x40:
            raise _DamagedError("has a member of negative size")
        size = int.from_bytes(header[124:136], "big") & ~(0x80 << 88)
    else:
        size = _octal(header[124:136])
        if size is None:
            raise _DamagedError("has a member whose size is no number")
    return name, size, header[156:157]


def _octal(field: bytes) -> int | None:
    text = field.strip(b" \0") or b"0"
    return int(text, 8) if re.fullmatch(rb"[0-7]+", text) else None


def _parse_pax(content: bytes) -> dict[str, str]:
    """Returns the entries of a pax header, each "LENGTH KEY=VALUE" and an end of line."""
    entries = {}
    while content:
        match = re.match(rb"(\d{1,6}) ([^=]{1,200})=", content)
        length = int(match[1]) if match else 0
        if not match or not match.end() < length <= len(content):
            raise _DamagedError("has a damaged header")
        entries[_text(match[2])] = _text(content[match.end() : length - 1])
        content = content[length:]
    return entries


def _number(text: str) -> int:
    if not re.fullmatch(r"\d{1,19}", text):
        raise _DamagedError("has a member whose size is no number")
    return int(text)


def _padded(size: int) -> int:
    return -(-size // _BLOCK_BYTES) * _BLOCK_BYTES


def _text(field: bytes) -> str:
    return os.fsdecode(field.split(b"\0", 1)[0])
