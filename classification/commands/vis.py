"""Draws sheets of what a classifier says of a split: vis.py. `vis_flags` has words and flags."""

import contextlib
import heapq
import io
import itertools
import math
import os
from collections.abc import Iterator

import numpy as np
from PIL import Image

from classification.commands.checkpoint_run import CheckpointRun
from classification.commands.vis_flags import VisOptions
from classification.evaluation import prediction_files
from commands import weights
from commands.flags import Flags
from common.texts import printable
from datasets.records import tfrecords
from serving.drawing import sheet

# One prediction: number of the record, label, probabilities [classes].
_Prediction = tuple[int, int, np.ndarray]


def main(flags: Flags, arguments: list[str]) -> None:
    """Turns flags into options and draws one checkpoint after the other."""
    del arguments
    options = flags.options(VisOptions)
    run = CheckpointRun(
        flags,
        "vis",
        split=options.vis_split,
        logdir=options.vis_logdir,
        limit_flag="max_number_of_iterations",
        compares_statistics=False,
    )
    with contextlib.closing(run):
        for checkpoint, saved_names in run:
            directory = run.results_folder(checkpoint, use_ema=bool(saved_names))
            print(printable(weights.title(checkpoint, saved_names)))
            step = checkpoint.rpartition("-")[2]
            for name, chosen in _choose(run, options).items():
                path = os.path.join(directory, f"{name}-{step}.png")
                if chosen:
                    prediction_files.write_image(path, _draw(run, options, chosen))
                    print(printable(path), flush=True)
                else:
                    print(f"{name}: none", flush=True)


def _choose(run: CheckpointRun, options: VisOptions) -> dict[str, list[_Prediction]]:
    """Returns what each sheet shows."""
    num_examples = run.spec.split(options.vis_split).num_examples
    num_shown = min(options.num_images, num_examples)
    wanted = {num_examples * index // num_shown for index in range(num_shown)}
    spread: list[_Prediction] = []
    # The smallest of the heap is the mistake that it is least sure of.
    mistakes: list[tuple[float, int, _Prediction]] = []
    for prediction in _predictions(run):
        number, label, probabilities = prediction
        if number in wanted:
            spread.append(prediction)
        if probabilities.argmax() != label:
            heapq.heappush(mistakes, (float(probabilities.max()), -number, prediction))
            if len(mistakes) > options.num_images:
                heapq.heappop(mistakes)
    surest_first = [prediction for *_, prediction in sorted(mistakes, reverse=True)]
    return {"predictions": spread, "mistakes": surest_first}


def _predictions(run: CheckpointRun) -> Iterator[_Prediction]:
    numbers = itertools.count()
    for batch in run.evaluator.predict():
        for label, probabilities in zip(batch.labels, batch.probabilities, strict=True):
            yield next(numbers), int(label), probabilities


def _draw(run: CheckpointRun, options: VisOptions, chosen: list[_Prediction]) -> Image.Image:
    wanted = {number for number, *_ in chosen}
    images: dict[int, Image.Image] = {}
    records = itertools.chain.from_iterable(
        map(tfrecords.read_records, run.spec.shard_paths(options.vis_split))
    )
    for number, record in enumerate(records):
        if number in wanted:
            (encoded,) = tfrecords.read_features(record)["image/encoded"].bytes_list.value
            images[number] = Image.open(io.BytesIO(encoded)).convert("RGB")
    entries = [
        prediction_files.sheet_entry(
            images[number], label, probabilities, run.description.class_names
        )
        for number, label, probabilities in chosen
    ]
    return sheet.draw(entries, columns=math.ceil(math.sqrt(len(entries))))
