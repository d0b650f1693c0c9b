"""The strip below an overlay that names the classes in it."""

import collections
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from serving.drawing import lettering

_PANEL_COLOR = (255, 255, 255)
_NAME_COLOR = (32, 36, 42)
_SHARE_COLOR = (118, 124, 134)
_SWATCH_EDGE = (150, 154, 162)
_SWATCH_SUPERSAMPLING = 4
_MIN_FONT_SIZE = 13
# Letters are a fiftieth of the image's width …
_WIDTH_IN_LETTERS = 50
# … but where that makes a strip of more than half its height, they shrink by steps.
_MAX_SHARE_OF_HEIGHT = 0.5
_SHRINK_STEP = 0.8


class _Entry(NamedTuple):
    name: lettering.Line
    share: lettering.Line
    color: tuple[int, ...]


class _Layout(NamedTuple):
    """Where the entries stand.

    Attributes:
      font_size: of the letters.
      rows: (left edge, entry) of each entry of each row.
      width: of the widest row, margins included.
      height: of the strip.
    """

    font_size: int
    rows: list[list[tuple[int, _Entry]]]
    width: int
    height: int


def append_legend(
    image: Image.Image,
    shares: Sequence[float],
    class_names: Sequence[str],
    palette: Sequence[Sequence[int]] | np.ndarray,
) -> Image.Image:
    """Adds a strip below an image that names the classes in it and their share of the pixels.

    Names are written in a font that has their letters, whatever the script; see `lettering`.

    Args:
      image: an RGB image; one narrower than its longest entry is set on a wider panel.
      shares: share of the pixels, 0..1, of each class id; classes of share 0 are left out.
      class_names: name of each class id.
      palette: RGB color of each class id.

    Returns:
      An RGB image, the largest class first in the strip.
    """
    layout = _lay_out(image.size, shares, class_names, palette)
    panel_size = (max(image.width, layout.width), image.height + layout.height)
    panel = Image.new("RGB", panel_size, _PANEL_COLOR)
    panel.paste(image, (0, 0))
    draw = ImageDraw.Draw(panel)
    margin, line_height, swatch, gap, _ = _measures(layout.font_size)
    ascent, descent = ImageFont.load_default(layout.font_size).getmetrics()
    for row, entries in enumerate(layout.rows):
        middle = image.height + margin // 2 + row * line_height + line_height // 2
        baseline = middle + (ascent - descent) // 2
        for x, entry in entries:
            _paste_swatch(panel, (x, middle - swatch // 2), swatch, entry.color)
            x += swatch + gap
            entry.name.draw(draw, x, baseline, _NAME_COLOR)
            entry.share.draw(draw, x + entry.name.width + gap, baseline, _SHARE_COLOR)
    return panel


def format_share(share: float) -> str:
    """Returns a share as people read it: "23.1%", and "<0.1%" where it would round to nothing."""
    return "<0.1%" if 0 < share < 0.0005 else f"{100 * share:.1f}%"


def _lay_out(
    size: tuple[int, int],
    shares: Sequence[float],
    class_names: Sequence[str],
    palette: Sequence[Sequence[int]] | np.ndarray,
) -> _Layout:
    """Chooses the size of the letters and places the entries.

    Args:
      size: (width, height) of the image.
      shares: share of the pixels of each class id.
      class_names: name of each class id.
      palette: RGB color of each class id.
    """
    width, height = size
    font_size = max(_MIN_FONT_SIZE, round(width / _WIDTH_IN_LETTERS))
    while True:
        entries = _entries(font_size, shares, class_names, palette)
        layout = _place(entries, font_size, width)
        if font_size == _MIN_FONT_SIZE or layout.height <= _MAX_SHARE_OF_HEIGHT * height:
            return layout
        font_size = max(_MIN_FONT_SIZE, int(_SHRINK_STEP * font_size))


def _entries(
    font_size: int,
    shares: Sequence[float],
    class_names: Sequence[str],
    palette: Sequence[Sequence[int]] | np.ndarray,
) -> list[_Entry]:
    shown = [class_id for class_id in range(len(shares)) if shares[class_id] > 0]
    shown.sort(key=lambda class_id: -shares[class_id])
    lines = {
        class_id: lettering.line(class_names[class_id], font_size, f"class {class_id}")
        for class_id in shown
    }
    # Names that are spelled otherwise, or cut, may have become the same.
    names = collections.defaultdict(set)
    for class_id, line in lines.items():
        names[line.text].add(class_names[class_id])
    for class_id, line in lines.items():
        if len(names[line.text]) > 1:
            text = f"class {class_id} {line.text}"
            lines[class_id] = lettering.line(text, font_size, f"class {class_id}")
    return [
        _Entry(
            lines[class_id],
            lettering.line(format_share(shares[class_id]), font_size, ""),
            tuple(int(value) for value in palette[class_id]),
        )
        for class_id in shown
    ]


def _place(entries: Sequence[_Entry], font_size: int, width: int) -> _Layout:
    margin, line_height, swatch, gap, spacing = _measures(font_size)
    rows: list[list[tuple[int, _Entry]]] = [[]]
    x = right = margin
    for entry in entries:
        entry_width = swatch + 2 * gap + entry.name.width + entry.share.width
        if rows[-1] and x + entry_width > width - margin:
            rows.append([])
            x = margin
        rows[-1].append((x, entry))
        right = max(right, x + entry_width)
        x += entry_width + spacing
    return _Layout(font_size, rows, right + margin, len(rows) * line_height + margin)


def _measures(font_size: int) -> tuple[int, int, int, int, int]:
    """Returns margin, height of a line, swatch, gap and spacing, in pixels."""
    return (
        font_size,
        round(1.75 * font_size),
        round(1.05 * font_size),
        round(0.5 * font_size),
        round(1.5 * font_size),
    )


def _paste_swatch(panel: Image.Image, corner: tuple[int, int], size: int, color: tuple) -> None:
    large = _SWATCH_SUPERSAMPLING * size
    tile = Image.new("RGB", (large, large), _PANEL_COLOR)
    ImageDraw.Draw(tile).rounded_rectangle(
        (0, 0, large - 1, large - 1), large // 4, color, _SWATCH_EDGE
    )
    panel.paste(tile.resize((size, size), Image.Resampling.LANCZOS), corner)
