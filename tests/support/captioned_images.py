"""Small captioning datasets on disk."""

import json
import pathlib

import numpy as np
from PIL import Image


def save_image(path: pathlib.Path, seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.RandomState(seed).randint(0, 256, [20, 30, 3], np.uint8)
    Image.fromarray(pixels).save(path)


def write_json(path: pathlib.Path, names: list[str], **changes) -> None:
    content = {
        "images": [{"id": index, "file_name": name} for index, name in enumerate(names)],
        "annotations": [
            {"id": 2 * index + copy, "image_id": index, "caption": f"A {name} {copy}."}
            for index, name in enumerate(names)
            for copy in range(2)
        ],
        **changes,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def names_of(source) -> dict[str, list[str]]:
    return {split: [each.name for each in samples] for split, samples in source.splits.items()}
