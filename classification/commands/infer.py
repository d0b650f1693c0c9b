"""Tells the classes of images: infer.py. `infer_flags` has its words and flags."""

import csv
import functools
import io
import json
from collections.abc import Sequence
from typing import TypeAlias

from PIL import Image

from classification.commands.infer_flags import InferOptions
from commands import told_images
from commands.flags import Flags
from commands.told_images import Telling, Told
from serving import export_file
from serving.image_classifier import ImageClassifier, RankedClass

# From so many on it pays to find out which engine is the fastest.
_MANY_IMAGES = 50

_Classes: TypeAlias = list[RankedClass]


def main(flags: Flags, arguments: list[str]) -> int:
    """Turns flags into options and classifies the images; returns the exit status."""
    options = flags.options(InferOptions)

    def open_model(num_images: int) -> ImageClassifier:
        return ImageClassifier(
            options.model or export_file.find_newest_export(),
            options.engine,
            precision=options.precision,
            num_threads=options.num_threads,
            try_engines=num_images >= _MANY_IMAGES,
            trust=options.trust,
        )

    def answer(model: ImageClassifier, images: Sequence[tuple[str, Image.Image]]) -> list[_Classes]:
        return [each.top for each in model.run([image for _, image in images], options.top)]

    how = Telling(
        open_model,
        answer,
        _lines,
        {".csv": functools.partial(_as_csv, top=options.top), ".json": _as_json},
        "classifying",
    )
    return told_images.tell(arguments, options, how)


def _lines(classes: _Classes) -> list[str]:
    return [", ".join(f"{each.class_name} {each.probability:.1%}" for each in classes)]


def _as_csv(told: Sequence[Told[_Classes]], top: int) -> str:
    """One row for each image: file, class_1, probability_1 … and why it has none."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    num_classes = max((len(each.answer) for each in told if each.answer), default=top)
    ranks = range(1, num_classes + 1)
    head = [name for rank in ranks for name in (f"class_{rank}", f"probability_{rank}")]
    writer.writerow(["file", *head, "error"])
    for each in told:
        classes = each.answer or []
        cells = [cell for one in classes for cell in (one.class_name, f"{one.probability:.6f}")]
        cells += [""] * (len(head) - len(cells))
        writer.writerow([each.path, *cells, each.error])
    return text.getvalue()


def _as_json(told: Sequence[Told[_Classes]]) -> str:
    """A list of objects: file, and classes or error."""
    content = []
    for each in told:
        entry: dict = {"file": each.path}
        if each.answer is None:
            entry["error"] = each.error
        else:
            entry["classes"] = [one._asdict() for one in each.answer]
        content.append(entry)
    return json.dumps(content, indent=1, ensure_ascii=False, default=float) + "\n"
