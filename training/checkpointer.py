"""Saves and restores the variables of a training run."""

import contextlib
import os
from collections.abc import Callable, Mapping

import numpy as np
import tensorflow.compat.v1 as tf

from common import checkpoint_files, checkpoint_reader
from common.checkpoint_writer import Writer
from common.texts import printable
from common.tf_errors import reason
from training import checkpoints
from training.checkpoints import AVERAGE_SUFFIX, CHECKPOINT_NAME, Reader
from training.ema import Averages
from training.nan_guard import finite_values


class SaveError(OSError):
    """A checkpoint cannot be written."""


class Checkpointer:
    """Saves and restores all variables of the default graph, to which it adds nothing.

    Args:
      train_logdir: folder of the checkpoints.
      max_checkpoints_to_keep: 0 for all.
      averages: those among the variables that a checkpoint may lack as a whole.
      ensure_folder: called before anything is written, to make the folder again if it is gone.

    Attributes:
      newest: prefix of the newest checkpoint known here, or None.
    """

    def __init__(
        self,
        train_logdir: str,
        max_checkpoints_to_keep: int,
        averages: Averages | None = None,
        ensure_folder: Callable[[], None] = lambda: None,
    ):
        self.train_logdir = train_logdir
        self.newest: str | None = None
        self.ensure_folder = ensure_folder
        self._max_to_keep = max_checkpoints_to_keep
        self._averages = averages
        self._variables = tf.global_variables()
        self._writer: Writer | None = None
        self._kept: list[str] = []

    def check(self, checkpoint: str) -> str:
        """Makes sure that a training run can go on from a checkpoint, or raises ValueError.

        Returns:
          What the user should know of the averages, or "".
        """
        has_averages = bool(Reader(checkpoint).averages)
        checkpoints.check_restorable(checkpoint, self._restored(has_averages))
        if self._averages and not has_averages:
            return "; it has no averages of its weights (ema_decay), so they start from the weights"
        if has_averages and not self._averages:
            return (
                "\nwarning: its averages of the weights are dropped, because ema_decay is 0; to "
                "keep them, give the ema_decay that it was trained with."
            )
        return ""

    def restore(self, session: tf.Session, checkpoint: str) -> None:
        """Restores every variable from a checkpoint; averages that it lacks start from theirs."""
        reader = Reader(checkpoint)
        variables = self._restored(bool(reader.averages))
        checkpoint_reader.load(session, reader, {each.op.name: each for each in variables})
        if self._averages and not reader.averages:
            session.run(self._averages.start)
        self.follow(checkpoint)

    def follow(self, checkpoint: str) -> None:
        """Takes a checkpoint for the newest one, without restoring it."""
        self.newest = checkpoint
        # Those of earlier runs count towards max_checkpoints_to_keep, those elsewhere do not.
        folder = os.path.dirname(self._path(0))
        known = checkpoint_files.read_state(self.train_logdir)
        self._kept = [prefix for prefix in known if os.path.dirname(prefix) == folder]

    def save(self, session: tf.Session, step: int) -> bool:
        """Saves a checkpoint, unless the newest one is of this step; returns whether it did.

        Raises:
          NonFiniteError: a variable is not finite; nothing is saved.
          SaveError: the checkpoint cannot be written; what was begun is removed.
          OSError, ValueError: the folder is gone and cannot be made again.
        """
        path = self._path(step)
        self.ensure_folder()
        if self.newest == path and checkpoint_files.exists(path):
            return False
        values = finite_values(session, self._variables)
        kept = [prefix for prefix in self._kept if prefix != path] + [path]
        removed = kept[: -self._max_to_keep] if self._max_to_keep else []
        kept = kept[len(removed) :]
        try:
            self._write(path, values)
            checkpoint_files.write_state(self.train_logdir, kept)
        # TensorFlow raises some statuses as Python's own exceptions.
        except (tf.errors.OpError, OSError, ValueError, IndexError, RuntimeError) as error:
            self._remove_unfinished(os.path.basename(path))
            raise SaveError(
                f"checkpoint {printable(path)} cannot be written ({reason(error)}). Is the disk "
                f"full? {self.describe_newest()}"
            ) from error
        self.newest, self._kept = path, kept
        for prefix in removed:
            with contextlib.suppress(OSError):  # Somebody was faster, or may remove it and we not.
                checkpoint_files.remove(prefix)
        return True

    def describe_newest(self) -> str:
        """Returns a sentence that names the newest checkpoint."""
        if self.newest is None:
            return "No checkpoint was saved before."
        return f"The last good checkpoint is {printable(self.newest)}."

    def _write(self, path: str, values: Mapping[str, np.ndarray | np.generic]) -> None:
        if self._writer is None:
            types = {each.op.name: each.dtype.base_dtype for each in self._variables}
            self._writer = Writer(types)
        self._writer.write(path, values)

    def _restored(self, has_averages: bool) -> list[tf.Variable]:
        """Returns the variables that are restored from a checkpoint with averages or without."""
        if self._averages and not has_averages:
            return [each for each in self._variables if not each.op.name.endswith(AVERAGE_SUFFIX)]
        return self._variables

    def _path(self, step: int) -> str:
        return os.path.join(self.train_logdir, f"{CHECKPOINT_NAME}-{step}")

    def _remove_unfinished(self, name: str) -> None:
        with contextlib.suppress(OSError):
            for entry in os.listdir(self.train_logdir):
                if entry.startswith((f"{name}.", f"{name}_temp")):
                    os.remove(os.path.join(self.train_logdir, entry))
