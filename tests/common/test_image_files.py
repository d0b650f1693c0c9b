import io

import numpy as np
import pytest
from PIL import Image

from common import image_files
from common.texts import first_few, printable


def encoded(file_format, size=(8, 6)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, (200, 60, 60)).save(buffer, file_format)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "file_format", ["JPEG", "PNG", "BMP", "TIFF", "WEBP", "AVIF", "GIF", "PPM"]
)
def test_the_listed_kinds_are_read(file_format):
    image = image_files.open_image(encoded(file_format), "x")
    assert image.size == (8, 6)
    assert np.abs(np.asarray(image.convert("RGB"), int) - (200, 60, 60)).max() <= 3


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.jpg", b"", "the file is empty"),
        ("a.jpg", b"\0\0\0\x18ftypheic" + bytes(40), "this is a HEIC file, as phones take them"),
        ("a.HEIC", b"anything", "this is a HEIC file"),
        ("a.png", b"version https://git-lfs.github.com/spec/v1", "this is a pointer of Git LFS"),
        ("a.jpg", b"<!DOCTYPE html><html>", "this is a web page"),
        ("a.jpg", b"%!PS-Adobe-3.0 EPSF-3.0\n", "this is a PostScript drawing"),
        ("a.jpg", b"\0\0\0\x1cftypisom" + bytes(40), "this is a video, and an image is wanted"),
        ("a.jpg", b"RIFF\0\0\0\0AVI LIST", "this is a video, and an image is wanted"),
        ("a.MOV", b"anything", "this is a video, and an image is wanted"),
        ("a.jpg", b"nothing known", "not an image file that can be read"),
        ("a\x1b[2J.jpg", b"nothing known", r"a\\x1b\[2J.jpg: not an image file"),
    ],
)
def test_other_files_are_named_as_what_they_are(name, data, message):
    with pytest.raises(ValueError, match=message):
        image_files.open_image(data, name)


def test_postscript_is_never_run():
    with pytest.raises(ValueError, match="PostScript"):
        image_files.open_image(encoded("EPS"), "a.png")


def test_too_many_pixels_are_no_damage(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1_000_000)
    data = encoded("PNG", (3000, 2000))
    with pytest.raises(ValueError, match="6 million pixels, more than the 2 million"):
        image_files.open_image(data, "scan.png")


def test_texts():
    assert first_few("abc") == "a, b, c"
    assert first_few(range(7), 2) == "0, 1 and 5 more"
    assert printable("Öl 道路 \n\x9b\udcff") == "Öl 道路 \\n\\x9b\\udcff"
