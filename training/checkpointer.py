"""Saves and restores the variables of a training."""

import glob
import os
from collections.abc import Callable

import tensorflow.compat.v1 as tf

from training import averages
from training.averages import Averages
from training.checkpoints import CHECKPOINT_NAME
from training.op_errors import reason


class Checkpointer:
    """Saves and restores all variables of the default graph.

    Args:
      train_logdir: folder of the checkpoints.
      check_variables: called before saving; raises NonFiniteError.
      max_checkpoints_to_keep: 0 for all.
      averages_of_weights: those among the variables that a checkpoint may lack as a whole.

    Attributes:
      newest: prefix of the newest checkpoint known here, or None.
    """

    def __init__(
        self,
        train_logdir: str,
        check_variables: Callable[[tf.Session], None],
        *,
        max_checkpoints_to_keep: int,
        averages_of_weights: Averages | None = None,
    ):
        self.train_logdir = train_logdir
        self.newest: str | None = None
        self._check_variables = check_variables
        # Relative paths, so that the folder can be moved.
        self._saver = tf.train.Saver(max_to_keep=max_checkpoints_to_keep, save_relative_paths=True)
        self._averages = averages_of_weights
        if averages_of_weights:
            self._saver_without_averages = tf.train.Saver(
                averages_of_weights.left_out_of(tf.global_variables())
            )

    def restore(self, session: tf.Session, checkpoint: str) -> None:
        """Restores every variable from a checkpoint; averages that it lacks start from theirs."""
        if self._averages is None or averages.are_in(checkpoint):
            self._saver.restore(session, checkpoint)
        else:
            self._saver_without_averages.restore(session, checkpoint)
            session.run(self._averages.start)
        self.follow(checkpoint)

    def follow(self, checkpoint: str) -> None:
        """Takes a checkpoint for the newest one, without restoring it."""
        self.newest = checkpoint
        state = tf.train.get_checkpoint_state(self.train_logdir)
        if state is not None:
            # Those of earlier runs count towards max_checkpoints_to_keep.
            self._saver.recover_last_checkpoints(state.all_model_checkpoint_paths)

    def save(self, session: tf.Session, step: int) -> bool:
        """Saves a checkpoint, unless the newest one is of this step already.

        Returns:
          Whether one was written.

        Raises:
          NonFiniteError: a variable is not finite; nothing is saved.
          OSError: the checkpoint cannot be written; what was begun is removed.
        """
        path = os.path.join(self.train_logdir, f"{CHECKPOINT_NAME}-{step}")
        if self.newest == path:
            return False
        self._check_variables(session)
        try:
            self._saver.save(
                session,
                os.path.join(self.train_logdir, CHECKPOINT_NAME),
                global_step=step,
                write_meta_graph=False,  # options.json says how to build the graph
            )
        except tf.errors.OpError as error:
            for leftover in glob.glob(f"{glob.escape(path)}.*"):
                os.remove(leftover)
            raise OSError(
                f"checkpoint {path} cannot be written ({reason(error)}). Is the disk full?"
            ) from error
        self.newest = path
        return True
