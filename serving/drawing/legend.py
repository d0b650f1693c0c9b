"""The strip below an overlay that names the classes in it."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from serving.drawing import lettering, visualize

PANEL_COLOR = (255, 255, 255)
NAME_COLOR = (32, 36, 42)
SHARE_COLOR = (118, 124, 134)
_SWATCH_EDGE = (150, 154, 162)
_SWATCH_SUPERSAMPLING = 4
MIN_FONT_SIZE = 13
# Letters are a fiftieth of the image's width …
WIDTH_IN_LETTERS = 50
# … but where that makes a strip of more than half the image's height, they shrink by steps.
_MAX_SHARE_OF_HEIGHT = 0.5
SHRINK_STEP = 0.8


class Measures:
    """Lengths in pixels, for letters of a size."""

    def __init__(self, font_size: int):
        self.margin = font_size
        self.line_height = round(1.75 * font_size)
        self.swatch = round(1.05 * font_size)
        self.gap = round(0.5 * font_size)
        self.spacing = round(1.5 * font_size)


class _Entry(NamedTuple):
    name: lettering.Line
    share: lettering.Line
    color: tuple[int, ...]


def append_legend(
    image: Image.Image,
    shares: Sequence[float] | np.ndarray,
    class_names: Sequence[str],
    palette: visualize.Palette,
) -> Image.Image:
    """Adds a strip below an image that names the classes in it and their share of the pixels.

    Names are written in a font that has their letters, whatever the script; see `lettering`.

    Args:
      image: an RGB image; one narrower than its longest entry is set on a wider panel.
      shares: each class's share of the pixels, 0..1; classes of share 0 do not appear, and the
        largest comes first.
      class_names: name of each class id.
      palette: RGB color of each class id.
    """
    font_size = max(MIN_FONT_SIZE, round(image.width / WIDTH_IN_LETTERS))
    while True:
        measures = Measures(font_size)
        rows, width = _place(
            _entries(font_size, shares, class_names, palette), measures, image.width
        )
        height = len(rows) * measures.line_height + measures.margin
        if font_size == MIN_FONT_SIZE or height <= _MAX_SHARE_OF_HEIGHT * image.height:
            break
        font_size = max(MIN_FONT_SIZE, int(SHRINK_STEP * font_size))

    panel_size = (max(image.width, width), image.height + height)
    panel = Image.new("RGB", panel_size, PANEL_COLOR)
    panel.paste(image, (0, 0))
    draw = ImageDraw.Draw(panel)
    ascent, descent = lettering.default_font(font_size).getmetrics()
    swatch, gap = measures.swatch, measures.gap
    for row, entries in enumerate(rows):
        middle = image.height + measures.margin // 2 + row * measures.line_height
        middle += measures.line_height // 2
        baseline = middle + (ascent - descent) // 2
        for x, entry in entries:
            panel.paste(draw_swatch(swatch, entry.color), (x, middle - swatch // 2))
            x += swatch + gap
            entry.name.draw(draw, x, baseline, NAME_COLOR)
            entry.share.draw(draw, x + entry.name.width + gap, baseline, SHARE_COLOR)
    return panel


def _entries(
    font_size: int,
    shares: Sequence[float] | np.ndarray,
    class_names: Sequence[str],
    palette: visualize.Palette,
) -> list[_Entry]:
    shown = [class_id for class_id in range(len(shares)) if shares[class_id] > 0]
    shown.sort(key=lambda class_id: -shares[class_id])
    lines = {
        class_id: lettering.line(class_names[class_id], font_size, f"class {class_id}")
        for class_id in shown
    }
    # Different names that are spelled otherwise, or cut, may have become the same.
    names: dict[str, set[str]] = {}
    for class_id, line in lines.items():
        names.setdefault(line.text, set()).add(class_names[class_id])
    for class_id, line in lines.items():
        if len(names[line.text]) > 1:
            text = f"class {class_id} {line.text}"
            lines[class_id] = lettering.line(text, font_size, f"class {class_id}")
    return [
        _Entry(
            lines[class_id],
            lettering.line(visualize.format_share(shares[class_id]), font_size, ""),
            tuple(int(value) for value in palette[class_id]),
        )
        for class_id in shown
    ]


def _place(
    entries: Sequence[_Entry], measures: Measures, width: int
) -> tuple[list[list[tuple[int, _Entry]]], int]:
    """Returns the rows, each of (left edge, entry), and the width that they need."""
    rows: list[list[tuple[int, _Entry]]] = [[]]
    x = right = measures.margin
    for entry in entries:
        entry_width = measures.swatch + 2 * measures.gap + entry.name.width + entry.share.width
        if rows[-1] and x + entry_width > width - measures.margin:
            rows.append([])
            x = measures.margin
        rows[-1].append((x, entry))
        right = max(right, x + entry_width)
        x += entry_width + measures.spacing
    return rows, right + measures.margin


def draw_swatch(size: int, color: tuple[int, ...]) -> Image.Image:
    """Returns a rounded square of a color, as wide and high as `size`."""
    large = _SWATCH_SUPERSAMPLING * size
    tile = Image.new("RGB", (large, large), PANEL_COLOR)
    ImageDraw.Draw(tile).rounded_rectangle(
        (0, 0, large - 1, large - 1), large // 4, color, _SWATCH_EDGE
    )
    return tile.resize((size, size), Image.Resampling.LANCZOS)
