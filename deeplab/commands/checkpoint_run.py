"""What eval.py and vis.py share: checkpoints run, one after the other, on a split of records."""

import dataclasses
import glob
import itertools
import os
import sys
from collections.abc import Iterator

import tensorflow.compat.v1 as tf

from commands.flags import Flags
from common import files
from common.run_options import OPTIONS_FILE, RUNS_ROOT
from common.texts import printable
from datasets.segmentation.specs import DatasetSpec
from deeplab.commands import network_flags, weights
from deeplab.commands.dataset_choice import read_dataset
from deeplab.commands.shared_options import (
    DEFAULT_SPLIT,
    DatasetOptions,
    EvaluationOptions,
    InferenceOptions,
)
from deeplab.data import crop_sizes
from deeplab.evaluation.evaluator import Evaluator
from deeplab.options import (
    InputOptions,
    MemoryOptions,
    ModelOptions,
    ResizeOptions,
)
from deeplab.run_description import RunDescription, read_description
from training import best_checkpoint, checkpoints
from training.arrivals import Arrivals


class CheckpointRun:
    """Runs checkpoints on a split, as the flags say; waits for the first checkpoint.

    Args:
      flags: of the command.
      name: "eval" or "vis": the results' folder, beside the checkpoints.
      split: name of the split.
      batch_size: images that run at once.
      crop_size: height,width that images are padded to; None for the smallest that holds each.
      logdir: folder of the results; None for `results_folder`.
      limit_flag: name of the flag that says after how many checkpoints to end: 1 is the newest
        there is, 0 or less waits for new ones until the command is ended.

    Attributes:
      spec: the dataset.
      model_options, inputs: the network and what it sees.
      batch_size, scales, add_flipped: how it sees it.
      evaluator: runs the checkpoint that iteration gave last.

    Raises:
      ValueError: flags, training and dataset contradict each other, or something is missing.
    """

    def __init__(
        self,
        flags: Flags,
        name: str,
        *,
        split: str,
        batch_size: int,
        crop_size: tuple[int, int] | None,
        logdir: str | None,
        limit_flag: str,
    ):
        tf.disable_v2_behavior()
        tf.logging.set_verbosity(tf.logging.FATAL)  # its lines about checkpoints repeat ours
        self._name, self._split, self._logdir = name, split, logdir
        options, inference = flags.options(EvaluationOptions), flags.options(InferenceOptions)
        self.batch_size, self.scales = batch_size, options.eval_scales
        self.add_flipped, self._use_ema = inference.add_flipped_images, inference.use_ema
        self._arriving = _find_checkpoints(options, flags.value(limit_flag), limit_flag)
        self._first = next(self._arriving)
        _check_results_folder(f"{name}_logdir", self.results_folder(self._first, use_ema=False))
        directory = os.path.dirname(self._first) or "."
        self.spec, self.model_options, self.inputs = resolve(flags, directory, split, crop_size)
        self.evaluator = Evaluator(
            self.spec,
            split,
            self.model_options,
            self.inputs,
            batch_size=batch_size,
            scales=self.scales,
            add_flipped=self.add_flipped,
        )

    def __iter__(self) -> Iterator[tuple[str, dict[str, str]]]:
        """Loads one checkpoint after the other; those that are removed meanwhile are left out.

        Yields:
          (prefix, the names of the weights that were loaded: `weights.saved_names`).
        """
        for checkpoint in itertools.chain([self._first], self._arriving):
            saved_names = self._arriving.read(checkpoint, self._restore)
            if saved_names is not None:
                yield checkpoint, saved_names

    def results_folder(self, checkpoint: str, use_ema: bool) -> str:
        """Returns where the results go: the flag, or NAME, NAME_SPLIT, NAME_SPLIT_ema, NAME_ema.

        Args:
          checkpoint: prefix. In its training run's folder NAME alone is for the split "val".
          use_ema: whether the averages of the weights are used.
        """
        if self._logdir:
            return self._logdir
        split = [] if self._split == DEFAULT_SPLIT else [self._split]
        folder = "_".join([self._name, *split, *(["ema"] if use_ema else [])])
        return os.path.join(best_checkpoint.training_folder(checkpoint), folder)

    def close(self) -> None:
        """Frees what the evaluator holds."""
        self.evaluator.close()

    def _restore(self, checkpoint: str) -> dict[str, str]:
        saved_names = weights.saved_names(checkpoint, self._use_ema)
        self.evaluator.restore(checkpoint, saved_names)
        return saved_names


def _find_checkpoints(options: EvaluationOptions, limit: int, limit_flag: str) -> Arrivals:
    """Finds the checkpoints to run, and says what it waits for.

    Raises:
      ValueError: the folder or the checkpoint does not exist.
    """
    if options.eval_interval_secs < 0:
        raise ValueError(
            f"eval_interval_secs is {options.eval_interval_secs}; expected 0 or more seconds."
        )
    if options.checkpoint_path is not None:
        limit = 1
        source = checkpoints.find_checkpoint(options.checkpoint_path, options.checkpoint_dir)
    else:
        source = options.checkpoint_dir or _find_newest_run()
        _check_is_folder(source)
        if limit == 1 and checkpoints.latest_checkpoint(source) is None and _has_options(source):
            raise ValueError(
                f"the training run in {source} has not saved a checkpoint yet: it saves one every "
                f"--save_interval_secs and when it ends. Without --{limit_flag}=1 this command "
                "waits for it."
            )
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
        options.eval_interval_secs,
        report=lambda line: print(printable(line), flush=True),
        warn=lambda line: print(f"warning: {printable(line)}", file=sys.stderr, flush=True),
    )


def _find_newest_run() -> str:
    """Returns the newest training run; one that has not saved yet, where there is no other."""
    try:
        return checkpoints.find_newest_run()
    except ValueError:
        started = glob.glob(os.path.join(RUNS_ROOT, "*", OPTIONS_FILE))
        if not started:
            raise
    return os.path.dirname(max(started, key=os.path.getmtime))


def _check_is_folder(directory: str) -> None:
    if os.path.isdir(directory):
        return
    if os.path.exists(f"{directory}.index") or os.path.exists(directory):
        advice = f"give one checkpoint as --checkpoint_path={directory}."
    else:
        advice = "it is the train_logdir of a training run (runs/NAME)."
    raise ValueError(f"checkpoint_dir {directory} is not a folder: {advice}")


def _has_options(directory: str) -> bool:
    return os.path.exists(os.path.join(directory, OPTIONS_FILE))


def _check_results_folder(flag: str, directory: str) -> None:
    """Makes sure that results can be written, before it takes hours to compute them."""
    obstacle = files.find_obstacle(directory)
    if obstacle is not None:
        raise ValueError(
            f"the results cannot go to {directory}: {' '.join(obstacle)}. Give another --{flag}."
        )


def resolve(
    flags: Flags, directory: str, split: str, crop_size: tuple[int, int] | None
) -> tuple[DatasetSpec, ModelOptions, InputOptions]:
    """Finds out what to run on and how, from flags and the `options.json` in a folder."""
    dataset = flags.options(DatasetOptions)
    options_path = os.path.join(directory, OPTIONS_FILE)
    resize: ResizeOptions
    if os.path.exists(options_path):
        trained = read_description(directory)
        spec = read_dataset(dataset, trained.dataset_name)
        _check_same_classes(spec, trained, options_path)
        model_options = network_flags.changed_options(flags, trained.model, options_path)
        resize = trained
    else:
        if not flags.is_given("model_variant"):
            raise ValueError(
                f"{directory} has no {OPTIONS_FILE}: describe the network of its checkpoints with "
                "--model_variant and, where they are not the default, --atrous_rates, "
                "--decoder_output_stride …"
            )
        spec = read_dataset(dataset)
        model_options = network_flags.model_options(flags, spec.num_classes, has_gradient=False)
        resize = ResizeOptions()
    resize = dataclasses.replace(resize, **flags.given(ResizeOptions))
    if crop_size is None:
        crop_size = crop_sizes.smallest(spec, [split], model_options.output_stride, resize)
    else:
        crop_sizes.check(crop_size, model_options.output_stride)
    memory = flags.options(MemoryOptions)
    inputs = InputOptions(crop_size=crop_size, **resize.resize_values(), **vars(memory))
    return spec, model_options, inputs


def _check_same_classes(spec: DatasetSpec, trained: RunDescription, options_path: str) -> None:
    if trained.class_names and spec.class_names != trained.class_names:
        raise ValueError(
            f"dataset {spec.name!r} in {spec.directory} has the {spec.num_classes} classes "
            f"{', '.join(spec.class_names)}, but {options_path} says that the network was trained "
            f"on {trained.dataset_name!r} with the {len(trained.class_names)} classes "
            f"{', '.join(trained.class_names)}; name the dataset's folder with --dataset_dir."
        )
