"""Images that the project draws itself, to try everything without a download.

They show a small town by the water; `demo_scenes` draws them. The images go to disk as
a user's own would be, and are then read by the source `folder`:

    data/demo/
      classes.json           names and colors of the classes
      demo.json              what was drawn: number of images, seed, version of the drawing
      train/
        images/scene_000.jpg
        masks/scene_000.png  palette PNG: indices are class ids, 255 is ignored
      val/
        images/scene_000.jpg
        masks/scene_000.png

Opening the source draws what is missing. An image depends on the seed, its split and its number
only, so drawing goes on where it stopped.
"""

import dataclasses
import io
import json
import os
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from common import files
from datasets.records import workers
from datasets.segmentation.demo_scenes.classes import CLASS_NAMES, IGNORED, PALETTE
from datasets.segmentation.demo_scenes.scene import draw_scene
from datasets.segmentation.sources import folder, listing
from datasets.segmentation.sources.source import Source

IGNORE_LABEL = IGNORED
DEFAULT_FOLDER = os.path.join("data", "demo")
SETTINGS_FILE = "demo.json"

_DRAWING = 1  # Raise it when the same seed gives other images.
_SIZES = ((192, 256), (192, 240), (176, 240))  # height, width
_JPEG_QUALITY = (72, 96)
_IGNORED_COLOR = (255, 255, 255)


class _Task(NamedTuple):
    """One image to draw: where it goes, and the seed of its randomness."""

    image_path: str
    mask_path: str
    seed: tuple[int, int, int]

    @property
    def is_done(self) -> bool:
        return os.path.isfile(self.image_path) and os.path.isfile(self.mask_path)


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
      num_train: images in the split `train`.
      num_val: images in the split `val`.
      seed: another seed gives other images.
      show_progress: whether to draw a progress bar while there is something to draw.

    Raises:
      ValueError: the folder holds something else, or demo images of other settings.
      OSError: an image cannot be written.
    """
    _claim_folder(
        data_dir, {"drawing": _DRAWING, "seed": seed, "num_train": num_train, "num_val": num_val}
    )
    classes_path = os.path.join(data_dir, folder.CLASSES_FILE)
    if not os.path.isfile(classes_path):
        files.write(classes_path, _encode_json(_describe_classes()))
    tasks = []
    for number, (split, count) in enumerate((("train", num_train), ("val", num_val))):
        images_dir, masks_dir = (os.path.join(data_dir, split, n) for n in ("images", "masks"))
        os.makedirs(images_dir, exist_ok=True)
        os.makedirs(masks_dir, exist_ok=True)
        for index in range(count):
            name = f"scene_{index:03d}"
            image_path = os.path.join(images_dir, name + ".jpg")
            mask_path = os.path.join(masks_dir, name + ".png")
            tasks.append(_Task(image_path, mask_path, (seed, number, index)))
    missing = [task for task in tasks if not task.is_done]
    if missing:
        for _ in workers.map_in_order(
            _draw, missing, description="drawing", show_progress=show_progress
        ):
            pass
    return dataclasses.replace(folder.open_source(data_dir), name="demo")


def _claim_folder(data_dir: str, settings: dict[str, int]) -> None:
    """Marks a new folder as the demo's, or checks that it is, before anything is written there."""
    path = os.path.join(data_dir, SETTINGS_FILE)
    if os.path.isfile(path):
        with open(path, encoding="utf-8") as file:
            drawn = file.read()
        if drawn != _encode_json(settings).decode():
            raise ValueError(
                f"{data_dir} holds demo images that were drawn with {' '.join(drawn.split())}, "
                f"not {json.dumps(settings)}: delete the folder, and they are drawn again."
            )
        return
    if os.path.isdir(data_dir) and os.listdir(data_dir):
        raise ValueError(
            f"{data_dir} holds {listing.name_entries(data_dir)} and no {SETTINGS_FILE}: the demo "
            "is drawn into a new or empty folder only. For images of your own, take source "
            "'folder'."
        )
    os.makedirs(data_dir, exist_ok=True)
    files.write(path, _encode_json(settings))


def _describe_classes() -> dict[str, object]:
    return {
        "names": CLASS_NAMES,
        "palette": PALETTE,
        "ignore_label": IGNORE_LABEL,
        "ignore_palette": [_IGNORED_COLOR],
    }


def _encode_json(content: dict[str, object]) -> bytes:
    lines = (f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in content.items())
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


def _draw(task: _Task) -> None:
    """Draws one image and its mask, and writes both."""
    rng = np.random.default_rng(task.seed)
    height, width = _SIZES[rng.integers(len(_SIZES))]
    image, mask = draw_scene(rng, height, width)
    quality = int(rng.integers(*_JPEG_QUALITY))
    _, encoded = cv2.imencode(
        ".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    files.write(task.mask_path, _encode_mask(mask))
    files.write(task.image_path, encoded.tobytes())


def _encode_mask(mask: np.ndarray) -> bytes:
    """Encodes ids as a palette PNG, so that an image viewer shows the classes' colors."""
    colors = np.zeros((256, 3), np.uint8)
    colors[: len(PALETTE)] = PALETTE
    colors[IGNORE_LABEL] = _IGNORED_COLOR
    image = Image.fromarray(mask, mode="P")
    image.putpalette(colors.tobytes())
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
