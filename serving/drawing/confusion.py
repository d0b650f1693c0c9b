"""Draws a confusion matrix: a row for each label, a column for each predicted class."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from serving.drawing import lettering

_BACKGROUND = (255, 255, 255)
_TEXT_COLOR = (32, 36, 42)
_TITLE_COLOR = (118, 124, 134)
_LINE_COLOR = (226, 229, 233)
# A cell holds its share of the row: right answers in blue, wrong ones in red.
_RIGHT_COLOR = (33, 102, 172)
_WRONG_COLOR = (178, 24, 43)
_FONT_SIZE = 15
_CELL = 44
_MARGIN = 18
# Up to so many classes are named and their cells numbered; more are a picture only.
_MOST_NAMED = 40
_SMALL_CELL = 4
_MOST_SMALL_CELLS = 1000
# Numbers are white on cells that are darker than that.
_DARK = 0.55


def draw(confusion: np.ndarray, class_names: Sequence[str]) -> Image.Image:
    """Draws a confusion matrix.

    Args:
      confusion: integers [classes, classes], examples by label (row) and predicted class.
      class_names: name of each class.

    Returns:
      An RGB image.
    """
    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    if len(class_names) > _MOST_NAMED:
        return _draw_small(shares)
    names = [
        lettering.line(name, _FONT_SIZE, f"class {index}") for index, name in enumerate(class_names)
    ]
    longest = max(name.width for name in names)
    left, top = 2 * _MARGIN + longest + 2 * _FONT_SIZE, 2 * _MARGIN + longest + 2 * _FONT_SIZE
    side = _CELL * len(names)
    image = Image.new("RGB", (left + side + _MARGIN, top + side + _MARGIN), _BACKGROUND)
    canvas = ImageDraw.Draw(image)
    _write(canvas, "predicted", left, _MARGIN + _FONT_SIZE, _TITLE_COLOR)
    _paste_upright(image, "label", _MARGIN, top, _TITLE_COLOR)
    for index, name in enumerate(names):
        offset = _CELL * index
        baseline = top + offset + (_CELL + _FONT_SIZE) // 2 - 2
        name.draw(canvas, left - _FONT_SIZE // 2 - name.width, baseline, _TEXT_COLOR)
        x = left + offset + (_CELL - _FONT_SIZE) // 2 - 2
        _paste_upright(image, class_names[index], x, top - _FONT_SIZE // 2, _TEXT_COLOR, index)
    for row, column in np.ndindex(confusion.shape):
        x, y = left + _CELL * column, top + _CELL * row
        share, is_right = shares[row, column], row == column
        color = _blend(_RIGHT_COLOR if is_right else _WRONG_COLOR, share)
        canvas.rectangle((x, y, x + _CELL, y + _CELL), color, _LINE_COLOR)
        if confusion[row, column]:
            number = lettering.line(str(confusion[row, column]), _FONT_SIZE - 2, "")
            number.draw(
                canvas,
                x + (_CELL - number.width) // 2,
                y + (_CELL + _FONT_SIZE) // 2 - 3,
                _BACKGROUND if share > _DARK else _TEXT_COLOR,
            )
    return image


def _draw_small(shares: np.ndarray) -> Image.Image:
    """Draws cells of a few pixels, without names."""
    right = np.eye(len(shares), dtype=bool)[..., np.newaxis]
    full = np.where(right, np.array(_RIGHT_COLOR), np.array(_WRONG_COLOR))
    colors = 255 + shares[..., np.newaxis] * (full - 255)
    cell = max(1, min(_SMALL_CELL, _MOST_SMALL_CELLS * _SMALL_CELL // (4 * len(shares))))
    return Image.fromarray(colors.round().astype(np.uint8).repeat(cell, 0).repeat(cell, 1))


def _blend(color: tuple[int, int, int], share: float) -> tuple[int, ...]:
    return tuple(round(255 + share * (value - 255)) for value in color)


def _write(
    canvas: ImageDraw.ImageDraw, text: str, x: int, baseline: int, color: tuple[int, ...]
) -> None:
    lettering.line(text, _FONT_SIZE, "").draw(canvas, x, baseline, color)


def _paste_upright(
    image: Image.Image, text: str, x: int, bottom: int, color: tuple[int, ...], index: int = 0
) -> None:
    """Writes a text from below to above that begins at a point."""
    line = lettering.line(text, _FONT_SIZE, f"class {index}")
    tile = Image.new("L", (line.width + 2, 2 * _FONT_SIZE), 0)
    line.draw(ImageDraw.Draw(tile), 0, round(1.4 * _FONT_SIZE), (255,))
    turned = tile.rotate(90, expand=True)
    image.paste(Image.new("RGB", turned.size, color), (x, bottom - turned.height), turned)
