"""Images and masks for the tests of datasets."""

import json
import pathlib

import numpy as np
from PIL import Image


def smooth_rgb(height: int = 24, width: int = 40, shift: int = 0) -> np.ndarray:
    """Returns uint8 [height, width, 3]: an image that JPEG keeps well, without any symmetry."""
    rows, columns = np.mgrid[:height, :width]
    channels = [rows * 5 + 20, columns * 4 + 10, rows * 2 + columns * 2]
    return (np.stack(channels, -1) + shift).astype(np.uint8)


def save(path, image, **options) -> str:
    """Writes an array or a Pillow image, and the folders above; returns the path."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    image.save(path, **options)
    return str(path)


def save_palette_mask(path, ids: np.ndarray, colors) -> str:
    """Writes a palette PNG whose index i has the i-th color; further indices are black."""
    palette = np.zeros((256, 3), np.uint8)  # With fewer entries Pillow cuts large indices.
    palette[: len(colors)] = colors
    image = Image.fromarray(ids, "P")
    image.putpalette(palette.tobytes())
    return save(path, image)


def exif(orientation: int) -> Image.Exif:
    """Returns EXIF data with an orientation."""
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags


def write(path, text: str) -> str:
    """Writes a text file and the folders above; returns the path."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)


def write_json(path, content) -> str:
    """Writes a JSON file; returns the path."""
    return write(path, json.dumps(content))


def save_pair(folder, name: str, ids: np.ndarray, shift: int = 0) -> None:
    """Writes `images/NAME.jpg` and `masks/NAME.png` of one size into a folder."""
    save(f"{folder}/images/{name}.jpg", smooth_rgb(*ids.shape, shift))
    save(f"{folder}/masks/{name}.png", ids)
