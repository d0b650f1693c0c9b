"""Draws what a network predicts of a split: `python vis.py --max_number_of_iterations=1`.

The counterpart of research/deeplab's `vis.py`, on the same records as `eval.py`. Without flags it
draws every new checkpoint of the newest training over the one before, for ever;
`--max_number_of_iterations=1` draws the newest one and ends. For images that are no records,
export the checkpoint and use `infer.py`.

Results, in vis_logdir: segmentation_results/NAME_image.jpg and NAME_prediction.png, named after the
image; with --also_save_raw_predictions also raw_segmentation_results/NAME.png, whose gray values
are the ids that the benchmark's server expects.
"""

from commands import launcher  # before TensorFlow, whose start it quiets

# isort: split

import contextlib
import os
from collections.abc import Iterator, Mapping

import numpy as np
import tensorflow.compat.v1 as tf
from absl import flags

from common import palettes
from common.texts import printable
from datasets.records import tfrecords
from datasets.segmentation import specs
from datasets.segmentation.specs import DatasetSpec
from deeplab.commands import evaluation_flags, inference_flags
from deeplab.evaluation import prediction_files
from deeplab.evaluation.evaluator import Evaluator, PredictedBatch
from serving import upscaling
from serving.drawing import visualize

FLAGS = flags.FLAGS

flags.DEFINE_string(
    "vis_logdir",
    None,
    "Folder of the results. Default: vis/ in the training's folder; vis_SPLIT/ for another split "
    "than val, vis_ema/ with --use_ema.",
)
flags.DEFINE_string("vis_split", evaluation_flags.DEFAULT_SPLIT, "Split to draw.")
flags.DEFINE_integer(
    "vis_batch_size", 1, "Images in a batch. More take more memory, and are faster on a GPU."
)
launcher.define_numbers(
    "vis_crop_size",
    None,
    "height,width in pixels that every image is padded to, each a multiple of output_stride plus "
    "one. Default: the smallest that holds every image of the split.",
)
flags.DEFINE_integer(
    "max_number_of_iterations",
    0,
    "Checkpoints until the command ends. 1 draws the newest one there is and ends; 0 or less waits "
    "for new checkpoints for ever.",
)
flags.DEFINE_enum(
    "colormap_type",
    None,
    ["pascal", "cityscapes", "ade20k"],
    "Colors of the classes. Default: the dataset's own.",
)
flags.DEFINE_bool(
    "also_save_raw_predictions",
    False,
    "Also write 8-bit class ids, for Cityscapes as its label ids, to send to a benchmark's server.",
)
flags.DEFINE_bool(
    "upstream_names",
    False,
    "Name files as research/deeplab does: 000000_image.png, 000000_prediction.png …",
)


def main(arguments: list[str]) -> None:
    """Turns flags into options and draws one checkpoint after the other."""
    del arguments
    tf.disable_v2_behavior()
    tf.logging.set_verbosity(tf.logging.FATAL)  # its lines about checkpoints repeat ours
    arriving = evaluation_flags.find_checkpoints("max_number_of_iterations")
    first = next(arriving)
    evaluation_flags.check_results_folder(
        "vis_logdir",
        FLAGS.vis_logdir
        or evaluation_flags.results_folder("vis", first, FLAGS.vis_split, use_ema=False),
    )
    spec, model_options, inputs = evaluation_flags.resolve(
        os.path.dirname(first) or ".", FLAGS.vis_split, FLAGS.vis_crop_size
    )
    evaluator = Evaluator(
        spec,
        FLAGS.vis_split,
        model_options,
        inputs,
        batch_size=FLAGS.vis_batch_size,
        scales=tuple(FLAGS.eval_scales),
        add_flipped=FLAGS.add_flipped_images,
    )
    with contextlib.closing(evaluator):
        restored = evaluation_flags.restore_each(evaluator, first, arriving)
        for checkpoint, saved_names in restored:
            _draw(evaluator, checkpoint, saved_names, spec)


def _draw(
    evaluator: Evaluator, checkpoint: str, saved_names: Mapping[str, str], spec: DatasetSpec
) -> None:
    """Draws the images of the split as the restored checkpoint sees them."""
    directory = FLAGS.vis_logdir or evaluation_flags.results_folder(
        "vis", checkpoint, FLAGS.vis_split, use_ema=bool(saved_names)
    )
    files = prediction_files.PredictionFiles(
        directory,
        _palette(spec),
        prediction_files.server_ids(spec.class_names) if FLAGS.also_save_raw_predictions else None,
        numbered=FLAGS.upstream_names,
    )
    # The network's input is resized and padded; the images themselves are those of the records.
    images = map(prediction_files.read_image, _records(spec))
    num_images = 0
    for batch in evaluator.predict():
        for name, ids in _predictions(batch):
            image = next(images)
            files.write(name, image, upscaling.upscale_ids(ids, image.size))
            num_images += 1
    written = [prediction_files.RESULTS_FOLDER]
    if FLAGS.also_save_raw_predictions:
        written.append(prediction_files.RAW_FOLDER)
    folders = " and ".join(os.path.join(directory, folder) for folder in written)
    title = inference_flags.title(checkpoint, saved_names)
    line = f"{title}: {num_images} images of split {FLAGS.vis_split} in {folders}"
    print(printable(line), flush=True)


def _palette(spec: DatasetSpec) -> visualize.Palette:
    if FLAGS.colormap_type is None:
        return spec.palette
    if FLAGS.colormap_type == "pascal":
        return palettes.voc_palette(visualize.MAX_COLORS)
    return specs.google_classes(FLAGS.colormap_type).palette


def _records(spec: DatasetSpec) -> Iterator[bytes]:
    """Yields the records of the split in the order in which the evaluator reads them."""
    for shard in spec.shard_paths(FLAGS.vis_split):
        yield from tfrecords.read_records(shard)


def _predictions(batch: PredictedBatch) -> Iterator[tuple[str, np.ndarray]]:
    """Yields name and class ids of each image of a batch, without the padding."""
    for name, height, width, ids in zip(
        batch.image_names, batch.heights, batch.widths, batch.class_ids, strict=True
    ):
        yield name.decode(errors="replace"), ids[:height, :width]
