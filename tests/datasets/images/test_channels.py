"""datasets.images.channels: images keep the channels that they have."""

import numpy as np
import pytest
from PIL import Image

from datasets.images import channels

RGBA = np.random.RandomState(0).randint(0, 256, (3, 5, 4), np.uint8)


@pytest.mark.parametrize(
    ("mode", "num_channels"),
    [("1", 1), ("L", 1), ("RGB", 3), ("P", 3), ("CMYK", 3), ("LA", 4), ("RGBA", 4)],
)
def test_channels_are_those_of_the_image(tmp_path, mode, num_channels):
    image = Image.fromarray(RGBA).convert("RGB" if mode == "P" else "RGBA").convert(mode)
    path = str(tmp_path / ("a.tiff" if mode == "CMYK" else "a.png"))
    image.save(path)
    pixels = channels.read(path)
    assert (pixels.shape, pixels.dtype) == ((3, 5, num_channels), np.uint8)
    expected = image.convert({1: "L", 3: "RGB", 4: "RGBA"}[num_channels])
    np.testing.assert_array_equal(pixels.reshape(np.asarray(expected).shape), expected)


def test_a_palette_may_have_a_transparent_color(tmp_path):
    image = Image.fromarray(RGBA[..., 0] // 64, "L").convert("P")
    image.save(tmp_path / "a.png", transparency=1)
    pixels = channels.read(str(tmp_path / "a.png"))
    assert pixels.shape == (3, 5, 4)
    assert {*np.unique(pixels[..., 3])} == {0, 255}


def test_photos_are_turned_upright(tmp_path):
    exif = Image.Exif()
    exif[274] = 6  # Its left side is the top.
    Image.fromarray(RGBA).save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(channels.read(str(tmp_path / "a.png")), np.rot90(RGBA, -1))


def test_deep_and_damaged_images_are_named(tmp_path):
    Image.fromarray(RGBA[..., 0].astype(np.uint16) * 257).save(tmp_path / "deep.png")
    with pytest.raises(ValueError, match=r"deep\.png: 16 bits per channel \(mode I;16\)"):
        channels.read(str(tmp_path / "deep.png"))
    (tmp_path / "b.jpg").write_bytes(b"\xff\xd8\xff\xe0 no image")
    with pytest.raises(ValueError, match=r"b\.jpg"):
        channels.read(str(tmp_path / "b.jpg"))
