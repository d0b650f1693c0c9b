"""What a task, such as semantic segmentation, gives to the training loop."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import tensorflow.compat.v1 as tf

from deployment.model_deploy import Batch
from training.validation import Validator


def joined_settings(records: Iterable[object], omitted: Iterable[str]) -> dict[str, Any]:
    """Returns the fields of several records of options by name, but for some, which must be there.

    For `Task.common_settings`.
    """
    settings = {name: value for record in records for name, value in vars(record).items()}
    for name in omitted:
        del settings[name]
    return settings


class Task(Protocol):
    """The data, the network and the words of what is trained.

    A class that inherits from this one only defines what its task has: everything except the data
    and the network has a default.

    Attributes:
      memory_advice: a sentence that tells users what to lower when memory does not suffice.
    """

    memory_advice: str = "Lower train_batch_size."

    def open_batches(self, batch_size: int, seed: int | None) -> tf.data.Dataset:
        """Opens the endless dataset of batches: tensors [batch_size, ...] by name.

        Args:
          batch_size: examples in a batch, which the clones of this process share.
          seed: decides the order of the examples and all that is random in them. Every worker, and
            a training run that is resumed, gets another one. None for a different one every time.
        """
        ...

    def build_clone(self, batch: Batch) -> None:
        """Builds a clone of the network on its share of a batch (`model_deploy.create_clones`)."""
        ...

    def save_memory(self) -> str:
        """Makes clones that are built from now on take less memory and more time, if they can.

        Returns:
          What they do, for the user; "" if nothing is left to do.
        """
        return ""

    def join_clones(self) -> None:
        """Connects the clones, all of which are built, before their gradients are taken."""

    def describe_batch(self, batch: Batch) -> Mapping[str, tf.Tensor]:
        """Returns tensors that tell a user which batch it was, by what an error calls them.

        They are only computed when a step has failed.
        """
        del batch
        return {}

    def open_validator(self) -> Validator:
        """Opens what scores checkpoints during training (`TrainOptions.validate_every`).

        Raises:
          ValueError: there is nothing to score them on.
        """
        raise ValueError("validate_every is given, but this task has no validation.")

    def adapt(self, name: str, saved: np.ndarray, initial: np.ndarray) -> np.ndarray | None:
        """Makes a value of another shape, from the checkpoint of a warm start, fit a variable.

        Returns:
          What the variable starts from; None to keep its initial value.
        """
        del name, saved, initial
        return None

    def former_names(self, name: str) -> Sequence[str]:
        """Returns other names of a variable, under which older checkpoints have it."""
        del name
        return ()

    def explain_error(self, error: tf.errors.OpError) -> Exception | None:
        """Returns an error that names the file at fault when a step has failed, if there is one."""
        del error
        return None

    def common_settings(self) -> Mapping[str, Any]:
        """Returns what all processes of a cluster must have in common, by name."""
        return {}

    def write_beside_checkpoints(self, directory: str) -> str | None:
        """Writes what goes with the checkpoints into their folder; returns that file's path.

        The loop calls it before the first step, and again when the file has been removed.
        """
        del directory
        return None
