"""Scores checkpoints: `python eval.py --max_number_of_evaluations=1`.

Without flags it scores every new checkpoint of the newest training, for ever, as research/deeplab's
`eval.py` does; `--max_number_of_evaluations=1` scores the newest one and ends. The network is the
one that `options.json` beside the checkpoint describes. It may run at another output stride than
it was trained at (`--output_stride=8`; ASPP's rates follow). A checkpoint without `options.json`,
such as those that research/deeplab published, needs the flags of its network.

Results: a table on the terminal, `eval-STEP.json` and TensorBoard's events in eval_logdir. The
checkpoint with the highest mean IoU on the split val is kept in best/ in the training's folder, and
`best_checkpoint` there says what it scored. Other splits don't count: a checkpoint that is chosen
by its score on a test split has seen the test.
"""

from commands import launcher  # before TensorFlow, whose start it quiets

# isort: split

import contextlib
import dataclasses
import os
from collections.abc import Mapping

import tensorflow.compat.v1 as tf
from absl import flags

from common import files
from common.texts import printable
from datasets.segmentation.specs import DatasetSpec
from deeplab.commands import evaluation_flags, inference_flags
from deeplab.evaluation import score_report
from deeplab.evaluation.evaluator import Evaluation, Evaluator
from deeplab.options import RESIZE_OPTIONS, InputOptions, ModelOptions
from deeplab.run_description import OPTIONS_FILE, read_description
from training import best_checkpoint

FLAGS = flags.FLAGS

flags.DEFINE_string(
    "eval_logdir",
    None,
    "Folder of the results. Default: eval/ in the training's folder; eval_SPLIT/ for another split "
    "than val, eval_ema/ with --use_ema.",
)
flags.DEFINE_string(
    "eval_split", evaluation_flags.DEFAULT_SPLIT, "Split to score. Only on val the best is kept."
)
flags.DEFINE_integer(
    "eval_batch_size", 1, "Images in a batch. More take more memory, and are faster on a GPU."
)
launcher.define_numbers(
    "eval_crop_size",
    None,
    "height,width in pixels that every image is padded to, each a multiple of output_stride plus "
    "one. Default: the smallest that holds every image of the split.",
)
flags.DEFINE_integer(
    "max_number_of_evaluations",
    0,
    "Evaluations until the command ends. 1 scores the newest checkpoint there is and ends; 0 or "
    "less waits for new checkpoints for ever.",
)


def main(arguments: list[str]) -> None:
    """Turns flags into options and scores one checkpoint after the other."""
    del arguments
    tf.disable_v2_behavior()
    tf.logging.set_verbosity(tf.logging.FATAL)  # its lines about checkpoints repeat ours
    arriving = evaluation_flags.find_checkpoints("max_number_of_evaluations")
    first = next(arriving)
    evaluation_flags.check_results_folder(
        "eval_logdir",
        FLAGS.eval_logdir
        or evaluation_flags.results_folder("eval", first, FLAGS.eval_split, use_ema=False),
    )
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
        restored = evaluation_flags.restore_each(evaluator, first, arriving)
        for checkpoint, saved_names in restored:
            _score(evaluator, checkpoint, saved_names, spec, model_options, inputs)


def _score(
    evaluator: Evaluator,
    checkpoint: str,
    saved_names: Mapping[str, str],
    spec: DatasetSpec,
    model_options: ModelOptions,
    inputs: InputOptions,
) -> None:
    """Scores the restored checkpoint, prints the table and writes the results."""
    use_ema = bool(saved_names)
    directory = FLAGS.eval_logdir or evaluation_flags.results_folder(
        "eval", checkpoint, FLAGS.eval_split, use_ema
    )
    files.remove_leftovers(directory)
    evaluation = evaluator.score()
    title = printable(inference_flags.title(checkpoint, saved_names))
    try:
        # First, so that a disk that is full does not lose them.
        print(f"{title}\n{score_report.format_table(evaluation, spec.class_names)}", flush=True)
    finally:  # Nor does a terminal or a pipe that has gone away.
        path = score_report.write_json(
            evaluation,
            directory,
            dataset_name=spec.name,
            class_names=spec.class_names,
            options={
                "dataset_dir": spec.directory,
                "use_ema": use_ema,
                "eval_crop_size": inputs.crop_size,
                **{name: getattr(inputs, name) for name in RESIZE_OPTIONS},
                "eval_scales": FLAGS.eval_scales,
                "add_flipped_images": FLAGS.add_flipped_images,
                "eval_batch_size": FLAGS.eval_batch_size,
                "model": dataclasses.asdict(model_options),
            },
        )
        score_report.write_summaries(
            evaluation, directory, scales=FLAGS.eval_scales, add_flipped=FLAGS.add_flipped_images
        )
    print(printable(path))
    kept = _keep_if_best(evaluation, spec, model_options, inputs, use_ema)
    if kept:
        print(printable(kept))


def _keep_if_best(
    evaluation: Evaluation,
    spec: DatasetSpec,
    model_options: ModelOptions,
    inputs: InputOptions,
    use_ema: bool,
) -> str | None:
    """Keeps a training's best checkpoint by its score on the validation split of its own dataset.

    Returns:
      A line for the user; None where the score does not count.
    """
    directory = os.path.dirname(evaluation.checkpoint) or "."
    if FLAGS.eval_split != evaluation_flags.DEFAULT_SPLIT:
        return None
    if not os.path.exists(os.path.join(directory, OPTIONS_FILE)):
        return None  # a download, which is not ours to write to
    trained_on = read_description(directory).dataset_name
    if trained_on != spec.name:
        return f"not compared with the best so far: the training was on the dataset {trained_on!r}"
    return best_checkpoint.keep_if_best(
        evaluation.checkpoint,
        "miou",
        evaluation.metrics.mean_iou,
        {
            "dataset": spec.name,
            "split": evaluation.split,
            "num_pictures": evaluation.num_images,
            "eval_crop_size": inputs.crop_size,
            **{name: getattr(inputs, name) for name in RESIZE_OPTIONS},
            "eval_scales": FLAGS.eval_scales,
            "add_flipped_images": FLAGS.add_flipped_images,
            "output_stride": model_options.output_stride,
            "atrous_rates": model_options.atrous_rates,
        },
        step=evaluation.step,
        use_ema=use_ema,
        companions=[OPTIONS_FILE],
    )
