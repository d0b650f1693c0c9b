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
from collections.abc import Iterator

import command_line  # before TensorFlow, whose start it quiets

# isort: split

import tensorflow.compat.v1 as tf
from absl import flags

import model_flags
from datasets import specs
from datasets.specs import DatasetSpec
from deeplab import evaluation_report, input_pipeline
from deeplab.evaluation import Evaluator
from deeplab.input_pipeline import InputOptions
from deeplab.options import OPTIONS_FILE, Description, ModelOptions, read_description
from inference_flags import RESIZE_FLAGS
from training import checkpoints

FLAGS = flags.FLAGS

flags.DEFINE_string(
    "checkpoint_dir",
    None,
    "Folder of checkpoints: the train_logdir of a training. Default: the newest one in runs/.",
)
flags.DEFINE_string(
    "checkpoint_path",
    None,
    "One checkpoint (model.ckpt-1000), which is scored instead of those of checkpoint_dir.",
)
flags.DEFINE_string(
    "eval_logdir",
    None,
    "Folder of the results. Default: eval/ in the checkpoint's folder, eval_SPLIT/ for another "
    "split than val.",
)
flags.DEFINE_string(
    "dataset_dir",
    None,
    "Folder of the records and their dataset.json. Default: data/tfrecords/NAME, with the name of "
    "--dataset or of the training's dataset; else the dataset built last.",
)
flags.DEFINE_string(
    "dataset",
    None,
    "Name of the dataset. With records that research/deeplab's converters made: pascal_voc_seg, "
    "cityscapes or ade20k.",
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
    "eval_interval_secs", 300, "Seconds at least between the starts of two evaluations."
)
flags.DEFINE_integer(
    "max_number_of_evaluations",
    0,
    "Evaluations until the command ends. 1 scores the newest checkpoint there is and ends; 0 waits "
    "for new checkpoints for ever.",
)
command_line.define_numbers(
    "eval_scales",
    (1.0,),
    "Scales at which the network sees each picture; their probabilities are averaged. Each takes "
    "its own time.",
    number_type=float,
)

_DEFAULT_SPLIT = "val"


def main(arguments: list[str]) -> None:
    """Turns flags into options and scores one checkpoint after the other."""
    del arguments
    tf.disable_v2_behavior()
    tf.logging.set_verbosity(tf.logging.ERROR)  # the lines of its waiting repeat ours
    if FLAGS.max_number_of_evaluations < 0 or FLAGS.eval_interval_secs < 0:
        raise ValueError(
            "max_number_of_evaluations and eval_interval_secs are numbers of 0 or more."
        )
    arriving = _checkpoints()
    first = next(arriving)
    spec, model_options, inputs = _resolve(os.path.dirname(first) or ".")
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


def _checkpoints() -> Iterator[str]:
    """Yields the checkpoints to score, and waits for them.

    Raises:
      ValueError: the folder or the checkpoint is not there.
    """
    if FLAGS.checkpoint_path is not None:
        yield checkpoints.find_checkpoint(FLAGS.checkpoint_path)
        return
    directory = FLAGS.checkpoint_dir or checkpoints.find_newest_run()
    if not os.path.isdir(directory):
        is_checkpoint = os.path.exists(f"{directory}.index") or os.path.exists(directory)
        raise ValueError(
            f"checkpoint_dir {directory} is no folder: "
            + (
                f"give one checkpoint as --checkpoint_path={directory}."
                if is_checkpoint
                else "it is the train_logdir of a training (runs/NAME)."
            )
        )
    limit = FLAGS.max_number_of_evaluations
    if limit == 1:
        yield checkpoints.find_checkpoint(directory)
        return
    print(
        f"scoring every new checkpoint in {directory} (Ctrl-C ends; --max_number_of_evaluations=1 "
        "scores the newest one and ends)",
        flush=True,
    )
    arriving = tf.train.checkpoints_iterator(directory, FLAGS.eval_interval_secs)
    for number, checkpoint in enumerate(arriving, start=1):
        yield checkpoint
        if number == limit:
            return
        print(f"waiting for the next checkpoint in {directory}", flush=True)


def _resolve(directory: str) -> tuple[DatasetSpec, ModelOptions, InputOptions]:
    """Finds out what to score on and how, from flags and the `options.json` in a folder.

    Raises:
      ValueError: flags, training and dataset contradict each other, or something is missing.
    """
    options_path = os.path.join(directory, OPTIONS_FILE)
    if os.path.exists(options_path):
        trained = read_description(directory)
        spec = _read_dataset(trained.dataset_name)
        _check_same_classes(spec, trained, options_path)
        model_options = model_flags.changed_options(trained.model, options_path)
        resize = {name: getattr(trained, name) for name in RESIZE_FLAGS}
    else:
        if "model_variant" not in model_flags.given_values():
            raise ValueError(
                f"{directory} has no {OPTIONS_FILE}: describe the network of its checkpoints with "
                "--model_variant and, where they are not the default, --atrous_rates, "
                "--decoder_output_stride …"
            )
        spec = _read_dataset(None)
        model_options = model_flags.model_options(spec.num_classes, has_gradient=False)
        resize = dict.fromkeys(RESIZE_FLAGS)
    resize.update({name: FLAGS[name].value for name in RESIZE_FLAGS if FLAGS[name].present})
    if FLAGS.eval_crop_size is None:
        crop_size = input_pipeline.crop_for(
            spec, [FLAGS.eval_split], model_options.output_stride, **resize
        )
    else:
        crop_size = tuple(FLAGS.eval_crop_size)
        input_pipeline.check_crop_size(crop_size, model_options.output_stride)
    return spec, model_options, InputOptions(crop_size=crop_size, **resize)


def _read_dataset(trained_on: str | None) -> DatasetSpec:
    directory = FLAGS.dataset_dir
    if directory is None and (FLAGS.dataset or trained_on):
        directory = os.path.join(specs.DATASETS_ROOT, FLAGS.dataset or trained_on)
        if FLAGS.dataset is None and not os.path.isdir(directory):
            directory = None
    return specs.read_spec(directory or specs.find_last_dataset(), FLAGS.dataset)


def _check_same_classes(spec: DatasetSpec, trained: Description, options_path: str) -> None:
    if trained.class_names and spec.class_names != trained.class_names:
        raise ValueError(
            f"dataset {spec.name!r} in {spec.directory} has the {spec.num_classes} classes "
            f"{', '.join(spec.class_names)}, but {options_path} says that the network was trained "
            f"on {trained.dataset_name!r} with the {len(trained.class_names)} classes "
            f"{', '.join(trained.class_names)}; name the dataset's folder with --dataset_dir."
        )


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
