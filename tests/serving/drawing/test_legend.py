"""Legends, by the value of their pixels and by their size."""

import numpy as np
from PIL import Image

from serving.drawing import legend, lettering

PALETTE = ((0, 0, 0), (200, 10, 20), (30, 220, 40))
NAMES = ("background", "cat", "dog")


def test_legend_stands_below_the_image_largest_class_first():
    image = Image.new("RGB", (400, 300), (1, 2, 3))
    panel = legend.append_legend(image, [0.0, 0.2, 0.8], NAMES, PALETTE)
    pixels = np.asarray(panel)
    assert panel.width == 400
    assert np.all(pixels[:300] == (1, 2, 3))
    strip = pixels[300:].astype(int)
    columns = [
        np.nonzero(np.all(abs(strip - color) <= 2, axis=2).any(axis=0))[0] for color in PALETTE
    ]
    assert columns[0].size == 0  # no background in the image, so none in the legend
    assert columns[2].max() < columns[1].min()


def test_legend_wraps_and_widens():
    narrow = Image.new("RGB", (20, 30), (9, 9, 9))
    one_row = legend.append_legend(narrow, [0.5], ["a"], PALETTE)
    two_rows = legend.append_legend(narrow, [0.5, 0.5], ["a", "a"], PALETTE)
    assert one_row.width == two_rows.width > 20
    assert two_rows.height > one_row.height > 30


def test_names_that_become_the_same_are_told_apart(monkeypatch):
    monkeypatch.setattr(lettering, "_opencv_has", lambda char: False)
    monkeypatch.setattr(lettering, "_find_system_font", lambda text: None)
    names = ["Masse", "Maße", "road", "x" * 50 + "a", "x" * 50 + "b"]
    entries = legend._entries(16, [0.2] * 5, names, [(0, 0, 0)] * 5)
    texts = [entry.name.text for entry in entries]
    assert texts[:3] == ["class 0 Masse", "class 1 Masse", "road"]
    assert len(set(texts)) == 5


def test_long_names_and_many_classes_leave_the_panel_of_bounded_size():
    panel = legend.append_legend(Image.new("RGB", (40, 30)), [1.0], ["x" * 100_000], [(9, 9, 9)])
    assert panel.width < 500
    names = [f"a rather long name {class_id}" for class_id in range(256)]
    panel = legend.append_legend(
        Image.new("RGB", (2000, 400)), [1 / 256] * 256, names, [(9, 9, 9)] * 256
    )
    assert panel.height <= 400 + 256 * 24
    wide = legend.append_legend(Image.new("RGB", (20_000, 1)), [1.0], ["x"], [(9, 9, 9)])
    assert wide.height < 50
