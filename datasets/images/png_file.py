"""Looks at the structure of PNG files: damage that decoders pass over, and their heads."""

import struct
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"

# Color types, from the header chunk.
GRAY, RGB, PALETTE, GRAY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6

_BITS_AT, _COLOR_TYPE_AT = 24, 25  # The header chunk is the first one.
_LENGTH_AND_NAME, _CHECKSUM = 8, 4


def head(data: bytes) -> tuple[int, int]:
    """Returns bits per channel and color type of a PNG file."""
    return data[_BITS_AT], data[_COLOR_TYPE_AT]


def find_damage(data: bytes) -> str | None:
    """Compares the chunks of a PNG file with their checksums, and says what is wrong, if anything.

    Pillow takes files without an end, and does not compare the checksums of pixels; TensorFlow
    refuses both. Chunks that no decoder needs, which begin with a small letter, may be damaged.
    """
    position = len(SIGNATURE)
    while position + _LENGTH_AND_NAME <= len(data):
        length, name = struct.unpack_from(">I4s", data, position)
        end = position + _LENGTH_AND_NAME + length
        if end + _CHECKSUM > len(data):
            break
        is_needed = name[:1].isupper()
        (checksum,) = struct.unpack_from(">I", data, end)
        if is_needed and zlib.crc32(data[position + 4 : end]) != checksum:
            return "damaged: a checksum is wrong"
        if name == b"IEND":
            return None
        position = end + _CHECKSUM
    return "truncated: a PNG's last bytes are missing"
