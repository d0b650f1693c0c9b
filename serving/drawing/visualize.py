"""Class ids as images: palette masks and overlays with outlines.

Needs NumPy and Pillow only, so that serving and training share one look. Arrays are
[height, width]; colors are RGB, 0..255.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image, ImageFilter

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
# Huge images are painted in bands of rows of about this many pixels: less memory, same result.
_BAND_PIXELS = 1 << 21


def color_table(palette: Palette) -> np.ndarray:
    """Returns a color for each id of an 8-bit mask, uint8 [256, 3]: the palette, then `VOID_COLOR`.

    Raises:
      ValueError: the palette is not a list of 1 to 256 RGB colors.
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
    table = np.full((MAX_COLORS, 3), VOID_COLOR, np.uint8)
    table[: len(colors)] = colors
    return table


def mask_image(class_ids: np.ndarray, palette: Palette) -> Image.Image:
    """Returns an image of mode "P" whose indices are the class ids, 0..255.

    Annotation tools and our own conversion of folders read such a PNG back as class ids, and
    viewers show its colors instead of near-black; ids beyond the palette are `VOID_COLOR`.
    """
    image = Image.fromarray(_as_uint8(class_ids))
    image.putpalette(color_table(palette).tobytes())
    return image


def class_shares(class_ids: np.ndarray, num_classes: int) -> np.ndarray:
    """Returns each class's share of the pixels that have a class, float64 [num_classes].

    Ids from `num_classes` on (the ignore label) do not count. The sum is 1, or 0 if no pixel has
    a class.
    """
    counts = np.array(Image.fromarray(_as_uint8(class_ids)).histogram()[:num_classes])
    return counts / max(1, counts.sum())


def format_share(share: float) -> str:
    """Returns a share for people: "23.1%", and "<0.1%" where it would round to nothing."""
    return "<0.1%" if 0 < share < 0.0005 else f"{100 * share:.1f}%"


def paint_overlay(
    image: Image.Image,
    class_ids: np.ndarray,
    palette: Palette,
    class_names: Sequence[str] = (),
    opacity: float = 0.5,
    outlines: bool = True,
) -> None:
    """Paints a mask over its image, in place: huge images are not copied.

    Background keeps the image's own colors, so that objects stand out. White outlines separate
    regions whose colors look alike on top of the image.

    Args:
      image: an RGB image, which becomes the overlay.
      class_ids: integers [height, width], 0..255.
      palette: RGB color of each class id; a black one marks the background.
      class_names: name of each class id; one of `BACKGROUND_NAMES` marks the background, too.
      opacity: 0 shows the image only, 1 the mask only.
      outlines: whether to draw the borders of regions.
    """
    if (image.height, image.width) != class_ids.shape:
        raise ValueError(
            f"the image is {image.height}x{image.width} (height x width) and its mask "
            f"{class_ids.shape[0]}x{class_ids.shape[1]}; they have to be equal."
        )
    if not 0 <= opacity <= 1:
        raise ValueError(f"opacity is {opacity}; expected 0 to 1.")
    class_ids = _as_uint8(class_ids)
    colors = color_table(palette)
    opacities = np.full(MAX_COLORS, round(255 * opacity), np.uint8)
    for class_id in range(len(palette)):
        name = class_names[class_id] if class_id < len(class_names) else ""
        if name.lower() in BACKGROUND_NAMES or not colors[class_id].any():
            opacities[class_id] = 0
    thickness = max(1.0, min(class_ids.shape) / _OUTLINE_REFERENCE_SIZE)
    for top, bottom in _bands(class_ids.shape, 2 * _halo(thickness)):
        band = class_ids[top:bottom]
        painted = Image.composite(
            Image.fromarray(colors[band]),
            image.crop((0, top, image.width, bottom)),
            Image.fromarray(opacities[band]),
        )
        if outlines:
            painted.paste((255, 255, 255), mask=_outlines(class_ids, top, bottom, thickness))
        image.paste(painted, (0, top))


def _bands(shape: tuple[int, ...], min_rows: int) -> Iterator[tuple[int, int]]:
    """Yields the first row and the end of each band of rows."""
    height, width = shape
    num_rows = max(min_rows, _BAND_PIXELS // max(1, width))
    for top in range(0, height, num_rows):
        yield top, min(top + num_rows, height)


def _outlines(class_ids: np.ndarray, top: int, bottom: int, thickness: float) -> Image.Image:
    """Returns the opacity, 0..255, of soft lines between the ids of rows `top` to `bottom` - 1.

    Args:
      class_ids: uint8 [height, width] of the whole image.
      thickness: of the lines, in pixels; it grows with the image, so that they show equally well
        when it is scaled to a screen.
    """
    first = max(0, top - _halo(thickness))
    class_ids = class_ids[first : bottom + _halo(thickness)]
    border = np.zeros(class_ids.shape, bool)
    border[:, 1:] |= class_ids[:, 1:] != class_ids[:, :-1]
    border[1:] |= class_ids[1:] != class_ids[:-1]
    lines = Image.fromarray(border.view(np.uint8) * np.uint8(255))
    lines = lines.filter(ImageFilter.GaussianBlur(_BLUR * thickness))
    lines = lines.crop((0, top - first, lines.width, bottom - first))
    # The blur spreads a line one pixel wide; the gain brings its middle back to full opacity.
    gain = 1.6 * thickness
    return lines.point([min(255, round(gain * level)) for level in range(256)])


def _halo(thickness: float) -> int:
    """Returns how many rows the blur carries the lines of a neighboring band over, at most."""
    return int(5 * _BLUR * thickness) + 6


def _as_uint8(class_ids: np.ndarray) -> np.ndarray:
    class_ids = np.asarray(class_ids)
    if class_ids.dtype == np.uint8:
        return class_ids
    if class_ids.size and (class_ids.min() < 0 or class_ids.max() >= MAX_COLORS):
        raise ValueError(
            f"class ids run from {class_ids.min()} to {class_ids.max()}; an 8-bit mask holds 0 to "
            "255."
        )
    return class_ids.astype(np.uint8)
