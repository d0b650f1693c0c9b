"""Draws what a network predicts of a split: vis.py. `vis_flags` has its words and flags."""

import contextlib
import itertools
import os
from collections.abc import Iterator

import numpy as np

from commands import weights
from commands.flags import Flags
from common import palettes
from common.texts import printable
from datasets.records import tfrecords
from datasets.segmentation import specs
from datasets.segmentation.specs import DatasetSpec
from deeplab.commands.checkpoint_run import CheckpointRun
from deeplab.commands.vis_flags import VisOptions
from deeplab.evaluation import prediction_files
from deeplab.evaluation.evaluator import PredictedBatch
from serving import upscaling
from serving.drawing import visualize


def main(flags: Flags, arguments: list[str]) -> None:
    """Turns flags into options and draws one checkpoint after the other."""
    del arguments
    options = flags.options(VisOptions)
    run = CheckpointRun(
        flags,
        "vis",
        split=options.vis_split,
        batch_size=options.vis_batch_size,
        crop_size=options.vis_crop_size,
        logdir=options.vis_logdir,
        limit_flag="max_number_of_iterations",
    )
    with contextlib.closing(run):
        for checkpoint, saved_names in run:
            directory = run.results_folder(checkpoint, use_ema=bool(saved_names))
            written = _draw(run, options, directory)
            title = weights.title(checkpoint, saved_names)
            print(printable(f"{title}: {written}"), flush=True)


def _draw(run: CheckpointRun, options: VisOptions, directory: str) -> str:
    """Draws the images of the split as the restored checkpoint sees them; returns what it did."""
    spec = run.spec
    raw_ids = (
        prediction_files.server_ids(spec.class_names) if options.also_save_raw_predictions else None
    )
    files = prediction_files.PredictionFiles(
        directory, _palette(spec, options.colormap_type), raw_ids, numbered=options.upstream_names
    )
    # The network's input is resized and padded; the images themselves are those of the records,
    # in the order in which the evaluator reads them.
    records = itertools.chain.from_iterable(
        map(tfrecords.read_records, spec.shard_paths(options.vis_split))
    )
    images = map(prediction_files.read_image, records)
    num_images = 0
    for batch in run.evaluator.predict():
        for name, ids in _predictions(batch):
            image = next(images)
            files.write(name, image, upscaling.upscale_ids(ids, image.size))
            num_images += 1
    written = [prediction_files.RESULTS_FOLDER]
    if options.also_save_raw_predictions:
        written.append(prediction_files.RAW_FOLDER)
    folders = " and ".join(os.path.join(directory, folder) for folder in written)
    return f"{num_images} images of split {options.vis_split} in {folders}"


def _palette(spec: DatasetSpec, colormap_type: str | None) -> visualize.Palette:
    if colormap_type is None:
        return spec.palette
    if colormap_type == "pascal":
        return palettes.voc_palette(visualize.MAX_COLORS)
    return specs.published_classes(colormap_type).palette


def _predictions(batch: PredictedBatch) -> Iterator[tuple[str, np.ndarray]]:
    """Yields name and class ids of each image of a batch, without the padding."""
    for name, height, width, ids in zip(
        batch.image_names, batch.heights, batch.widths, batch.class_ids, strict=True
    ):
        yield name.decode(errors="replace"), ids[:height, :width]
