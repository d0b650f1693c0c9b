"""datasets.images.jpeg_damage: damaged JPEGs are named, sound ones of every kind are not."""

import io
import os
import sys

import cv2
import numpy as np
import pytest
from PIL import Image

from datasets.images import jpeg_damage, jpeg_file
from tests.support.sample_images import smooth_rgb

PIXELS = np.random.default_rng(0).integers(0, 256, (160, 200, 3), np.uint8)
PIXELS = cv2.GaussianBlur(PIXELS, (0, 0), 1)


def encode(mode: str = "RGB", **options) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(PIXELS).convert(mode).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def with_restart_markers() -> bytes:
    return cv2.imencode(".jpg", PIXELS, [cv2.IMWRITE_JPEG_RST_INTERVAL, 4])[1].tobytes()


KINDS = {
    "baseline": encode(),
    "optimized": encode(optimize=True, quality=95),
    "full color": encode(subsampling=0),
    "progressive": encode(progressive=True),
    "gray": encode("L"),
    "CMYK": encode("CMYK"),
    "restart markers": with_restart_markers(),
}


def zeroed(data: bytes) -> bytes:
    at = len(data) // 2
    return data[:at] + bytes(2000) + data[at + 2000 :]


def with_hole(data: bytes) -> bytes:
    at = len(data) // 2
    return data[:at] + data[at + 2000 :]


def cut_and_closed(data: bytes) -> bytes:
    return data[: len(data) // 2] + b"\xff\xd9"


# No fixture listens: pytest redirects standard error anew between a fixture and its test.


@pytest.mark.parametrize("data", KINDS.values(), ids=KINDS.keys())
def test_sound_files(data):
    with jpeg_damage.listening() as listener:
        assert listener.accepts(data, is_jpeg=True) == (True, False)
        assert listener.accepts(data + bytes(100), is_jpeg=True) == (True, False)
        assert listener.describe_damage(data) is None


@pytest.mark.parametrize("damage", [zeroed, with_hole, cut_and_closed])
@pytest.mark.parametrize("data", KINDS.values(), ids=KINDS.keys())
def test_damaged_files_with_their_end_in_place(data, damage):
    damaged = damage(data)
    Image.open(io.BytesIO(damaged)).load()  # Pillow says nothing.
    if damage is zeroed and jpeg_file.find_zeros(damaged) == 2000:
        return  # It may decode to an end that fits.
    with jpeg_damage.listening() as listener:
        assert listener.accepts(damaged, is_jpeg=True) == (True, True)
        assert listener.describe_damage(damaged).startswith("Corrupt JPEG data")


@pytest.mark.parametrize("kind", ["baseline", "optimized", "full color", "CMYK", "restart markers"])
def test_zeros_of_a_disk_sector(kind):
    data = KINDS[kind]
    assert jpeg_file.find_zeros(data) is None
    at = len(data) // 2
    zeroed = data[:at] + b"\x55" + bytes(512) + b"\x55" + data[at + 514 :]
    assert jpeg_file.find_zeros(zeroed) == 512


@pytest.mark.parametrize("options", [{}, {"optimize": True}, {"progressive": True}])
def test_zeros_of_flat_images_and_of_other_parts_of_a_file(options):
    buffer = io.BytesIO()
    Image.new("RGB", (600, 400), (9, 9, 9)).save(buffer, "JPEG", comment=bytes(600), **options)
    assert bytes(600) in buffer.getvalue()
    assert jpeg_file.find_zeros(buffer.getvalue()) is None


def test_what_training_refuses():
    data = KINDS["baseline"]
    buffer = io.BytesIO()
    Image.fromarray(smooth_rgb()).save(buffer, "PNG")
    png = buffer.getvalue()
    twice = png[:33] + png[8:]  # Two headers, which Pillow takes.
    Image.open(io.BytesIO(twice)).load()
    with jpeg_damage.listening() as listener:
        assert listener.accepts(data[: len(data) // 2], is_jpeg=True)[0] is False
        assert listener.accepts(png, is_jpeg=False) == (True, False)
        assert listener.accepts(twice, is_jpeg=False) == (False, False)


def test_other_lines_on_standard_error_are_shown(capfd):
    with jpeg_damage.listening() as listener:
        os.write(2, b"a library speaks\n")
        print("Python speaks", file=sys.stderr, flush=True)
        listener.describe_damage(cut_and_closed(KINDS["baseline"]))
    os.write(2, b"afterwards\n")
    shown = capfd.readouterr().err
    assert "a library speaks\n" in shown
    assert "Python speaks\n" in shown
    assert "afterwards\n" in shown
    assert "Corrupt JPEG" not in shown
