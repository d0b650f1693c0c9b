"""Folders of images that the project draws for its demos.

A small JSON file says what was drawn, so that drawing goes on where it stopped, and nothing else is
ever drawn over.
"""

import json
import os
from collections.abc import Mapping

import cv2
import numpy as np

from common import files, json_files
from datasets.images import image_folders

SETTINGS_FILE = "demo.json"


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


def write_photo(path: str, image: np.ndarray, rng: np.random.Generator) -> None:
    """Writes uint8 [height, width, 3], RGB, as a JPEG file of some quality."""
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(72, 96))]
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), quality)
    files.write(path, encoded.tobytes())
