"""Small captioning datasets on disk."""

import json
import pathlib

import numpy as np
from PIL import Image

from datasets.captioning import encoder, specs, tokens, vocabulary
from datasets.captioning.encoder import CaptioningEncoder
from datasets.captioning.sources.source import Sample
from datasets.captioning.specs import CaptioningSpec
from datasets.records import building
from datasets.records.building import BuildSettings


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


COLORS = {"blue": (30, 60, 220), "green": (40, 180, 60), "red": (210, 40, 50)}
PLACES = ("left", "right")


def write_squares(
    directory: pathlib.Path, is_single: bool = False, min_count: int = 2, **num_images: int
) -> CaptioningSpec:
    """Writes records of colored squares: "A red square is on the left.", and another caption.

    Args:
      directory: of the records.
      is_single: whether a record has one caption.
      min_count: rarer words are unknown.
      **num_images: of each color and place, by split.
    """
    folder = directory.parent / f"{directory.name}_images"
    splits: dict[str, list[Sample]] = {}
    for place_of_split, (split, count) in enumerate(num_images.items()):
        kinds = [(color, place) for _ in range(count) for color in COLORS for place in PLACES]
        for number, (color, place) in enumerate(kinds):
            path = folder / f"{split}{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            random = np.random.RandomState(number + 1000 * place_of_split)
            pixels = random.randint(60, 190, [40, 40, 3]).astype(np.uint8)
            left = 2 if place == "left" else 22
            pixels[8:32, left : left + 16] = COLORS[color]
            Image.fromarray(pixels).save(path)
            captions = (f"A {color} square is on the {place}.", f"There is a {color} one.")
            sample = Sample(path.name, str(path), 1000 * place_of_split + number, captions)
            splits.setdefault(split, []).append(sample)
    counts = vocabulary.count_words(
        (caption for sample in splits["train"] for caption in sample.captions), tokens.IM2TXT
    )
    known = vocabulary.choose(counts, tokens.IM2TXT, min_count)
    made = CaptioningEncoder("squares", known, is_single)
    mixed = {split: encoder.mix(samples, is_single) for split, samples in splits.items()}
    return building.build(
        made, mixed, (), lambda _: None, BuildSettings(str(directory), is_checked=False)
    )


def read(directory: pathlib.Path) -> CaptioningSpec:
    """Returns what a dataset of `write_squares` is."""
    return specs.read_spec(str(directory))
