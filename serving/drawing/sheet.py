"""Draws contact sheets: images in a grid, each with lines of text below or above it."""

import dataclasses
from collections.abc import Sequence

from PIL import Image, ImageDraw

from serving.drawing import lettering

_BACKGROUND = (255, 255, 255)
_FRAME_COLOR = (226, 229, 233)
_FONT_SIZE = 14
_LINE_HEIGHT = 19
_GAP = 12
_DEFAULT_SIDE = 160

PLAIN = (32, 36, 42)
GOOD = (27, 120, 55)
BAD = (178, 24, 43)


@dataclasses.dataclass(frozen=True)
class Entry:
    """An image of a sheet.

    Attributes:
      image: of any size and mode RGB.
      lines: what stands below it, each with its color.
    """

    image: Image.Image
    lines: Sequence[tuple[str, tuple[int, int, int]]]


def draw(entries: Sequence[Entry], columns: int, side: int = _DEFAULT_SIDE) -> Image.Image:
    """Draws a sheet.

    Args:
      entries: the images, row by row.
      columns: images in a row.
      side: height and width of the square that an image is fitted into, in pixels.

    Returns:
      An RGB image.
    """
    num_lines = max((len(entry.lines) for entry in entries), default=0)
    height = side + num_lines * _LINE_HEIGHT
    columns = max(1, min(columns, len(entries)))
    rows = -(-len(entries) // columns)
    size = (_GAP + columns * (side + _GAP), _GAP + rows * (height + _GAP))
    sheet = Image.new("RGB", size, _BACKGROUND)
    canvas = ImageDraw.Draw(sheet)
    for index, entry in enumerate(entries):
        row, column = divmod(index, columns)
        x, y = _GAP + column * (side + _GAP), _GAP + row * (height + _GAP)
        canvas.rectangle((x, y, x + side - 1, y + side - 1), _BACKGROUND, _FRAME_COLOR)
        shown = _fit(entry.image, side)
        sheet.paste(shown, (x + (side - shown.width) // 2, y + (side - shown.height) // 2))
        for number, (text, color) in enumerate(entry.lines, start=1):
            baseline = y + side + number * _LINE_HEIGHT - 4
            _fitting_line(text, side).draw(canvas, x, baseline, color)
    return sheet


def arrange(images: Sequence[Image.Image], columns: int) -> Image.Image:
    """Puts RGB images of any sizes beside and below each other, row by row; returns an RGB image.

    A row is as high as its highest image, a column as wide as its widest.
    """
    columns = max(1, min(columns, len(images)))
    rows = [images[start : start + columns] for start in range(0, len(images), columns)]
    widths = [max(image.width for image in images[index::columns]) for index in range(columns)]
    heights = [max(image.height for image in row) for row in rows]
    size = (_GAP + sum(_GAP + each for each in widths), _GAP + sum(_GAP + each for each in heights))
    sheet = Image.new("RGB", size, _BACKGROUND)
    y = _GAP
    for row, height in zip(rows, heights, strict=True):
        x = _GAP
        for image, width in zip(row, widths, strict=False):
            sheet.paste(image, (x, y))
            x += width + _GAP
        y += height + _GAP
    return sheet


def with_title(image: Image.Image, text: str) -> Image.Image:
    """Returns an image with a line of text above it."""
    titled = Image.new("RGB", (image.width, image.height + _LINE_HEIGHT), _BACKGROUND)
    titled.paste(image, (0, _LINE_HEIGHT))
    _fitting_line(text, image.width).draw(ImageDraw.Draw(titled), 0, _LINE_HEIGHT - 6, PLAIN)
    return titled


def _fit(image: Image.Image, side: int) -> Image.Image:
    scale = side / max(image.size)
    width, height = (max(1, round(scale * length)) for length in image.size)
    filter = Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.BICUBIC
    return image.resize((width, height), filter)


def _fitting_line(text: str, width: int) -> lettering.Line:
    """Returns a text in letters so small that it is not wider than that."""
    size = _FONT_SIZE
    line = lettering.line(text, size, "")
    while line.width > width and size > _FONT_SIZE // 2:
        size -= 1
        line = lettering.line(text, size, "")
    return line
