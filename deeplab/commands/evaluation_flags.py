"""What `eval.py` and `vis.py` share: which checkpoints run, on which records, and how.

Flags, and the functions that turn them into options.
"""

import glob
import itertools
import os
import sys
from collections.abc import Iterator, Sequence

from absl import flags

from commands import option_flags, refused_flags
from commands.launcher import define_numbers
from common.texts import printable
from datasets.segmentation import specs
from datasets.segmentation.specs import DatasetSpec
from deeplab.commands import inference_flags, network_flags
from deeplab.data import crop_sizes
from deeplab.evaluation.evaluator import Evaluator
from deeplab.options import RESIZE_OPTIONS, InputOptions, ModelOptions
from deeplab.run_description import OPTIONS_FILE, RunDescription, read_description
from training import best_checkpoint, checkpoints
from training.arrivals import Arrivals

FLAGS = flags.FLAGS

DEFAULT_SPLIT = "val"

flags.DEFINE_string(
    "checkpoint_dir",
    None,
    "Folder of checkpoints: the train_logdir of a training. Default: the newest one in runs/.",
)
flags.DEFINE_string(
    "checkpoint_path",
    None,
    "One checkpoint (model.ckpt-1000), which is taken instead of those of checkpoint_dir; or "
    "'best' or 'latest' for that one of checkpoint_dir.",
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
flags.DEFINE_integer(
    "eval_interval_secs", 300, "Seconds at least between the starts on two checkpoints."
)
define_numbers(
    "eval_scales",
    (1.0,),
    "Scales at which the network sees each image; their probabilities are averaged. Each takes "
    "its own time.",
    number_type=float,
)
option_flags.define(InputOptions, names=["input_memory_mb"])
refused_flags.define_refused(
    flags.DEFINE_string,
    "master",
    "",
    "scoring and drawing run in this process; leave the flag away",
)


def find_checkpoints(limit_flag: str) -> Arrivals:
    """Finds the checkpoints to run, and says what it waits for.

    Args:
      limit_flag: name of the flag that says after how many to end: 1 is the newest there is, 0 or
        less waits for new ones until the command is ended.

    Raises:
      ValueError: the folder or the checkpoint is not there.
    """
    if FLAGS.eval_interval_secs < 0:
        raise ValueError(
            f"eval_interval_secs is {FLAGS.eval_interval_secs}; expected 0 or more seconds."
        )
    limit = FLAGS[limit_flag].value
    if FLAGS.checkpoint_path is not None:
        limit = 1
        source = checkpoints.find_checkpoint(FLAGS.checkpoint_path, FLAGS.checkpoint_dir)
    else:
        source = FLAGS.checkpoint_dir or _find_newest_run()
        _check_is_folder(source)
        if limit == 1 and checkpoints.latest_checkpoint(source) is None and _has_options(source):
            raise ValueError(_describe_unsaved(source, limit_flag))
    if limit != 1:
        which = f"the next {limit} checkpoints" if limit > 1 else "every new checkpoint"
        print(
            f"taking {which} in {printable(source)}, the newest first (Ctrl-C ends; "
            f"--{limit_flag}=1 takes the newest one and ends)",
            flush=True,
        )
    return Arrivals(
        source,
        limit,
        FLAGS.eval_interval_secs,
        report=lambda line: print(printable(line), flush=True),
        warn=lambda line: print(f"warning: {printable(line)}", file=sys.stderr, flush=True),
    )


def restore_each(
    evaluator: Evaluator, first: str, arriving: Arrivals
) -> Iterator[tuple[str, dict[str, str]]]:
    """Loads one checkpoint after the other into an evaluator; those that are removed are left out.

    Args:
      evaluator: takes the weights.
      first: prefix of the first checkpoint, which has been taken from `arriving`.
      arriving: the others.

    Yields:
      (prefix, the names of the weights that were loaded: `inference_flags.saved_names`).
    """

    def restore(checkpoint: str) -> dict[str, str]:
        saved_names = inference_flags.saved_names(checkpoint)
        evaluator.restore(checkpoint, saved_names)
        return saved_names

    for checkpoint in itertools.chain([first], arriving):
        saved_names = arriving.read(checkpoint, restore)
        if saved_names is not None:
            yield checkpoint, saved_names


def _find_newest_run() -> str:
    """Returns the newest training run; one that has not saved yet, where there is no other."""
    try:
        return checkpoints.find_newest_run()
    except ValueError:
        started = glob.glob(os.path.join(checkpoints.RUNS_ROOT, "*", OPTIONS_FILE))
        if not started:
            raise
    return os.path.dirname(max(started, key=os.path.getmtime))


def _check_is_folder(directory: str) -> None:
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


def _has_options(directory: str) -> bool:
    return os.path.exists(os.path.join(directory, OPTIONS_FILE))


def _describe_unsaved(directory: str, limit_flag: str) -> str:
    return (
        f"the training run in {directory} has not saved a checkpoint yet: it saves one every "
        f"--save_interval_secs and when it ends. Without --{limit_flag}=1 this command waits for "
        "it."
    )


def results_folder(name: str, checkpoint: str, split: str, use_ema: bool) -> str:
    """Returns where the results go if no flag says it: NAME, NAME_SPLIT, NAME_SPLIT_ema, NAME_ema.

    Args:
      name: "eval" or "vis"; in the training's folder it stands alone for the split "val".
      checkpoint: prefix.
      split: name of the split.
      use_ema: whether the averages of the weights are used.
    """
    parts = [name, *([] if split == DEFAULT_SPLIT else [split]), *(["ema"] if use_ema else [])]
    return os.path.join(best_checkpoint.training_folder(checkpoint), "_".join(parts))


def check_results_folder(flag: str, directory: str) -> None:
    """Makes sure that results can be written, before it takes hours to compute them.

    Args:
      flag: name of the flag that sets the folder.
      directory: the folder; it need not be there yet.

    Raises:
      ValueError: there is a file in its place, or it cannot be written to.
    """
    existing = os.path.abspath(directory)
    while not os.path.lexists(existing):
        existing = os.path.dirname(existing)
    if not os.path.isdir(existing):
        raise ValueError(
            f"the results cannot go to {directory}: {existing} is not a folder. Give another "
            f"--{flag}."
        )
    if not os.access(existing, os.W_OK | os.X_OK):
        raise ValueError(
            f"the results cannot go to {directory}: {existing} cannot be written to. Give another "
            f"--{flag}."
        )


def resolve(
    directory: str, split: str, crop_size: Sequence[int] | None
) -> tuple[DatasetSpec, ModelOptions, InputOptions]:
    """Finds out what to run on and how, from flags and the `options.json` in a folder.

    Args:
      directory: folder of the checkpoint.
      split: name of the split.
      crop_size: (height, width) that images are padded to; None for the smallest that holds every
        image of the split.

    Raises:
      ValueError: flags, training and dataset contradict each other, or something is missing.
    """
    options_path = os.path.join(directory, OPTIONS_FILE)
    if os.path.exists(options_path):
        trained = read_description(directory)
        spec = _read_dataset(trained.dataset_name)
        _check_same_classes(spec, trained, options_path)
        model_options = network_flags.changed_options(trained.model, options_path)
        resize = {name: getattr(trained, name) for name in RESIZE_OPTIONS}
    else:
        if "model_variant" not in network_flags.given_values():
            raise ValueError(
                f"{directory} has no {OPTIONS_FILE}: describe the network of its checkpoints with "
                "--model_variant and, where they are not the default, --atrous_rates, "
                "--decoder_output_stride …"
            )
        spec = _read_dataset(None)
        model_options = network_flags.model_options(spec.num_classes, has_gradient=False)
        resize = {name: FLAGS[name].default for name in RESIZE_OPTIONS}
    resize.update({name: FLAGS[name].value for name in RESIZE_OPTIONS if FLAGS[name].present})
    if crop_size is None:
        crop_size = crop_sizes.smallest(spec, [split], model_options.output_stride, **resize)
    else:
        crop_sizes.check(crop_size, model_options.output_stride)
    inputs = InputOptions(
        crop_size=tuple(crop_size), **resize, input_memory_mb=FLAGS.input_memory_mb
    )
    return spec, model_options, inputs


def _read_dataset(trained_on: str | None) -> DatasetSpec:
    directory = FLAGS.dataset_dir
    if directory is None and (FLAGS.dataset or trained_on):
        directory = os.path.join(specs.DATASETS_ROOT, FLAGS.dataset or trained_on)
        if FLAGS.dataset is None and not os.path.isdir(directory):
            directory = None
    return specs.read_spec(directory or specs.find_last_dataset(), FLAGS.dataset)


def _check_same_classes(spec: DatasetSpec, trained: RunDescription, options_path: str) -> None:
    if trained.class_names and spec.class_names != trained.class_names:
        raise ValueError(
            f"dataset {spec.name!r} in {spec.directory} has the {spec.num_classes} classes "
            f"{', '.join(spec.class_names)}, but {options_path} says that the network was trained "
            f"on {trained.dataset_name!r} with the {len(trained.class_names)} classes "
            f"{', '.join(trained.class_names)}; name the dataset's folder with --dataset_dir."
        )
