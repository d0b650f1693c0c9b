"""Images that the project draws itself, to try everything without a download.

They show a small town by the water; `demo_scenes` draws them. The images go to disk as a user's own
would be, with a `classes.json`, and are then read by the source `folder`. `demo.json` says what was
drawn: number of images, seed, version of the drawing.

Opening the source draws what is missing. An image depends on the seed, its split and its number
only, so drawing goes on where it stopped.
"""

import dataclasses
import os
from collections.abc import Iterator

import numpy as np
from PIL import Image

from common import files, json_files
from datasets.demo_scenes.classes import CLASS_NAMES, IGNORED, PALETTE
from datasets.demo_scenes.scene import draw_scene
from datasets.images import drawn_folder
from datasets.records import workers
from datasets.segmentation.sources import class_file, folder
from datasets.segmentation.sources.source import Source

DEFAULT_FOLDER = os.path.join("data", "demo")

_DRAWING = 2  # Raise it when the same seed gives other images.
_SIZES = ((192, 256), (192, 240), (176, 240))  # height, width
_IGNORED_COLOR = (255, 255, 255)


def open_source(
    data_dir: str = DEFAULT_FOLDER,
    *,
    num_train: int = 400,
    num_val: int = 60,
    seed: int = 0,
    show_progress: bool = True,
) -> Source:
    """Opens the demo images, after drawing those that are missing.

    Args:
      data_dir: folder of the images: new, empty, or drawn by this function.
      num_train, num_val: images in each split.

    Raises:
      ValueError: the folder holds something else, or demo images of other settings.
      OSError: an image cannot be written.
    """
    settings = {"drawing": _DRAWING, "seed": seed, "num_train": num_train, "num_val": num_val}
    drawn_folder.claim(data_dir, settings, "folder")
    classes_path = os.path.join(data_dir, class_file.NAME)
    if not os.path.isfile(classes_path):
        classes = {
            "names": CLASS_NAMES,
            "palette": PALETTE,
            "ignore_label": IGNORED,
            "ignore_palette": [_IGNORED_COLOR],
        }
        json_files.write(classes_path, classes)
    missing = [
        (*paths, (seed, number, index))
        for number, (split, count) in enumerate((("train", num_train), ("val", num_val)))
        for index, paths in enumerate(_paths(os.path.join(data_dir, split), count))
        if not all(map(os.path.isfile, paths))
    ]
    if missing:
        drawn = workers.map_in_order(
            _draw, missing, description="drawing", show_progress=show_progress
        )
        list(drawn)
    return dataclasses.replace(folder.open_source(data_dir), name="demo")


def _paths(split_dir: str, count: int) -> Iterator[tuple[str, str]]:
    """Creates the folders of a split, and yields the paths of each image and its mask."""
    images_dir, masks_dir = (os.path.join(split_dir, name) for name in ("images", "masks"))
    os.makedirs(images_dir, exist_ok=True)
    os.makedirs(masks_dir, exist_ok=True)
    for index in range(count):
        name = f"scene_{index:03d}"
        yield os.path.join(images_dir, f"{name}.jpg"), os.path.join(masks_dir, f"{name}.png")


def _draw(task: tuple[str, str, tuple[int, int, int]]) -> None:
    image_path, mask_path, seed = task
    rng = np.random.default_rng(seed)
    image, mask = draw_scene(rng, *_SIZES[rng.integers(len(_SIZES))])
    _write_mask(mask_path, mask)
    drawn_folder.write_photo(image_path, image, rng)


def _write_mask(path: str, mask: np.ndarray) -> None:
    """Writes ids as a palette PNG, so that an image viewer shows the classes' colors."""
    colors = np.full((256, 3), _IGNORED_COLOR, np.uint8)
    colors[: len(PALETTE)] = PALETTE
    image = Image.fromarray(mask, mode="P")
    image.putpalette(colors.tobytes())
    with files.replacing(path) as temporary:
        image.save(temporary, "PNG")
