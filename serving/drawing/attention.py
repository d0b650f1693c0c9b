"""Draws where a network looked for each word of a caption."""

import textwrap
from collections.abc import Sequence

import numpy as np
from PIL import Image

from serving.drawing import sheet

# Of an image's brightness, where the network did not look. Between that and the place at which it
# looked most, brightness follows the root, since one place often has most of the attention.
_DARKEST = 0.2
_LETTERS_IN_LINE = 27
_COLUMNS = 5


def panels(
    image: Image.Image, words: Sequence[str], attention: np.ndarray, seen_share: float
) -> list[sheet.Entry]:
    """Returns the image as it was looked at for each word, with the word below.

    Args:
      image: mode RGB.
      words: any number of them.
      attention: float32 [words, rows, columns], not negative.
      seen_share: share of the image's height and width, in the middle, that the places cover.
    """
    return [
        sheet.Entry(light_up(image, looked, seen_share), [(word, sheet.PLAIN)])
        for word, looked in zip(words, attention, strict=True)
    ]


def draw(
    image: Image.Image,
    text: str,
    attention: np.ndarray | None,
    seen_share: float = 1.0,
    columns: int = _COLUMNS,
) -> Image.Image:
    """Draws a sheet of an image with its caption and, for each word, where the network looked.

    Args:
      image: mode RGB.
      text: the caption, words with blanks between them.
      attention, seen_share: see `panels`; None for an image and its caption only.
      columns: images in a row.
    """
    entries = [entry(image, text)]
    if attention is not None:
        entries += panels(image, text.split(), attention, seen_share)
    return sheet.draw(entries, columns)


def entry(image: Image.Image, text: str) -> sheet.Entry:
    """Returns an image of a sheet with its caption below, in as many lines as it takes."""
    lines = textwrap.wrap(text, _LETTERS_IN_LINE) or ["(no words)"]
    return sheet.Entry(image, [(line, sheet.PLAIN) for line in lines])


def light_up(image: Image.Image, looked: np.ndarray, seen_share: float = 1.0) -> Image.Image:
    """Returns an image that is dark where the network did not look.

    Args:
      image: mode RGB.
      looked: float32 [rows, columns], not negative; enlarged smoothly.
      seen_share: see `panels`.
    """
    width, height = image.size
    seen = max(1, round(seen_share * width)), max(1, round(seen_share * height))
    share = np.sqrt(looked / max(float(looked.max()), 1e-12))
    enlarged = Image.fromarray(share.astype(np.float32)).resize(seen, Image.Resampling.BICUBIC)
    light = Image.new("F", image.size, 0.0)
    light.paste(enlarged, ((width - seen[0]) // 2, (height - seen[1]) // 2))
    factor = _DARKEST + (1 - _DARKEST) * np.clip(np.asarray(light), 0, 1)
    pixels = np.asarray(image) * factor[..., np.newaxis]
    return Image.fromarray(pixels.round().astype(np.uint8))
