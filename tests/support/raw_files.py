"""Image files that Pillow and OpenCV cannot write, byte by byte: for the tests of mask files."""

import struct
import zlib

import numpy as np

# Row and column of the first pixel, and steps, of the passes of an interlaced PNG.
_PASSES = (
    *((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4)),
    *((2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)),
)


def png_chunk(name: bytes, content: bytes = b"") -> bytes:
    """Returns a chunk of a PNG file."""
    checksum = zlib.crc32(content, zlib.crc32(name))
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)


def make_png(
    values: np.ndarray,
    color_type: int,
    bits: int,
    *,
    is_interlaced: bool = False,
    chunks: bytes = b"",
) -> bytes:
    """Returns a PNG file of integers [height, width] or [height, width, channels].

    Args:
      values: what the file stores, 0 <= values < 2**bits.
      color_type: 0 gray, 2 RGB, 3 palette, 4 gray with alpha, 6 RGB with alpha.
      bits: bits per channel.
      is_interlaced: whether pixels come in seven passes.
      chunks: chunks between the header and the pixels, such as a palette.
    """
    height, width = values.shape[:2]
    passes = _PASSES if is_interlaced else ((0, 0, 1, 1),)
    parts = (values[top::down, left::right] for top, left, down, right in passes)
    rows = (row for part in parts if part.size for row in part.reshape(len(part), -1))
    content = b"".join(b"\0" + pack(row, bits) for row in rows)
    head = struct.pack(">IIBBBBB", width, height, bits, color_type, 0, 0, is_interlaced)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", head)
        + chunks
        + png_chunk(b"IDAT", zlib.compress(content))
        + png_chunk(b"IEND")
    )


def make_tiff(values: np.ndarray, bits: int, *, is_white_zero: bool = False) -> bytes:
    """Returns a gray TIFF file of unsigned integers [height, width]."""
    height, width = values.shape
    rows = [pack(row, bits) for row in values]
    content = b"".join(rows) if bits <= 8 else values.astype(f"<u{bits // 8}").tobytes()
    tags = (
        *((256, width), (257, height), (258, bits), (259, 1), (262, 0 if is_white_zero else 1)),
        *((273, 8), (277, 1), (278, height), (279, len(content))),
    )
    directory = struct.pack("<H", len(tags))
    directory += b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return b"II*\0" + struct.pack("<I", 8 + len(content)) + content + directory + b"\0" * 4


def pack(row: np.ndarray, bits: int) -> bytes:
    """Returns integers as bytes, the first one in the highest bits."""
    if bits == 16:
        return row.astype(">u2").tobytes()
    places = np.arange(bits - 1, -1, -1)
    return np.packbits((row[:, None] >> places & 1).astype(np.uint8)).tobytes()
