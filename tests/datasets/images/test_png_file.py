"""datasets.images.png_file: damage that Pillow passes over is found, other oddities are not."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from datasets.images import png_file


def make_png() -> bytes:
    buffer = io.BytesIO()
    text = PngImagePlugin.PngInfo()
    text.add_text("author", "somebody")
    image = Image.fromarray(np.arange(200, dtype=np.uint8).reshape(10, 20))
    image.save(buffer, "PNG", pnginfo=text)
    return buffer.getvalue()


def position_of(data: bytes, name: bytes) -> int:
    """Where the content of a chunk begins."""
    return data.index(name) + 4


def changed(data: bytes, position: int) -> bytes:
    return data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]


def test_head():
    assert png_file.head(make_png()) == (8, png_file.GRAY)


def test_nothing_is_wrong():
    assert png_file.find_damage(make_png()) is None
    assert png_file.find_damage(make_png() + b"\0" * 9) is None


def test_wrong_checksum_of_pixels_which_pillow_takes():
    data = make_png()
    (length,) = struct.unpack(">I", data[position_of(data, b"IDAT") - 8 :][:4])
    data = changed(data, position_of(data, b"IDAT") + length)
    Image.open(io.BytesIO(data)).load()
    assert png_file.find_damage(data) == "damaged: a checksum is wrong"


def test_wrong_checksum_of_a_comment_is_no_damage():
    data = make_png()
    assert png_file.find_damage(changed(data, position_of(data, b"tEXt"))) is None


@pytest.mark.parametrize("cut", [1, 12, 40])
def test_missing_end(cut):
    assert png_file.find_damage(make_png()[:-cut]).startswith("truncated")


def test_missing_end_behind_a_whole_chunk():
    data = make_png()
    end = data.index(b"IEND") - 4
    assert png_file.find_damage(data[:end]).startswith("truncated")
    extra = struct.pack(">I", 0) + b"teXt" + struct.pack(">I", zlib.crc32(b"teXt"))
    assert png_file.find_damage(data[:end] + extra + data[end:]) is None
