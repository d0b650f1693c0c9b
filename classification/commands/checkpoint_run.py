"""What eval.py and vis.py of classification share: a trained network on a split of records."""

import dataclasses
import os
from collections.abc import Iterator

import tensorflow.compat.v1 as tf

from classification.commands.dataset_choice import check_labels_offset, read_dataset
from classification.commands.shared_options import (
    BatchOptions,
    EvaluatedViewOptions,
    TrainedNetworkOptions,
)
from classification.evaluation.evaluator import Evaluator
from classification.run_description import RunDescription, read_description
from commands.checkpoint_search import Checkpoints
from commands.flags import Flags
from commands.shared_options import DatasetOptions
from common.run_options import OPTIONS_FILE
from common.texts import first_few
from datasets.classification.specs import ClassificationSpec


class CheckpointRun:
    """Runs checkpoints on a split, as the flags say; waits for the first checkpoint.

    Args:
      flags: of the command.
      name, split, logdir, limit_flag: see `Checkpoints`.
      compares_statistics: see `Evaluator`.

    Attributes:
      spec: the dataset.
      description: the network, and how it sees an image.
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
        logdir: str | None,
        limit_flag: str,
        compares_statistics: bool,
    ):
        tf.disable_v2_behavior()
        tf.logging.set_verbosity(tf.logging.FATAL)  # its lines about checkpoints repeat ours
        self._checkpoints = Checkpoints(flags, name, split, logdir, limit_flag)
        directory = os.path.dirname(self._checkpoints.first) or "."
        self.description = as_evaluated(read_description(directory), flags)
        if name == "eval":
            check_as_trained(self.description, flags, os.path.join(directory, OPTIONS_FILE))
        self.spec = read_dataset(flags.options(DatasetOptions), self.description.dataset_name)
        _check_same_classes(self.spec, self.description, os.path.join(directory, OPTIONS_FILE))
        check_labels_offset(self.spec, split, self.description.view.labels_offset)
        self.evaluator = Evaluator(
            self.spec,
            split,
            self.description,
            batch_size=flags.options(BatchOptions).eval_batch_size,
            compares_statistics=compares_statistics,
        )

    def __iter__(self) -> Iterator[tuple[str, dict[str, str]]]:
        """Loads one checkpoint after the other; see `Checkpoints.restored`."""
        return self._checkpoints.restored(self.evaluator)

    def results_folder(self, checkpoint: str, use_ema: bool) -> str:
        """Returns where the results go; see `Checkpoints.results_folder`."""
        return self._checkpoints.results_folder(checkpoint, use_ema)

    def close(self) -> None:
        """Frees what the evaluator holds."""
        self.evaluator.close()


def as_evaluated(trained: RunDescription, flags: Flags) -> RunDescription:
    """Returns a trained network with what flags may change of how it sees an image."""
    size = flags.options(EvaluatedViewOptions).eval_image_size
    if size is None:
        return trained
    return dataclasses.replace(trained, view=dataclasses.replace(trained.view, image_size=size))


def check_as_trained(trained: RunDescription, flags: Flags, options_path: str) -> None:
    """Refuses (ValueError) flags of `TrainedNetworkOptions` that contradict the training."""
    stored = {**vars(trained.model), **vars(trained.view)}
    for name, value in flags.given(TrainedNetworkOptions).items():
        if value != stored[name]:
            raise ValueError(
                f"--{name} is {value}, but {options_path} says that the network was trained with "
                f"{stored[name]}. Omit the flag."
            )


def _check_same_classes(
    spec: ClassificationSpec, trained: RunDescription, options_path: str
) -> None:
    names = spec.class_names[trained.view.labels_offset :]
    if names != trained.class_names:
        raise ValueError(
            f"dataset {spec.name!r} in {spec.directory} has the {len(names)} classes "
            f"{first_few(names)}, but {options_path} says that the network was trained on "
            f"{trained.dataset_name!r} with the {len(trained.class_names)} classes "
            f"{first_few(trained.class_names)}; name the dataset's folder with --dataset_dir."
        )
