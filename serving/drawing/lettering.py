"""Draws names in any script: in a font that has their letters or, failing that, spelled otherwise.

Pillow's own font has the letters of English only, and draws a box for every other one. Names with
others are drawn with OpenCV (from version 5 on; serving does not require it), which has letters of
nearly all scripts in use, or with a font of the system. Without either they are spelled otherwise:
Latin letters lose their accents, Cyrillic and Greek become Latin, and the number of the class
replaces names in other scripts.
"""

import functools
import glob
import os
import threading
import unicodedata
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont, features

from serving.drawing import spelling

# A longer name would widen its legend, and with it the image, without limit.
_MAX_LETTERS = 40
_ELLIPSIS = "..."
# No font has this letter, so it looks like any missing one.
_MISSING = "\uffff"
_PROBE_SIZE = 16
_OPENCV_WEIGHT = 400

_FONT_FOLDERS = (
    *("~/.fonts", "~/.local/share/fonts", "/usr/local/share/fonts", "/usr/share/fonts"),
    *("~/Library/Fonts", "/Library/Fonts", "/System/Library/Fonts"),
    *("$LOCALAPPDATA/Microsoft/Windows/Fonts", "$WINDIR/Fonts"),
)
_FONT_ENDINGS = (".ttf", ".otf", ".ttc")
# The first of these draws a box for every letter there is; the second is colored.
_UNUSABLE_FONTS = ("lastresort", "emoji")
# Used only if no plain font has the letters.
_STYLED_FONTS = (
    *("bold", "italic", "oblique", "mono", "serif"),
    *("condensed", "light", "thin", "black"),
)


class Line(NamedTuple):
    """A text that is ready to be drawn; `width` is in pixels.

    Attributes:
      mask: opacity of the letters, an image of mode "L".
      corner: (x, y) of the mask's upper left corner, from the beginning of the baseline.
    """

    text: str
    width: int
    mask: Image.Image
    corner: tuple[int, int]

    def draw(
        self, canvas: ImageDraw.ImageDraw, x: int, baseline: int, color: tuple[int, ...]
    ) -> None:
        canvas.bitmap((x + self.corner[0], baseline + self.corner[1]), self.mask, color)


def line(text: str, size: int, substitute: str) -> Line:
    """Returns a text as it can be drawn without a box for any letter.

    Args:
      text: control characters, and all but the first 40 letters, are dropped.
      size: of the letters, in pixels.
      substitute: ASCII text for when no font has the letters and no other spelling is known.
    """
    text = _clean(text) or substitute
    if not all(map(_default_font_has, text)):
        if all(map(_opencv_has, text)):
            return _draw_with_opencv(text, size)
        path = _find_system_font(text)
        if path is not None:
            return _draw_with_pillow(text, ImageFont.truetype(path, size))
        text = spelling.in_ascii(text) or substitute
    return _draw_with_pillow(text, default_font(size))


def default_font(size: int) -> ImageFont.FreeTypeFont:
    """Returns the font in Pillow."""
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)  # Pillow built without FreeType has another.
    return font


def _clean(text: str) -> str:
    """Returns the text on one line and of limited length, its accents joined to their letters."""
    text = unicodedata.normalize("NFC", text)
    text = " ".join("".join(c if _is_visible(c) else " " for c in text).split())
    if len(text) > _MAX_LETTERS:
        text = text[: _MAX_LETTERS - len(_ELLIPSIS)] + _ELLIPSIS
    return text


def _is_visible(char: str) -> bool:
    # Joiners are not visible, but letters of some scripts look different beside them.
    return char in "\u200c\u200d" or not unicodedata.category(char).startswith(("C", "Z"))


def _draw_with_pillow(text: str, font: ImageFont.FreeTypeFont) -> Line:
    left, top, right, bottom = map(round, font.getbbox(text, anchor="ls"))
    mask = Image.new("L", (max(1, right - left), max(1, bottom - top)))
    ImageDraw.Draw(mask).text((-left, -top), text, 255, font, anchor="ls")
    return Line(text, round(font.getlength(text)), mask, (left, top))


def _has_glyph(char: str, font: ImageFont.FreeTypeFont) -> bool:
    glyph, missing = font.getmask(char), font.getmask(_MISSING)
    return char == " " or (glyph.size, bytes(glyph)) != (missing.size, bytes(missing))


@functools.lru_cache(maxsize=4096)
def _default_font_has(char: str) -> bool:
    return _has_glyph(char, default_font(_PROBE_SIZE))


# A font cannot be used by several threads at once.
_opencv_lock = threading.Lock()


@functools.cache
def _opencv_face():
    """Returns OpenCV's own font; None where OpenCV is older or not installed."""
    try:
        import cv2

        return cv2.FontFace("sans")
    except (ImportError, AttributeError):
        return None


def _draw_with_opencv(text: str, size: int) -> Line:
    import cv2

    with _opencv_lock:
        face = _opencv_face()
        left, top, width, height = cv2.getTextSize((0, 0), text, (0, 0), face, size, _OPENCV_WEIGHT)
        margin = 2 + size // 8  # Strokes may cross the reported box by a few pixels.
        canvas = np.zeros([height + 2 * margin, width + 2 * margin], np.uint8)
        origin = (margin - left, margin - top)
        cv2.putText(canvas, text, origin, 255, face, size, _OPENCV_WEIGHT)
    columns = np.flatnonzero(canvas.any(axis=0))
    if columns.size:
        canvas = canvas[:, columns[0] : columns[-1] + 1]
    mask = Image.fromarray(np.ascontiguousarray(canvas))
    return Line(text, mask.width, mask, (0, -origin[1]))


@functools.lru_cache(maxsize=4096)
def _opencv_has(char: str) -> bool:
    if _opencv_face() is None:
        return False
    glyph, missing = (
        _draw_with_opencv(each, _PROBE_SIZE).mask.tobytes() for each in (char, _MISSING)
    )
    return char == " " or glyph != missing


@functools.lru_cache(maxsize=1024)
def _find_system_font(text: str) -> str | None:
    """Returns the file of the first of the system's fonts that has all letters of a text."""
    if not features.check("raqm") and any(map(_needs_layout, text)):
        return None
    for path in _system_fonts():
        try:
            font = ImageFont.truetype(path, _PROBE_SIZE, layout_engine=ImageFont.Layout.BASIC)
            if all(_has_glyph(char, font) for char in text):
                return path
        except (OSError, ValueError):  # Not a font after all, or damaged.
            continue
    return None


def _needs_layout(char: str) -> bool:
    """Returns whether a letter changes with its neighbors or is written from right to left."""
    is_mark = unicodedata.category(char).startswith("M")
    return is_mark or unicodedata.bidirectional(char) in ("R", "AL")


@functools.cache
def _system_fonts() -> tuple[str, ...]:
    """Returns the files of the system's fonts, plain ones first."""
    ranked = []
    for folder in _FONT_FOLDERS:
        folder = glob.escape(os.path.expanduser(os.path.expandvars(folder)))
        for path in glob.iglob(os.path.join(folder, "**", "*"), recursive=True):
            name = os.path.basename(path).lower()
            if name.endswith(_FONT_ENDINGS) and not any(word in name for word in _UNUSABLE_FONTS):
                name = name.replace("sans-serif", "").replace("sansserif", "")
                ranked.append((any(word in name for word in _STYLED_FONTS), path))
    return tuple(path for _, path in sorted(ranked))
