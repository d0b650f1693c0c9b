"""masks.raw_mask: what a file stores is read, at every depth, or refused in words."""

import io
import struct

import cv2
import numpy as np
import pytest
from PIL import Image

from datasets.segmentation.masks.mask_format import MaskFormat
from datasets.segmentation.masks.raw_mask import read_raw_mask
from tests.support.raw_files import make_png, make_tiff, pack, png_chunk

IDS = np.arange(11 * 13).reshape(11, 13) % 4
COLORS = {(0, 0, 0): 0, (255, 0, 0): 1, (0, 255, 0): 2, (10, 20, 30): 3}
RGB = np.array(list(COLORS))[IDS]
PALETTE = png_chunk(b"PLTE", bytes(np.array(list(COLORS), np.uint8)))
GRAY, COLOR, INDEXED, GRAY_ALPHA, COLOR_ALPHA = 0, 2, 3, 4, 6


def read(tmp_path, data: bytes, name: str = "a.png", **options) -> np.ndarray:
    path = tmp_path / name
    path.write_bytes(data)
    return MaskFormat(**options).decode(read_raw_mask(str(path)))


def encode(image: Image.Image, file_format: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def ids_of(bits: int) -> np.ndarray:
    return IDS % 2 if bits == 1 else IDS


@pytest.mark.parametrize("is_interlaced", [False, True])
@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_gray_png_of_every_depth(tmp_path, bits, is_interlaced):
    ids = ids_of(bits)
    one_is_transparent = png_chunk(b"tRNS", struct.pack(">H", 1))
    for chunks in (b"", one_is_transparent):
        data = make_png(ids, GRAY, bits, is_interlaced=is_interlaced, chunks=chunks)
        np.testing.assert_array_equal(read(tmp_path, data), ids)


@pytest.mark.parametrize("is_interlaced", [False, True])
@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_palette_png_of_every_depth(tmp_path, bits, is_interlaced):
    ids = ids_of(bits)
    for chunks in (PALETTE, PALETTE + png_chunk(b"tRNS", b"\0")):
        if bits == 1:
            chunks = chunks.replace(PALETTE, png_chunk(b"PLTE", bytes(6)))
        data = make_png(ids, INDEXED, bits, is_interlaced=is_interlaced, chunks=chunks)
        np.testing.assert_array_equal(read(tmp_path, data), ids)


@pytest.mark.parametrize("is_interlaced", [False, True])
@pytest.mark.parametrize(
    ("bits", "scale"), [(8, 1), (16, 257), (16, 1)], ids=["8", "spread over 16", "unspread in 16"]
)
def test_channels_of_8_and_16_bits(tmp_path, bits, scale, is_interlaced):
    alpha = np.full(IDS.shape, 2**bits - 1)
    for values, color_type, options in (
        (RGB * scale, COLOR, {"colors": COLORS}),
        (np.dstack([RGB * scale, alpha]), COLOR_ALPHA, {"colors": COLORS}),
        (np.dstack([IDS * scale] * 3), COLOR, {}),
        (np.dstack([IDS * scale, alpha]), GRAY_ALPHA, {}),
    ):
        data = make_png(values, color_type, bits, is_interlaced=is_interlaced)
        np.testing.assert_array_equal(read(tmp_path, data, **options), IDS)


@pytest.mark.parametrize(("bits", "color_type"), [(8, 4), (16, 4), (8, 6), (16, 6)])
def test_transparent_pixels_are_refused_at_every_depth(tmp_path, bits, color_type):
    channels = [IDS] * (1 if color_type == GRAY_ALPHA else 3)
    alpha = np.full(IDS.shape, 2**bits - 1)
    alpha[3, 3] -= 1
    with pytest.raises(ValueError, match=r"a\.png: mask with transparent pixels"):
        read(tmp_path, make_png(np.dstack([*channels, alpha]), color_type, bits))


def test_colors_that_need_16_bits_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"a\.png: mask with 16 bits .* such as 2000, 4000, 6000"):
        read(tmp_path, make_png(RGB * 200, COLOR, 16), colors=COLORS)


def test_gray_ids_above_255_are_named_with_the_flag_that_maps_them(tmp_path):
    data = make_png((IDS % 2) * 65535, GRAY, 16)
    with pytest.raises(ValueError, match=r"ids 65535 do not fit .*--mask_values=0:0,65535:1\."):
        read(tmp_path, data)
    ids = read(tmp_path, data, values={0: 0, 65535: 1})
    np.testing.assert_array_equal(ids, IDS % 2)
    assert ids.dtype == np.uint8


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_tiff_of_every_depth(tmp_path, bits):
    ids = ids_of(bits)
    np.testing.assert_array_equal(read(tmp_path, make_tiff(ids, bits), "a.tif"), ids)
    with pytest.raises(ValueError, match=r"a\.tif: TIFF mask in which a stored 0 is white"):
        read(tmp_path, make_tiff(ids, bits, is_white_zero=True), "a.tif")


@pytest.mark.parametrize("dtype", [np.int32, np.float32, np.int16, np.int8])
def test_tiff_of_other_types(tmp_path, dtype):
    data = cv2.imencode(".tif", IDS.astype(dtype))[1].tobytes()
    np.testing.assert_array_equal(read(tmp_path, data, "a.tif"), IDS)


def test_tiff_of_colors(tmp_path):
    for scale in (1, 257):
        bgr = (RGB * scale).astype(np.uint16)[..., ::-1]
        data = cv2.imencode(".tif", bgr)[1].tobytes()
        np.testing.assert_array_equal(read(tmp_path, data, "a.tif", colors=COLORS), IDS)


def test_fractions_are_refused(tmp_path):
    data = encode(Image.fromarray((IDS / 3).astype(np.float32)), "TIFF")
    with pytest.raises(ValueError, match=r"floating point values such as 0\.333333, 0\.666667\."):
        read(tmp_path, data, "a.tif")


@pytest.mark.parametrize("file_format", ["BMP", "GIF", "PNG", "TIFF"])
def test_palette_files_whose_first_color_is_white(tmp_path, file_format):
    image = Image.fromarray((IDS % 2).astype(np.uint8), "P")
    image.putpalette([255, 255, 255, 0, 0, 0])
    np.testing.assert_array_equal(read(tmp_path, encode(image, file_format)), IDS % 2)


def test_bmp_files(tmp_path):
    for image, options in (
        (Image.fromarray((IDS % 2).astype(bool)), {}),
        (Image.fromarray(IDS.astype(np.uint8)), {}),
        (Image.fromarray(RGB.astype(np.uint8)), {"colors": COLORS}),
        (Image.fromarray(RGB.astype(np.uint8)).convert("RGBA"), {"colors": COLORS}),
    ):
        expected = IDS % 2 if image.mode == "1" else IDS
        np.testing.assert_array_equal(read(tmp_path, encode(image, "BMP"), **options), expected)


@pytest.mark.parametrize("maximum", [3, 255, 1000])
def test_pgm_files_of_every_maximum(tmp_path, maximum):
    content = IDS.astype(">u2" if maximum > 255 else np.uint8).tobytes()
    data = b"P5\n# by hand\n13 11\n%d\n" % maximum + content
    np.testing.assert_array_equal(read(tmp_path, data, "a.pgm"), IDS)


def test_pbm_files_are_refused(tmp_path):
    data = b"P4\n13 11\n" + b"".join(pack(row, 1) for row in IDS % 2)
    with pytest.raises(ValueError, match=r"PBM mask in which a stored 0 is white"):
        read(tmp_path, data, "a.pbm")


def test_webp_files_are_read_if_they_are_lossless(tmp_path):
    image = Image.fromarray(RGB.astype(np.uint8))
    data = encode(image, "WEBP", lossless=True)
    np.testing.assert_array_equal(read(tmp_path, data, "a.webp", colors=COLORS), IDS)
    with pytest.raises(ValueError, match=r"a\.webp: a mask saved as lossy WebP"):
        read(tmp_path, encode(image, "WEBP"), "a.webp", colors=COLORS)


def test_tiff_files_with_a_jpeg_inside_are_refused(tmp_path):
    data = encode(Image.fromarray(IDS.astype(np.uint8)), "TIFF", compression="jpeg")
    with pytest.raises(ValueError, match=r"a\.tif: a mask saved as JPEG"):
        read(tmp_path, data, "a.tif")
