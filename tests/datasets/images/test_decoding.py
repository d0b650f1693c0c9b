"""datasets.images.decoding: images of every kind become what the records' reader decodes."""

import io
import os
import pathlib
import struct
import zlib

import cv2
import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from PIL import Image

from datasets.images import decoding
from tests.support.sample_images import exif, save, smooth_rgb

HEIGHT, WIDTH = 24, 40


def decode_as_reader_does(encoded: bytes) -> np.ndarray:
    """What the record's reader decodes (datasets.segmentation.record_format.parse_example)."""
    with tf.Graph().as_default(), tf.Session() as session:
        return session.run(tf.io.decode_jpeg(encoded, channels=3, dct_method="INTEGER_ACCURATE"))


@pytest.mark.parametrize(
    ("mode", "file_name", "expected_format"),
    [
        ("RGB", "a.jpg", "jpeg"),
        ("L", "a.jpg", "jpeg"),
        ("RGB", "a.png", "png"),
        ("L", "a.png", "png"),
    ],
)
def test_plain_images_keep_their_bytes(tmp_path, mode, file_name, expected_format):
    path = save(tmp_path / file_name, Image.fromarray(smooth_rgb()).convert(mode))
    image = decoding.read_image(path)
    assert image.format == expected_format
    assert image.encoded == pathlib.Path(path).read_bytes()
    np.testing.assert_array_equal(image.rgb, decode_as_reader_does(image.encoded))


def test_several_images_in_one_jpeg_keep_the_first(tmp_path):
    first, second = Image.fromarray(smooth_rgb()), Image.fromarray(smooth_rgb()[::-1])
    path = save(tmp_path / "a.jpg", first, format="MPO", save_all=True, append_images=[second])
    image = decoding.read_image(path)
    assert image.format == "jpeg"
    np.testing.assert_array_equal(image.rgb, decode_as_reader_does(image.encoded))
    assert np.abs(image.rgb.astype(int) - smooth_rgb()).mean() < 5


def test_four_bit_gray_is_scaled_as_the_reader_scales_it(tmp_path):
    gray = (np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH) % 16).astype(np.uint8)
    path = str(tmp_path / "a.png")
    # Pillow cannot write 4-bit gray; a palette file of 16 colors is 4-bit, and its color type
    # byte turns it into gray when the palette chunk is dropped.
    palette = Image.fromarray(gray, "P")
    palette.putpalette([value for i in range(16) for value in (i, i, i)])
    buffer = io.BytesIO()
    palette.save(buffer, "PNG", bits=4)
    pathlib.Path(path).write_bytes(as_gray_png(buffer.getvalue()))
    image = decoding.read_image(path)
    np.testing.assert_array_equal(image.rgb[..., 0], gray * 17)
    np.testing.assert_array_equal(image.rgb, decode_as_reader_does(image.encoded))


def as_gray_png(data: bytes) -> bytes:
    """Turns a palette PNG into a gray one of the same bits: color type 0 and no palette."""
    chunks, position = [], 8
    while position < len(data):
        (length,) = struct.unpack(">I", data[position : position + 4])
        kind = data[position + 4 : position + 8]
        body = data[position + 8 : position + 8 + length]
        if kind == b"IHDR":
            body = body[:9] + b"\0" + body[10:]
        if kind in (b"IHDR", b"IDAT", b"IEND"):
            crc = struct.pack(">I", zlib.crc32(kind + body))
            chunks.append(struct.pack(">I", len(body)) + kind + body + crc)
        position += 12 + length
    return data[:8] + b"".join(chunks)


@pytest.mark.parametrize(
    ("mode", "file_name"),
    [
        ("RGBA", "a.png"),
        ("LA", "a.png"),
        ("P", "a.png"),
        ("1", "a.png"),
        ("CMYK", "a.jpg"),
        ("CMYK", "a.tif"),
        ("RGB", "a.bmp"),
        ("RGB", "a.tif"),
        ("RGB", "a.webp"),
    ],
)
def test_other_images_are_converted_to_png(tmp_path, mode, file_name):
    source = Image.fromarray(smooth_rgb()).convert(mode)
    path = save(tmp_path / file_name, source)
    image = decoding.read_image(path)
    assert image.format == "png"
    with Image.open(path) as file:
        expected = np.asarray(file.convert("RGB"))
    np.testing.assert_array_equal(image.rgb, expected)
    np.testing.assert_array_equal(decode_as_reader_does(image.encoded), expected)
    assert decoding.decode_image(path).mode == mode


def test_cmyk_colors_are_not_inverted(tmp_path):
    path = save(tmp_path / "a.jpg", Image.new("RGB", (16, 16), (250, 10, 10)).convert("CMYK"))
    red, green, blue = decoding.read_image(path).rgb[8, 8].tolist()
    assert red > 200
    assert green < 60
    assert blue < 60


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied_as_opencv_does(tmp_path, orientation):
    path = save(
        tmp_path / "a.jpg", Image.fromarray(smooth_rgb()), quality=95, exif=exif(orientation)
    )
    expected = cv2.cvtColor(cv2.imread(path), cv2.COLOR_BGR2RGB)
    image = decoding.read_image(path)
    np.testing.assert_array_equal(image.rgb, expected)
    assert image.format == ("jpeg" if orientation == 1 else "png")


@pytest.mark.parametrize(
    ("mask_size", "is_turned"),
    [
        ((HEIGHT, WIDTH), False),  # The mask is drawn on the stored image.
        ((WIDTH, HEIGHT), True),
        ((7, 9), True),  # Neither: upright, and the sizes are reported.
        (None, True),
    ],
)
def test_exif_orientation_follows_the_mask(tmp_path, mask_size, is_turned):
    path = save(tmp_path / "a.jpg", smooth_rgb(), exif=exif(6))
    image = decoding.decode_image(path, mask_size)
    assert image.is_turned == is_turned
    assert image.rgb.shape[:2] == ((WIDTH, HEIGHT) if is_turned else (HEIGHT, WIDTH))
    assert decoding.read_image(path, mask_size).format == ("png" if is_turned else "jpeg")


def test_square_image_is_turned_whatever_the_mask(tmp_path):
    path = save(tmp_path / "a.png", smooth_rgb(16, 16), exif=exif(8))
    assert decoding.decode_image(path, (16, 16)).is_turned


def test_sixteen_bit_gray_is_refused(tmp_path):
    path = str(tmp_path / "a.png")
    cv2.imwrite(path, np.full((4, 4), 4000, np.uint16))
    with pytest.raises(ValueError, match=r"a\.png: 16-bit image .*8 bits per channel"):
        decoding.read_image(path)


def test_sixteen_bit_rgb_is_refused_though_pillow_cuts_it_to_eight(tmp_path):
    path = str(tmp_path / "a.png")
    cv2.imwrite(path, np.full((4, 4, 3), 4000, np.uint16))
    with Image.open(path) as file:
        assert file.mode == "RGB"
    with pytest.raises(ValueError, match="16-bit image"):
        decoding.read_image(path)


def test_float_tiff_is_refused(tmp_path):
    path = save(tmp_path / "a.tif", np.ones((4, 4), np.float32))
    with pytest.raises(ValueError, match="32-bit image"):
        decoding.read_image(path)


@pytest.mark.parametrize("file_name", ["a.jpg", "a.png"])
@pytest.mark.parametrize("missing", [1, 12, 0.5])
def test_truncated_image_is_named(tmp_path, file_name, missing):
    path = pathlib.Path(save(tmp_path / file_name, smooth_rgb()))
    data = path.read_bytes()
    missing = int(len(data) * missing) if missing < 1 else missing
    path.write_bytes(data[:-missing])
    with pytest.raises(ValueError, match=rf"{file_name}: .*truncated"):
        decoding.read_image(str(path))


def test_bytes_behind_a_png_do_no_harm(tmp_path):
    path = pathlib.Path(save(tmp_path / "a.png", smooth_rgb()))
    path.write_bytes(path.read_bytes() + b"\0" * 100)
    np.testing.assert_array_equal(decoding.read_image(str(path)).rgb, smooth_rgb())


@pytest.mark.parametrize(
    ("content", "message"), [(b"", "the file is empty"), (b"no image at all", "not an image")]
)
def test_other_files_are_named(tmp_path, content, message):
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"a\.jpg: {message}"):
        decoding.read_image(str(path))


def test_missing_image_is_an_os_error(tmp_path):
    with pytest.raises(OSError, match=r"a\.jpg"):
        decoding.read_image(str(tmp_path / "a.jpg"))


@pytest.mark.parametrize("file_name", ["a.jpg", "a.png"])
@pytest.mark.parametrize("trust_end", [False, True])
def test_without_pixels_truncated_images_are_named_too(tmp_path, file_name, trust_end):
    path = save(tmp_path / file_name, smooth_rgb(), exif=exif(6))
    whole = decoding.decode_image(path, None, False, trust_end)
    expected = decoding.decode_image(path)
    assert whole.rgb is None
    assert whole.size == expected.rgb.shape[:2] == (WIDTH, HEIGHT)
    assert (whole.mode, whole.is_turned) == (expected.mode, expected.is_turned) == ("RGB", True)
    os.truncate(path, os.path.getsize(path) - 20)
    with pytest.raises(ValueError, match=rf"{path}: truncated"):
        decoding.decode_image(path, None, False, trust_end)


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_jpegs_have_the_pixels_that_pillow_gives(tmp_path, mode):
    noise = np.random.default_rng(0).integers(0, 256, (33, 45, 3), dtype=np.uint8)
    for subsampling in (0, 2):
        path = save(
            tmp_path / "a.jpg", Image.fromarray(noise).convert(mode), subsampling=subsampling
        )
        with Image.open(path) as image:
            expected = np.asarray(image.convert("RGB"))
        np.testing.assert_array_equal(decoding.decode_image(path).rgb, expected)


def test_converted_images_have_pixels_even_where_they_are_not_wanted(tmp_path):
    path = save(tmp_path / "a.bmp", smooth_rgb())
    image = decoding.read_image(path, None, with_pixels=False)
    assert (image.format, image.size) == ("png", (HEIGHT, WIDTH))
    decoded = np.asarray(Image.open(io.BytesIO(image.encoded)))
    np.testing.assert_array_equal(decoded, smooth_rgb())
