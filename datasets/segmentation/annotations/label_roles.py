"""What labels say of themselves: that they are the background, not to be learned, or a color."""

import re
from collections.abc import Iterable

from PIL import ImageColor

from datasets.images.image_folders import fold
from datasets.segmentation.masks.mask_format import Color

_BACKGROUND = frozenset({"background", "bg"})
_IGNORED = frozenset({"ignore", "ignored", "void", "unlabeled", "unlabelled"})


def find_background(labels: Iterable[str]) -> str | None:
    """Returns the first label that means what no region covers, such as `_background_`."""
    return next((label for label in labels if fold(label) in _BACKGROUND), None)


def find_ignored(labels: Iterable[str], background: str | None = None) -> frozenset[str]:
    """Returns the labels of pixels that are neither trained on nor scored, such as `void`."""
    return frozenset(each for each in labels if fold(each) in _IGNORED and each != background)


def parse_color(text: object) -> Color | None:
    """Returns a color such as `red`, `#ff0000` or `rgba(255, 0, 0, 0.7)`; None if it is none."""
    if not isinstance(text, str) or len(text) > 60:
        return None
    try:
        red, green, blue, *_ = ImageColor.getrgb(re.sub(r"rgba\((.*),[^,]*\)", r"rgb(\1)", text))
    except ValueError:
        return None
    return red, green, blue
