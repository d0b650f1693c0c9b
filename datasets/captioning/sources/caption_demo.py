"""Images that the project draws and describes itself, to try captioning without a download.

Each is a postcard (`demo_scenes.postcard`) with five captions of a grammar
(`demo_scenes.captions`). They go to disk as a user's own would be, in COCO's form, and are then
read by the source `coco_captions`. Besides, the files of captions have what the images show, for
`read_facts`.

Opening the source draws what is missing. An image depends on the seed, its split and its number
only, so drawing goes on where it stopped.
"""

import dataclasses
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from common import json_files
from datasets.captioning.sources import coco_captions
from datasets.captioning.sources.source import TRAIN, VAL, Source
from datasets.demo_scenes import captions, postcard
from datasets.demo_scenes.postcard import Facts
from datasets.images import drawn_folder

DEFAULT_FOLDER = os.path.join("data", "caption_demo")
NAME = "caption_demo"

_DRAWING = 1  # Raise it when the same seed gives other images or captions.
# Height and width, of which a network sees 80.
_SIZE = (93, 93)
_CAPTIONS = 5


def open_source(
    data_dir: str = DEFAULT_FOLDER,
    *,
    num_train: int = 2400,
    num_val: int = 240,
    seed: int = 0,
    show_progress: bool = True,
) -> Source:
    """Opens the demo images, after drawing those that are missing.

    Args:
      data_dir: folder of the images: new, empty, or drawn by this function.
      num_train, num_val: images of each split.

    Raises:
      ValueError: the folder holds something else, or demo images of other settings.
      OSError: an image cannot be written.
    """
    settings = {"drawing": _DRAWING, "seed": seed, "num_train": num_train, "num_val": num_val}
    drawn_folder.claim(data_dir, settings, "coco_captions")
    missing = []
    for number, (split, count) in enumerate(((TRAIN, num_train), (VAL, num_val))):
        os.makedirs(_image_folder(data_dir, split), exist_ok=True)
        images, annotations = [], []
        for index in range(count):
            # Of the facts, the captions and the image: each stays as it is if another one changes.
            seeds = [(seed, number, index, part) for part in range(3)]
            facts = postcard.plan(np.random.default_rng(seeds[0]))
            said = captions.draw_captions(np.random.default_rng(seeds[1]), facts, _CAPTIONS)
            name = f"{split}_{index:04d}.jpg"
            image_id = number * num_train + index
            images.append({"id": image_id, "file_name": name, "facts": dataclasses.asdict(facts)})
            annotations += [
                {"id": image_id * _CAPTIONS + place, "image_id": image_id, "caption": caption}
                for place, caption in enumerate(said)
            ]
            path = os.path.join(_image_folder(data_dir, split), name)
            if not os.path.isfile(path):
                missing.append((path, facts, seeds[2]))
        if not os.path.isfile(captions_path(data_dir, split)):
            content = {"images": images, "annotations": annotations}
            json_files.write(captions_path(data_dir, split), content)
    if missing:
        drawn_folder.draw_missing(_draw, missing, show_progress)
    return dataclasses.replace(coco_captions.open_source(data_dir), name=NAME)


def captions_path(data_dir: str, split: str) -> str:
    """Returns the path of the captions of a split."""
    return os.path.join(data_dir, f"captions_{split}.json")


def read_facts(data_dir: str, split: str) -> dict[int, Facts]:
    """Returns what the images of a split show, by their ids.

    Raises:
      OSError: the file of captions cannot be opened.
      ValueError: it is damaged, or not the demo's.
    """
    path = captions_path(data_dir, split)
    images = json_files.check(
        json_files.read_object(path).get("images"), tuple[Mapping[str, Any], ...], path, "images"
    )
    return {
        json_files.check(image.get("id"), int, path, f"images[{index}].id"): json_files.check(
            image.get("facts"), Facts, path, f"images[{index}].facts"
        )
        for index, image in enumerate(images)
    }


def _image_folder(data_dir: str, split: str) -> str:
    return os.path.join(data_dir, "images", split)


def _draw(task: tuple[str, Facts, tuple[int, ...]]) -> None:
    path, facts, seed = task
    rng = np.random.default_rng(seed)
    drawn_folder.write_photo(path, postcard.draw(rng, facts, *_SIZE), rng)
