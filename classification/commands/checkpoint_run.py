"""What eval.py and vis.py of classification share: a trained network on a split of records."""

import dataclasses
import os
from collections.abc import Iterator

import tensorflow.compat.v1 as tf

from classification.commands.dataset_choice import check_labels_offset, read_dataset
from classification.commands.network_description import describe, refuse_others
from classification.evaluation.evaluator import Evaluator
from classification.run_description import RunDescription
from commands import checkpoint_search
from commands.checkpoint_search import Checkpoints
from commands.flags import Flags
from commands.shared_options import BatchOptions, CheckpointOptions, DatasetOptions
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
        refuse_others(flags.options(CheckpointOptions).checkpoint_path)
        self._checkpoints = Checkpoints(flags, name, split, logdir, limit_flag)
        directory = os.path.dirname(self._checkpoints.first) or "."
        description = describe(flags, self._checkpoints.first)
        dataset = flags.options(DatasetOptions)
        self.spec = read_dataset(dataset, description)
        checkpoint_search.warn_of_other_dataset(dataset, self.spec, split, description)
        if not description.dataset_name:  # Of a checkpoint without options.json.
            _check_number_of_classes(self.spec, description)
            names = self.spec.class_names[description.view.labels_offset :]
            description = dataclasses.replace(description, class_names=names)
        self.description = description
        _check_same_classes(self.spec, description, os.path.join(directory, OPTIONS_FILE))
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


def _check_number_of_classes(spec: ClassificationSpec, description: RunDescription) -> None:
    num_classes, offset = description.model.num_classes, description.view.labels_offset
    if spec.num_classes - offset != num_classes:
        raise ValueError(
            f"the checkpoint has logits of {num_classes} classes, but dataset {spec.name!r} in "
            f"{spec.directory} has {spec.num_classes} (labels_offset is {offset}): name another "
            "--dataset_dir, or the number of leading classes that the network lacks with "
            "--labels_offset."
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
            f"{first_few(trained.class_names)}. Name a dataset of its classes with --dataset_dir."
        )
