"""Reads MATLAB files of level 5 (`save -v6` and `-v7`), as MatConvNet's networks are.

Such a file is a row of data elements, each with its type and size before it; arrays are elements
that hold elements (MathWorks, "MAT-File Format"). What MATLAB calls
a cell array becomes a list in the order of its columns, a structure a dictionary by the names of
its fields (an array of structures a list of these), and text a string. Numbers are views of the
file's bytes, so that half a gigabyte is not in memory twice.
"""

import mmap
import struct
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from common.texts import printable

_HEADER_BYTES = 128
_HDF5 = b"\x89HDF"
# Types of elements.
_NUMBERS = {
    **{1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4"},
    **{7: "f4", 9: "f8", 12: "i8", 13: "u8"},
}
_MATRIX, _COMPRESSED = 14, 15
_TEXTS = {16: "utf-8", 17: "utf-16", 18: "utf-32"}
# Classes of arrays; those of numbers are 6 to 15, and their bytes may be of a smaller type.
_CELL, _STRUCTURE, _OBJECT, _TEXT = 1, 2, 3, 4
_CLASSES = {
    **{6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4"},
    **{14: "i8", 15: "u8"},
}
_MAX_DEPTH = 32


class _Element(NamedTuple):
    kind: int
    data: memoryview


def read(path: str) -> dict[str, Any]:
    """Reads the variables of a file by their names.

    Raises:
      OSError: the file cannot be opened.
      ValueError: it is none of this kind, or damaged; names it.
    """
    with open(path, "rb") as file:
        head = file.read(_HEADER_BYTES)
        if head.startswith(_HDF5) or b"MATLAB 7.3" in head:
            raise ValueError(
                f"{printable(path)} is a MATLAB file of version 7.3; save it with -v7 instead."
            )
        order = {b"IM": "<", b"MI": ">"}.get(head[126:])
        if len(head) < _HEADER_BYTES or order is None:
            raise ValueError(f"{printable(path)} is not a MATLAB file.")
        content = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    try:
        reader = _Reader(order)
        return dict(reader.variables(content[_HEADER_BYTES:]))
    except (struct.error, zlib.error, LookupError, ValueError, RuntimeError) as error:
        # Python makes a RuntimeError of elements that end too early.
        raise ValueError(
            f"{printable(path)} is a MATLAB file that is cut off or damaged ({error}). Copy it "
            "again."
        ) from None


class _Reader:
    """Reads elements in the byte order of a file."""

    def __init__(self, order: str):
        self._order = order

    def variables(self, content: memoryview) -> Iterator[tuple[str, Any]]:
        for element in self._elements(content):
            if element.kind == _COMPRESSED:
                whole = memoryview(zlib.decompress(element.data))
                yield from self.variables(whole)
            elif element.kind == _MATRIX:
                yield self._array(element.data, 0)

    def _elements(self, content: memoryview) -> Iterator[_Element]:
        position = 0
        while position < len(content):
            kind, size = struct.unpack_from(self._order + "II", content, position)
            if kind >> 16:  # Up to four bytes stand where the size usually does.
                kind, size = kind & 0xFFFF, kind >> 16
                start, end = position + 4, position + 8
            else:
                start = position + 8
                end = start + size + (0 if kind == _COMPRESSED else -size % 8)
            if start + size > len(content):
                raise ValueError("an element is longer than what holds it")
            yield _Element(kind, content[start : start + size])
            position = end

    def _array(self, data: memoryview, depth: int) -> tuple[str, Any]:
        """Returns an array and its name."""
        if depth > _MAX_DEPTH:
            raise ValueError("arrays within arrays, too many")
        if not data:
            return "", np.zeros([0, 0])
        elements = self._elements(data)
        flags = self._numbers(next(elements))
        shape = tuple(self._numbers(next(elements)).tolist())
        name = bytes(next(elements).data).decode("ascii")
        kind = int(flags[0]) & 0xFF
        if kind == _CELL:
            return name, [self._array(each.data, depth + 1)[1] for each in elements]
        if kind in (_STRUCTURE, _OBJECT):
            if kind == _OBJECT:
                next(elements)  # The name of its class.
            return name, self._structures(elements, int(np.prod(shape)), depth)
        if kind == _TEXT:
            element = next(elements, None)
            return name, "" if element is None else self._text(element)
        values = self._numbers(next(elements)).astype(self._order + _CLASSES[kind], copy=False)
        return name, values.reshape(shape, order="F")

    def _structures(self, elements: Iterator[_Element], count: int, depth: int) -> Any:
        length = int(self._numbers(next(elements))[0])
        names = bytes(next(elements).data)
        fields = [
            names[start : start + length].split(b"\0")[0].decode("ascii")
            for start in range(0, len(names), length)
        ]
        found = [
            {field: self._array(next(elements).data, depth + 1)[1] for field in fields}
            for _ in range(count)
        ]
        return found[0] if count == 1 else found

    def _numbers(self, element: _Element) -> np.ndarray:
        return np.frombuffer(element.data, self._order + _NUMBERS[element.kind])

    def _text(self, element: _Element) -> str:
        encoding = _TEXTS.get(element.kind)
        if encoding is not None:
            suffix = "" if encoding == "utf-8" else "-le" if self._order == "<" else "-be"
            return bytes(element.data).decode(encoding + suffix)
        return "".join(map(chr, self._numbers(element).tolist()))
