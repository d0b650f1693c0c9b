"""Folders of images that the project draws for its demos.

A small JSON file says what was drawn, so that drawing goes on where it stopped, and nothing else is
ever drawn over.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import cv2
import numpy as np

from common import files, json_files
from datasets.images import image_folders
from datasets.records import workers

SETTINGS_FILE = "demo.json"
_MANY = 100  # Images that are worth starting processes for.

Task = TypeVar("Task")


def claim(data_dir: str, settings: Mapping[str, int], source_of_own: str) -> None:
    """Marks a new folder as the demo's, or checks that it is, before anything is written there.

    Args:
      settings: what the images depend on.
      source_of_own: the source for a user's own images, for messages.

    Raises:
      ValueError: the folder holds something else, or images of other settings.
    """
    path = os.path.join(data_dir, SETTINGS_FILE)
    if os.path.isfile(path):
        drawn = json_files.read(path)
        if drawn != settings:
            raise ValueError(
                f"{data_dir} holds demo images that were drawn with {json.dumps(drawn)}, not "
                f"{json.dumps(settings)}: delete the folder, and they are drawn again."
            )
        return
    if os.path.isdir(data_dir) and os.listdir(data_dir):
        raise ValueError(
            f"{data_dir} holds {image_folders.name_entries(data_dir)} and no {SETTINGS_FILE}: the "
            "demo is drawn into a new or empty folder only. For images of your own, take source "
            f"{source_of_own!r}."
        )
    os.makedirs(data_dir, exist_ok=True)
    json_files.write(path, settings)


def draw_missing(
    draw: Callable[[Task], object], tasks: Sequence[Task], show_progress: bool
) -> None:
    """Draws images, each from its task; many of them in processes, and then `draw` is a function
    of a module.
    """
    drawn = workers.map_in_order(
        draw,
        tasks,
        description="drawing",
        show_progress=show_progress,
        in_processes=len(tasks) >= _MANY,
    )
    list(drawn)


def write_photo(path: str, image: np.ndarray, rng: np.random.Generator) -> None:
    """Writes uint8 [height, width, 3], RGB, as a JPEG file of some quality."""
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(72, 96))]
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), quality)
    files.write(path, encoded.tobytes())
