"""Which checkpoints a command runs, waiting for new ones, and where its results go."""

import dataclasses
import glob
import itertools
import os
import sys
from collections.abc import Iterator, Mapping
from typing import Protocol

from commands import weights
from commands.flags import Flags
from commands.shared_options import (
    DEFAULT_SPLIT,
    CheckpointOptions,
    DatasetOptions,
    WeightsOptions,
)
from common import files
from common.dataset_origin import Trained
from common.run_options import OPTIONS_FILE, RUNS_ROOT
from common.texts import printable
from datasets.records import origin
from datasets.records.origin import PlacedDataset
from training import best_checkpoint, checkpoints, validation
from training.arrivals import Arrivals


class Restorable(Protocol):
    """What takes the weights of checkpoints, such as an evaluator."""

    def restore(self, checkpoint: str, saved_names: Mapping[str, str]) -> None:
        """Takes the weights of a checkpoint, under other names where `saved_names` has some."""
        ...


def find_one(checkpoint_path: str | None) -> str:
    """Returns the prefix of the checkpoint that a command which runs one takes.

    Args:
      checkpoint_path: what a user names; None for the newest training run.

    Raises:
      ValueError: there is none.
    """
    return validation.find_chosen(checkpoint_path or checkpoints.find_newest_run())


class Checkpoints:
    """The checkpoints that a command runs, one after the other; waits for the first one.

    Args:
      flags: of the command: `CheckpointOptions` and `WeightsOptions` among them.
      name: of the results' folder, beside the checkpoints, and of the flag `NAME_logdir`.
      split: name of the split that they run on.
      logdir: folder of the results; None for `results_folder`.
      limit_flag: name of the flag that says after how many checkpoints to end: 1 is the one that
        the training run is used with (`validation.chosen_folder`), 0 or less waits for new ones
        until the command is ended. None for a command that runs one.
      checkpoint_path: takes the place of the flag of that name; None for what the flag says.

    Attributes:
      first: prefix of the first one.

    Raises:
      ValueError: there is no such checkpoint, or results cannot be written.
    """

    def __init__(
        self,
        flags: Flags,
        name: str,
        split: str,
        logdir: str | None,
        limit_flag: str | None,
        checkpoint_path: str | None = None,
    ):
        self._name, self._split, self._logdir = name, split, logdir
        self._use_ema = flags.options(WeightsOptions).use_ema
        options = flags.options(CheckpointOptions)
        if checkpoint_path is not None:
            options = dataclasses.replace(options, checkpoint_path=checkpoint_path)
        limit = 1 if limit_flag is None else flags.value(limit_flag)
        self._arriving = _find(options, limit, limit_flag)
        self.first = next(self._arriving)
        _check_results_folder(f"{name}_logdir", self.results_folder(self.first, use_ema=False))

    def restored(self, evaluator: Restorable) -> Iterator[tuple[str, dict[str, str]]]:
        """Loads one checkpoint after the other; those that are removed meanwhile are left out.

        Yields:
          (prefix, the names of the weights that were loaded: `weights.saved_names`).
        """

        def restore(checkpoint: str) -> dict[str, str]:
            saved_names = weights.saved_names(checkpoint, self._use_ema)
            evaluator.restore(checkpoint, saved_names)
            return saved_names

        for checkpoint in itertools.chain([self.first], self._arriving):
            saved_names = self._arriving.read(checkpoint, restore)
            if saved_names is not None:
                yield checkpoint, saved_names

    def results_folder(self, checkpoint: str, use_ema: bool) -> str:
        """Returns where the results go: the flag, or NAME, NAME_SPLIT, NAME_SPLIT_ema, NAME_ema.

        Args:
          checkpoint: prefix. In its training run's folder NAME alone is for the split "val".
          use_ema: whether the averages of the weights are used. Where the training run has
            validated itself with them, they are what needs no ending, and the weights have one.
        """
        if self._logdir:
            return self._logdir
        run = best_checkpoint.training_folder(checkpoint)
        parts = [self._name] if self._split == DEFAULT_SPLIT else [self._name, self._split]
        if use_ema != validation.scores_averages(run):
            parts.append("ema" if use_ema else "noema")
        return os.path.join(run, "_".join(parts))


def _find(options: CheckpointOptions, limit: int, limit_flag: str | None) -> Arrivals:
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
        source = validation.find_chosen(options.checkpoint_path, options.checkpoint_dir)
    else:
        source = options.checkpoint_dir or _find_newest_run()
        _check_is_folder(source)
        if limit == 1:
            source = validation.chosen_folder(source)
            _check_has_saved(source, limit_flag)
    if limit != 1:
        which = f"the next {limit} checkpoints" if limit > 1 else "every new checkpoint"
        print(
            f"taking {which} in {printable(source)}, the newest first (Ctrl-C ends; "
            f"--{limit_flag}=1 takes one and ends)",
            flush=True,
        )
    return Arrivals(
        source,
        limit,
        options.eval_interval_secs,
        report=lambda line: print(printable(line), flush=True),
        warn=lambda line: print(f"warning: {printable(line)}", file=sys.stderr, flush=True),
    )


def _check_has_saved(run: str, limit_flag: str | None) -> None:
    """Refuses (ValueError) a training run that has not saved a checkpoint yet."""
    if checkpoints.latest_checkpoint(run) is None and _has_options(run):
        waits = limit_flag and f" Without --{limit_flag}=1 this command waits for it."
        raise ValueError(
            f"the training run in {run} has not saved a checkpoint yet: it saves one every "
            f"--save_interval_secs and when it ends.{waits or ''}"
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


def warn_of_other_dataset(
    options: DatasetOptions, spec: PlacedDataset, split: str, trained: Trained
) -> None:
    """Warns that a network runs on another dataset than its own, unless a flag names that.

    Args:
      options: of the command.
      spec, split: what it runs on.
      trained: describes its training run.
    """
    is_named = options.dataset_dir is not None or options.dataset
    if is_named or not trained.dataset_name:
        return
    other = origin.describe_other(spec, split, trained)
    if other is not None:
        line = (
            f"warning: the network was trained on {other}, and this is {spec.name!r} in "
            f"{spec.directory}: name the folder of the records with --dataset_dir."
        )
        print(printable(line), file=sys.stderr, flush=True)
