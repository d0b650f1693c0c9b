"""Class ids as images: palette masks, overlays with outlines, and legends.

Needs NumPy and Pillow only, so that serving, training and datasets share one look.
Arrays are [height, width]; colors are RGB, 0..255.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image, ImageFilter

from serving.drawing.legend import append_legend as append_legend
from serving.drawing.legend import format_share as format_share

Palette = Sequence[Sequence[int]] | np.ndarray

MAX_COLORS = 256
# Color of ids that no class has, the ignore label among them: PASCAL VOC's own for "void".
VOID_COLOR = (224, 224, 192)
# Names under which datasets list "none of the classes": overlays leave such pixels as they are.
BACKGROUND_NAMES = frozenset({"background", "_background_", "__background__", "bg"})

# Outlines are one pixel soft up to this height or width, and grow in proportion above.
_OUTLINE_REFERENCE_SIZE = 480
# Radius of their blur, over their thickness.
_BLUR = 0.6
# Huge images are painted in bands of rows of about so many pixels: less memory, the same result.
_BAND_PIXELS = 1 << 21


def pascal_colormap(num_colors: int = MAX_COLORS) -> np.ndarray:
    """Returns the colors of PASCAL VOC, which tell neighbouring ids well apart.

    The bits of an id are dealt out in turn to red, green and blue, most significant bit first.

    Args:
      num_colors: how many ids to color, 1..256.

    Returns:
      uint8 [num_colors, 3].
    """
    if not 1 <= num_colors <= MAX_COLORS:
        raise ValueError(f"num_colors is {num_colors}; expected 1 to {MAX_COLORS}.")
    ids = np.arange(num_colors)
    colormap = np.zeros((num_colors, 3), np.uint8)
    for bit in range(8):
        for channel in range(3):
            colormap[:, channel] |= (((ids >> (3 * bit + channel)) & 1) << (7 - bit)).astype(
                np.uint8
            )
    return colormap


def color_table(palette: Palette) -> np.ndarray:
    """Returns a color for each of the 256 ids of an 8-bit mask.

    Args:
      palette: RGB color of each class id, at most 256.

    Returns:
      uint8 [256, 3]: the palette, then `VOID_COLOR`.

    Raises:
      ValueError: the palette is no list of at most 256 RGB colors.
    """
    colors = np.asarray(palette)
    if colors.ndim != 2 or colors.shape[1] != 3 or not 1 <= len(colors) <= MAX_COLORS:
        raise ValueError(
            f"a palette has shape {colors.shape}; expected [classes, 3] with 1 to {MAX_COLORS} "
            "classes."
        )
    if colors.min() < 0 or colors.max() > 255:
        raise ValueError(
            f"palette values run from {colors.min()} to {colors.max()}; expected 0 to 255."
        )
    table = np.empty((MAX_COLORS, 3), np.uint8)
    table[:] = VOID_COLOR
    table[: len(colors)] = colors
    return table


def colorize(ids: np.ndarray, palette: Palette) -> np.ndarray:
    """Returns a mask in its class colors.

    Args:
      ids: integers [..., height, width], 0..255.
      palette: RGB color of each class id; other ids are drawn in `VOID_COLOR`.

    Returns:
      uint8 [..., height, width, 3].
    """
    return color_table(palette)[_as_uint8(ids)]


def mask_image(ids: np.ndarray, palette: Palette) -> Image.Image:
    """Returns a palette image whose indices are the class ids.

    Annotation tools and `sources/folder.py` read such a PNG back as ids, and viewers show
    its colors instead of near-black.

    Args:
      ids: integers [height, width], 0..255.
      palette: RGB color of each class id.

    Returns:
      A Pillow image of mode "P".
    """
    image = Image.fromarray(_as_uint8(ids))
    image.putpalette(color_table(palette).tobytes())
    return image


def class_shares(ids: np.ndarray, num_classes: int) -> np.ndarray:
    """Returns each class's share of the pixels that carry a class.

    Args:
      ids: integers [height, width]; ids from `num_classes` on (the ignore label) do not count.
      num_classes: number of classes.

    Returns:
      float64 [num_classes], 0..1, of sum 1 (or all 0 where no pixel carries a class).
    """
    ids = _as_uint8(ids)
    counts = np.zeros(MAX_COLORS, np.int64)
    for top, bottom in _bands(ids.shape):  # bincount makes 64-bit integers of what it counts.
        counts += np.bincount(ids[top:bottom].ravel(), minlength=MAX_COLORS)
    counts = counts[:num_classes]
    return counts / max(1, counts.sum())


def is_background(name: str, color: Sequence[int]) -> bool:
    """Returns whether a class means "none of the others": by its name, or as it is drawn black."""
    return name.lower() in BACKGROUND_NAMES or tuple(int(value) for value in color) == (0, 0, 0)


def overlay(
    image: np.ndarray,
    ids: np.ndarray,
    palette: Palette,
    class_names: Sequence[str] = (),
    opacity: float = 0.5,
    outlines: bool = True,
) -> np.ndarray:
    """Paints a mask over its image.

    Background keeps the image's own colors, so that objects stand out. White outlines separate
    regions whose colors look alike on top of the image.

    Args:
      image: uint8 [height, width, 3].
      ids: integers [height, width], 0..255.
      palette: RGB color of each class id.
      class_names: name of each class id, to know the background by.
      opacity: 0 shows the image only, 1 the mask only.
      outlines: whether to draw the borders of regions.

    Returns:
      uint8 [height, width, 3].
    """
    painted = Image.fromarray(image)
    paint_overlay(painted, ids, palette, class_names, opacity, outlines)
    return np.array(painted)


def paint_overlay(
    image: Image.Image,
    ids: np.ndarray,
    palette: Palette,
    class_names: Sequence[str] = (),
    opacity: float = 0.5,
    outlines: bool = True,
) -> None:
    """Paints a mask over its image, in place: no copy of a huge image is made.

    Args:
      image: an RGB image, which becomes the overlay.
      ids: see `overlay`, as all that follow.
      palette: …
      class_names: …
      opacity: …
      outlines: …
    """
    if (image.height, image.width) != ids.shape:
        raise ValueError(
            f"the image is {image.height}x{image.width} (height x width) and its mask "
            f"{ids.shape[0]}x{ids.shape[1]}; they have to be equal."
        )
    if not 0 <= opacity <= 1:
        raise ValueError(f"opacity is {opacity}; expected 0 to 1.")
    ids = _as_uint8(ids)
    opacities = np.full(MAX_COLORS, round(255 * opacity), np.uint8)
    for class_id, color in enumerate(palette):
        name = class_names[class_id] if class_id < len(class_names) else ""
        if is_background(name, color):
            opacities[class_id] = 0
    colors = color_table(palette)
    for top, bottom in _bands(ids.shape, 2 * _halo(ids.shape)):
        band = ids[top:bottom]
        painted = Image.composite(
            Image.fromarray(colors[band]),
            image.crop((0, top, image.width, bottom)),
            Image.fromarray(opacities[band]),
        )
        if outlines:
            painted.paste((255, 255, 255), mask=_outlines(ids, top, bottom))
        image.paste(painted, (0, top))


def _bands(shape: tuple[int, int], min_rows: int = 1) -> Iterator[tuple[int, int]]:
    """Yields first row and end of the bands of rows that large arrays are worked through in."""
    height, width = shape
    num_rows = max(min_rows, _BAND_PIXELS // max(1, width))
    for top in range(0, height, num_rows):
        yield top, min(top + num_rows, height)


def _outlines(ids: np.ndarray, top: int, bottom: int) -> Image.Image:
    """Returns the opacity of soft lines along the borders between ids, 0..255, of a band of rows.

    The lines widen with the image, so that they show equally well when it is scaled to a screen.

    Args:
      ids: uint8 [height, width] of the whole image.
      top: first row of the band.
      bottom: the row after its last one.
    """
    thickness, halo = _thickness(ids.shape), _halo(ids.shape)
    first, last = max(0, top - halo), min(len(ids), bottom + halo)
    ids = ids[first:last]
    border = np.zeros(ids.shape, bool)
    border[:, 1:] |= ids[:, 1:] != ids[:, :-1]
    border[1:] |= ids[1:] != ids[:-1]
    lines = Image.fromarray(border.view(np.uint8) * np.uint8(255))
    lines = lines.filter(ImageFilter.GaussianBlur(_BLUR * thickness))
    lines = lines.crop((0, top - first, lines.width, bottom - first))
    # The blur spreads a line one pixel wide; the gain brings its middle back to full opacity.
    gain = 1.6 * thickness
    return lines.point([min(255, round(gain * level)) for level in range(256)])


def _thickness(shape: tuple[int, int]) -> float:
    return max(1.0, min(shape) / _OUTLINE_REFERENCE_SIZE)


def _halo(shape: tuple[int, int]) -> int:
    """Returns how many rows the blur carries the lines of a neighboring band over, at most."""
    return int(5 * _BLUR * _thickness(shape)) + 6


def _as_uint8(ids: np.ndarray) -> np.ndarray:
    ids = np.asarray(ids)
    if ids.dtype == np.uint8:
        return ids
    if ids.size and (ids.min() < 0 or ids.max() >= MAX_COLORS):
        raise ValueError(
            f"class ids run from {ids.min()} to {ids.max()}; an 8-bit mask holds 0 to 255."
        )
    return ids.astype(np.uint8)
