"""Images that the project draws itself, to try classification without a download.

Each shows one to three things of one class: balloons, boats, cars, houses, people or trees
(`demo_scenes.portrait`). Colors, light, ground and place are the same for all classes, so that only
shapes tell them apart. The images go to disk as a user's own would be, and are then read by the
source `class_folders`.

Opening the source draws what is missing. An image depends on the seed, its split, its class and its
number only, so drawing goes on where it stopped.
"""

import dataclasses
import os

import numpy as np

from datasets.classification.sources import class_folders
from datasets.classification.sources.source import TRAIN, VAL, Source
from datasets.demo_scenes.portrait import KINDS, draw_portrait
from datasets.images import drawn_folder

DEFAULT_FOLDER = os.path.join("data", "class_demo")

_DRAWING = 2  # Raise it when the same seed gives other images.
_SIZES = ((96, 96), (88, 104), (96, 84))  # height, width


def open_source(
    data_dir: str = DEFAULT_FOLDER,
    *,
    num_train: int = 300,
    num_val: int = 40,
    seed: int = 0,
    show_progress: bool = True,
) -> Source:
    """Opens the demo images, after drawing those that are missing.

    Args:
      data_dir: folder of the images: new, empty, or drawn by this function.
      num_train, num_val: images of each class in each split.

    Raises:
      ValueError: the folder holds something else, or demo images of other settings.
      OSError: an image cannot be written.
    """
    settings = {"drawing": _DRAWING, "seed": seed, "num_train": num_train, "num_val": num_val}
    drawn_folder.claim(data_dir, settings, "class_folders")
    missing = []
    for number, (split, count) in enumerate(((TRAIN, num_train), (VAL, num_val))):
        for label, kind in enumerate(KINDS):
            folder = os.path.join(data_dir, split, kind)
            os.makedirs(folder, exist_ok=True)
            for index in range(count):
                path = os.path.join(folder, f"{kind}_{index:03d}.jpg")
                if not os.path.isfile(path):
                    missing.append((path, kind, (seed, number, label, index)))
    if missing:
        drawn_folder.draw_missing(_draw, missing, show_progress)
    return dataclasses.replace(class_folders.open_source(data_dir), name="class_demo")


def _draw(task: tuple[str, str, tuple[int, ...]]) -> None:
    path, kind, seed = task
    rng = np.random.default_rng(seed)
    image = draw_portrait(rng, kind, *_SIZES[rng.integers(len(_SIZES))])
    drawn_folder.write_photo(path, image, rng)
