"""The strip below the frames of a video that names the classes in them.

It has the same height in every frame, and a class stays in its place where there is one for each:
a legend of an image, sorted by shares, would jump about.
"""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from serving.drawing import lettering, visualize
from serving.drawing.legend import (
    MIN_FONT_SIZE,
    NAME_COLOR,
    PANEL_COLOR,
    SHARE_COLOR,
    SHRINK_STEP,
    WIDTH_IN_LETTERS,
    Measures,
    draw_swatch,
)

# Of the frame's height: what the strip may take, and what one row of it may.
_MAX_SHARE_OF_HEIGHT = 0.25
_MAX_SHARE_OF_ROW = 0.5
_WIDEST_SHARE = "100.0%"


class FrameLegend:
    """Draws the strips of a video.

    Attributes:
      height: of a strip, in pixels; 0 where the frames are too small for a readable one.
      num_places: how many classes a strip shows.
    """

    def __init__(
        self, size: tuple[int, int], class_names: Sequence[str], palette: visualize.Palette
    ):
        """Plans the strips.

        Args:
          size: (height, width) of the frames.
          class_names: name of each class id.
          palette: RGB color of each class id.
        """
        height, self._width = size
        self._font_size = max(MIN_FONT_SIZE, round(self._width / WIDTH_IN_LETTERS))
        while True:
            self._plan(class_names)
            num_wanted = -(-len(class_names) // max(1, self._num_columns))
            strip = self._strip_height(num_wanted)
            fits = self._num_columns and strip <= _MAX_SHARE_OF_HEIGHT * height
            if fits or self._font_size == MIN_FONT_SIZE:
                break
            self._font_size = max(MIN_FONT_SIZE, int(SHRINK_STEP * self._font_size))
        num_rows = num_wanted
        while num_rows > 1 and self._strip_height(num_rows) > _MAX_SHARE_OF_HEIGHT * height:
            num_rows -= 1
        is_readable = (
            self._num_columns and self._strip_height(num_rows) <= _MAX_SHARE_OF_ROW * height
        )
        self.height = self._strip_height(num_rows) if is_readable else 0
        self.num_places = num_rows * self._num_columns if is_readable else 0
        ascent, descent = lettering.default_font(self._font_size).getmetrics()
        self._baseline = (ascent - descent) // 2  # From the middle of a row.
        self._swatches = [
            draw_swatch(self._measures.swatch, tuple(int(value) for value in palette[class_id]))
            for class_id in range(len(class_names))
        ]

    def draw(self, shares: np.ndarray) -> Image.Image:
        """Returns the strip of a frame, RGB, as wide as the frame.

        Args:
          shares: each class's share of the pixels, 0..1; those of share 0 do not appear, and of
            more than there are places for only the largest do.
        """
        panel = Image.new("RGB", (self._width, self.height), PANEL_COLOR)
        draw = ImageDraw.Draw(panel)
        measures = self._measures
        for place, class_id in self._choose(shares):
            row, column = divmod(place, self._num_columns)
            x = measures.margin + column * self._cell_width
            middle = measures.margin // 2 + row * measures.line_height + measures.line_height // 2
            panel.paste(self._swatches[class_id], (x, middle - measures.swatch // 2))
            x += measures.swatch + measures.gap
            name = self._names[class_id]
            name.draw(draw, x, middle + self._baseline, NAME_COLOR)
            share = lettering.line(visualize.format_share(shares[class_id]), self._font_size, "")
            share.draw(draw, x + name.width + measures.gap, middle + self._baseline, SHARE_COLOR)
        return panel

    def _plan(self, class_names: Sequence[str]) -> None:
        """Measures the cells for letters of `_font_size`."""
        self._measures = Measures(self._font_size)
        self._names = [
            lettering.line(name, self._font_size, f"class {class_id}")
            for class_id, name in enumerate(class_names)
        ]
        widest = max(name.width for name in self._names)
        widest += lettering.line(_WIDEST_SHARE, self._font_size, "").width
        widest += self._measures.swatch + 2 * self._measures.gap
        self._cell_width = widest + self._measures.spacing
        free = self._width - 2 * self._measures.margin + self._measures.spacing
        self._num_columns = max(0, free) // self._cell_width

    def _strip_height(self, num_rows: int) -> int:
        return num_rows * self._measures.line_height + self._measures.margin

    def _choose(self, shares: np.ndarray) -> list[tuple[int, int]]:
        """Returns the place and the class id of what a strip shows."""
        present = [class_id for class_id in range(len(self._names)) if shares[class_id] > 0]
        if len(self._names) <= self.num_places:
            return [(class_id, class_id) for class_id in present]
        largest = sorted(present, key=lambda class_id: -shares[class_id])[: self.num_places]
        return list(enumerate(sorted(largest)))
