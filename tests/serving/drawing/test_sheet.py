"""sheet: where images of a contact sheet stand."""

import numpy as np
from PIL import Image

from serving.drawing import sheet


def test_rows_and_columns_are_as_large_as_their_largest_image():
    sizes = [(10, 30), (20, 5), (15, 8), (40, 9), (5, 5)]
    images = [Image.new("RGB", size, (index, 0, 0)) for index, size in enumerate(sizes)]
    pixels = np.asarray(sheet.arrange(images, 2))
    gap = 12
    assert pixels.shape == (gap + 30 + gap + 9 + gap + 5 + gap, gap + 15 + gap + 40 + gap, 3)
    corners = [(gap, gap), (gap, 39), (54, gap), (54, 39), (75, gap)]
    for index, ((y, x), (width, height)) in enumerate(zip(corners, sizes, strict=True)):
        assert (pixels[y : y + height, x : x + width] == (index, 0, 0)).all()
        assert (pixels[y - 1, x] == 255).all()
        assert (pixels[y, x - 1] == 255).all()
    assert (pixels[75:80, 39:] == 255).all()


def test_a_title_stands_above_its_image():
    image = Image.new("RGB", (100, 20), (0, 0, 255))
    titled = np.asarray(sheet.with_title(image, "name"))
    assert (titled[-20:] == (0, 0, 255)).all()
    above = titled[:-20]
    assert 0 < len(above) < 30
    assert (above == sheet.PLAIN).all(axis=2).any()
    assert not (above == (0, 0, 255)).all(axis=2).any()
