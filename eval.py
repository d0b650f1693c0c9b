"""Scores checkpoints: `python eval.py --max_number_of_evaluations=1`.

Without flags it scores every new checkpoint of the newest training, for ever, as research/deeplab's
`eval.py` does; `--max_number_of_evaluations=1` scores the newest one and ends. The network is the
one that `options.json` beside the checkpoint describes. It may run at another output stride than
it was trained at (`--output_stride=8`; ASPP's rates follow). A checkpoint without `options.json`,
such as those that research/deeplab published, needs the flags of its network.

Results: a table on the terminal, `eval-STEP.json` and TensorBoard's events in eval_logdir.
"""

import contextlib
import dataclasses
import itertools
import os

import command_line  # before TensorFlow, whose start it quiets

# isort: split

import tensorflow.compat.v1 as tf
from absl import flags

import evaluation_flags
from datasets.specs import DatasetSpec
from deeplab import evaluation_report
from deeplab.evaluation import Evaluator
from deeplab.input_pipeline import InputOptions
from deeplab.options import ModelOptions
from inference_flags import RESIZE_FLAGS

FLAGS = flags.FLAGS

flags.DEFINE_string(
    "eval_logdir",
    None,
    "Folder of the results. Default: eval/ in the checkpoint's folder, eval_SPLIT/ for another "
    "split than val.",
)
flags.DEFINE_string("eval_split", "val", "Split to score.")
flags.DEFINE_integer(
    "eval_batch_size", 1, "Pictures in a batch. More take more memory, and are faster on a GPU."
)
command_line.define_numbers(
    "eval_crop_size",
    None,
    "height,width in pixels that every picture is padded to, each a multiple of output_stride plus "
    "one. Default: the smallest that holds every picture of the split.",
)
flags.DEFINE_integer(
    "max_number_of_evaluations",
    0,
    "Evaluations until the command ends. 1 scores the newest checkpoint there is and ends; 0 or "
    "less waits for new checkpoints for ever.",
)

_DEFAULT_SPLIT = "val"


def main(arguments: list[str]) -> None:
    """Turns flags into options and scores one checkpoint after the other."""
    del arguments
    tf.disable_v2_behavior()
    tf.logging.set_verbosity(tf.logging.ERROR)  # the lines of its waiting repeat ours
    arriving = evaluation_flags.find_checkpoints("max_number_of_evaluations")
    first = next(arriving)
    spec, model_options, inputs = evaluation_flags.resolve(
        os.path.dirname(first) or ".", FLAGS.eval_split, FLAGS.eval_crop_size
    )
    evaluator = Evaluator(
        spec,
        FLAGS.eval_split,
        model_options,
        inputs,
        batch_size=FLAGS.eval_batch_size,
        scales=tuple(FLAGS.eval_scales),
        add_flipped=FLAGS.add_flipped_images,
    )
    with contextlib.closing(evaluator):
        for checkpoint in itertools.chain([first], arriving):
            _score(evaluator, checkpoint, spec, model_options, inputs)


def _score(
    evaluator: Evaluator,
    checkpoint: str,
    spec: DatasetSpec,
    model_options: ModelOptions,
    inputs: InputOptions,
) -> None:
    """Scores one checkpoint, prints the table and writes the results."""
    evaluation = evaluator.evaluate(checkpoint)
    directory = FLAGS.eval_logdir or os.path.join(
        os.path.dirname(checkpoint),
        "eval" if FLAGS.eval_split == _DEFAULT_SPLIT else f"eval_{FLAGS.eval_split}",
    )
    path = evaluation_report.write_json(
        evaluation,
        directory,
        dataset_name=spec.name,
        class_names=spec.class_names,
        options={
            "dataset_dir": spec.directory,
            "eval_crop_size": inputs.crop_size,
            **{name: getattr(inputs, name) for name in RESIZE_FLAGS},
            "eval_scales": FLAGS.eval_scales,
            "add_flipped_images": FLAGS.add_flipped_images,
            "eval_batch_size": FLAGS.eval_batch_size,
            "model": dataclasses.asdict(model_options),
        },
    )
    evaluation_report.write_summaries(
        evaluation, directory, scales=FLAGS.eval_scales, add_flipped=FLAGS.add_flipped_images
    )
    print(f"{checkpoint}\n{evaluation_report.format_table(evaluation, spec.class_names)}\n{path}")


if __name__ == "__main__":
    command_line.run(main)
