"""Looks at the structure of JPEG files: stretches of zeros, which a failing disk leaves in them.

libjpeg decodes zeros as if they were an image, and notices only if what follows does not fit: of
sectors of 512 bytes that were zeroed it misses one in seven. But in most files zeros cannot mean
anything: the shortest code, of zeros only, stands for one more coefficient of -1, and no image has
hundreds of those in a row.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

# The shortest stretch that is looked for: 512 bits are 170 coefficients.
_MIN_ZEROS = 64
_SHORTEST = bytes(_MIN_ZEROS)
_ZEROS = re.compile(rb"\0{%d,}" % _MIN_ZEROS)

_TABLES, _SCAN, _END = 0xC4, 0xDA, 0xD9
_WITHOUT_LENGTH = (0x01, *range(0xD0, 0xD9))
# The next marker behind the data of a scan: no escaped 255 and no restart.
_NEXT_MARKER = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]")
_AC = 1


class _Scan(NamedTuple):
    """A scan of a file: the place of its data, and how they are to be read."""

    start: int
    stop: int
    symbols: tuple[int, ...]  # what the shortest code of each table for AC coefficients stands for
    is_refining: bool  # whether it adds bits to coefficients of earlier scans


def find_zeros(data: bytes) -> int | None:
    """Returns the length of a stretch of zeros in a JPEG file that stands for no image, or None."""
    if _SHORTEST not in data:  # Searching so takes a tenth of the expression's time.
        return None
    stretches = [match.span() for match in _ZEROS.finditer(data)]
    for scan in _scans(data):
        # The lower half of a symbol is the number of bits that follow it; symbols without any end
        # a block. Where they do so for every component, zeros may be a flat part of the image.
        if scan.is_refining or not any(symbol & 15 for symbol in scan.symbols):
            continue
        for start, stop in stretches:
            if scan.start <= start and stop <= scan.stop:
                return stop - start
    return None


def _scans(data: bytes) -> Iterator[_Scan]:
    """Yields the scans up to where the file cannot be parsed."""
    shortest: dict[int, int] = {}  # By class and number of a table, as one byte.
    position = 2
    while position + 4 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker == 0xFF or marker in _WITHOUT_LENGTH:
            position += 1 if marker == 0xFF else 2
            continue
        if marker == _END:
            return
        stop = position + 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        content = data[position + 4 : stop]
        position = stop
        if marker == _TABLES:
            shortest.update(_read_tables(content))
        elif marker == _SCAN:
            found = _NEXT_MARKER.search(data, stop)
            position = found.end() - 2 if found else len(data)
            yield _read_scan(content, shortest, stop, position)


def _read_tables(content: bytes) -> Iterator[tuple[int, int]]:
    """Yields class and number of each Huffman table, and what its shortest code stands for."""
    while len(content) > 17:
        yield content[0], content[17]
        content = content[17 + sum(content[1:17]) :]


def _read_scan(content: bytes, shortest: dict[int, int], start: int, stop: int) -> _Scan:
    num_components = content[0] if content else 0
    parameters = content[1 + 2 * num_components :]
    if len(parameters) < 3:
        return _Scan(start, stop, (), False)
    _, last_coefficient, approximation = parameters[:3]
    selectors = content[2 : 1 + 2 * num_components : 2]
    tables = {_AC << 4 | selector & 15 for selector in selectors} if last_coefficient else set()
    symbols = tuple(shortest.get(table, 0) for table in sorted(tables))
    return _Scan(start, stop, symbols, approximation >> 4 > 0)
