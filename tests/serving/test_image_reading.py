"""Reading images upright as RGB, from files and memory."""

import io
import warnings

import numpy as np
import pytest
from PIL import ExifTags, Image

from common import image_files
from serving import image_reading, memory

pytestmark = pytest.mark.filterwarnings("ignore:.*:UserWarning:PIL")


def save(path, mode: str = "RGB", **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, (4, 3)).save(path, **options)
    return str(path)


@pytest.mark.parametrize("extension", ["jpg", "png", "tif"])
def test_exif_rotation_is_applied(tmp_path, extension):
    stored = Image.new("RGB", (40, 20), (200, 0, 0))
    stored.paste((0, 0, 200), (0, 0, 20, 20))  # blue on the left
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6  # shown turned by 90 degrees clockwise: blue on top
    path = str(tmp_path / f"turned.{extension}")
    stored.save(path, exif=exif)
    image = image_reading.read_image(path)
    assert image.size == (20, 40)
    assert image.getpixel((10, 5))[2] > 150
    assert image.getpixel((10, 35))[0] > 150


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "1", "CMYK"])
def test_other_modes_become_rgb(mode):
    color = Image.new("RGB", (2, 2), (255, 255, 255)).convert(mode)
    image = image_reading.to_rgb(color)
    assert image.mode == "RGB"
    assert image.getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize("mode", ["I;16", "I", "F"])
def test_wide_images_are_refused_by_name(tmp_path, mode):
    path = save(tmp_path / "wide.tif", mode)
    with pytest.raises(ValueError, match=r"wide\.tif: .*more than 8 bits.*scale"):
        image_reading.read_image(path)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros([3, 4, 3], np.float32), r"float32 \[3, 4, 3\]; expected uint8.*Scale its values"),
        (np.zeros([3, 4, 3], np.int64), r"int64 \[3, 4, 3\]; expected uint8"),
        (np.zeros([3, 4], bool), r"bool \[3, 4\]; expected uint8"),
        (np.zeros([3, 4, 2], np.uint8), r"uint8 \[3, 4, 2\]; expected"),
        (np.zeros([3, 5, 7], np.uint8), r"uint8 \[3, 5, 7\]; expected"),
        (np.zeros([1, 3, 4, 3], np.uint8), r"uint8 \[1, 3, 4, 3\]; .*segment_batch"),
        (np.zeros([5], np.uint8), r"uint8 \[5\]; expected"),
        (np.array("text"), "expected uint8"),
        (np.zeros([0, 4, 3], np.uint8), "0x4 and empty"),
        (np.zeros([4, 0], np.uint8), "4x0 and empty"),
    ],
)
def test_arrays_that_are_no_image_are_refused(array, message):
    with pytest.raises(ValueError, match=message):
        image_reading.to_rgb(array)


def test_damaged_files_are_named(tmp_path):
    path = tmp_path / "noise.png"
    noise = np.random.RandomState(0).randint(0, 256, [40, 40, 3], np.uint8)
    Image.fromarray(noise).save(path)
    content = path.read_bytes()
    for name, part, message in (
        ("cut.png", content[:2000], "truncated or damaged"),
        ("text.png", b"hello", "not an image file"),
        ("empty.png", b"", "the file is empty"),
        ("phone.jpg", b"\0\0\0\x18ftypheic" + bytes(40), "this is a HEIC file"),
        ("drawing.png", b"%!PS-Adobe-3.0 EPSF-3.0\n", "this is a PostScript drawing"),
    ):
        (tmp_path / name).write_bytes(part)
        with pytest.raises(ValueError, match=rf"{name}: {message}"):
            image_reading.read_image(str(tmp_path / name))


def test_gray_and_alpha_arrays():
    gray = np.arange(12, dtype=np.uint8).reshape(3, 4)
    expected = np.stack([gray] * 3, axis=2)
    np.testing.assert_array_equal(image_reading.to_rgb_array(gray), expected)
    np.testing.assert_array_equal(image_reading.to_rgb_array(gray[..., None]), expected)
    rgba = np.random.RandomState(0).randint(0, 256, [3, 4, 4], np.uint8)
    np.testing.assert_array_equal(image_reading.to_rgb_array(rgba), rgba[..., :3])


def test_a_palette_with_transparency_keeps_its_colors():
    image = Image.new("P", (2, 2), 1)
    image.putpalette([0, 0, 0, 10, 20, 30])
    image.info["transparency"] = b"\xff\x00"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert image_reading.to_rgb(image).getpixel((1, 1)) == (10, 20, 30)


@pytest.mark.parametrize("mode", ["RGBa", "La", "PA", "HSV", "YCbCr", "RGBX"])
def test_rare_modes_become_rgb(mode):
    image = image_reading.to_rgb(Image.new(mode, (2, 3)))
    assert (image.mode, image.size) == ("RGB", (2, 3))


def test_an_empty_image_is_refused():
    with pytest.raises(ValueError, match="5x0 and empty"):
        image_reading.to_rgb(Image.new("RGB", (0, 5)))


def test_damaged_exif_leaves_the_pixels():
    image = Image.new("RGB", (4, 3), (9, 8, 7))
    image.info["exif"] = b"Exif\0\0II*\0\xff\xff\xff\xff"
    assert image_reading.to_rgb(image).getpixel((0, 0)) == (9, 8, 7)


# Format, how it is written, mode.
KINDS = [
    ("JPEG", {}, "RGB"),
    ("JPEG", {"progressive": True}, "CMYK"),
    ("PNG", {}, "RGBA"),
    ("PNG", {}, "P"),
    ("WEBP", {}, "RGB"),
    ("WEBP", {"lossless": True}, "RGBA"),
    ("GIF", {}, "P"),
    ("TIFF", {}, "L"),
    ("TIFF", {"compression": "tiff_lzw"}, "RGB"),
    ("TIFF", {"compression": "jpeg"}, "RGB"),
    ("BMP", {}, "1"),
    ("AVIF", {}, "RGB"),
    ("PPM", {}, "RGB"),
]


def mangle(content: bytes, random: np.random.RandomState) -> bytes:
    """Flips bits, overwrites bytes of the head, cuts, or inserts bytes."""
    mangled = bytearray(content)
    how = random.randint(4)
    if how == 0:
        for _ in range(random.randint(1, 8)):
            mangled[random.randint(len(mangled))] ^= 1 << random.randint(8)
    elif how == 1:
        for _ in range(random.randint(1, 4)):
            mangled[random.randint(min(len(mangled), 400))] = random.randint(256)
    elif how == 2:
        del mangled[random.randint(len(mangled)) :]
    else:
        place = random.randint(len(mangled))
        mangled[place:place] = random.bytes(random.randint(1, 40))
    return bytes(mangled)


@pytest.mark.parametrize("number", range(len(KINDS)))
def test_mangled_files_are_read_or_named_on_one_line(tmp_path, number, capfd):
    file_format, how, mode = KINDS[number]
    if file_format not in image_files.FORMATS:
        pytest.skip(f"this Pillow has no decoder of {file_format}")
    image_files.silence_libtiff()
    random = np.random.RandomState(number)
    image = Image.fromarray(random.randint(0, 256, [9, 12, 3], np.uint8)).resize((96, 72))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    buffer = io.BytesIO()
    image.convert(mode).save(buffer, file_format, exif=exif, **how)
    path = tmp_path / "mangled.x"
    messages = []
    for _ in range(60):
        path.write_bytes(mangle(buffer.getvalue(), random))
        try:
            head = memory.read_head(str(path))
            if head.read_bytes < 1 << 28:  # The command refuses others by its budget.
                assert image_reading.read_image(str(path)).mode == "RGB"
        except ValueError as error:
            messages.append(str(error))
    assert len(messages) > 5
    for message in messages:
        assert "mangled.x: " in message
        assert message.isprintable()
        assert len(message) < 400
    assert capfd.readouterr().err == ""
