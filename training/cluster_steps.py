"""What a worker of a cluster does around its steps, besides what every training does."""

import contextlib
import re
import time
from collections.abc import Callable, Iterator, Mapping

import tensorflow.compat.v1 as tf

from deployment import servers, shared_state
from deployment.config import DeploymentConfig
from deployment.servers import ServerLostError
from deployment.shared_state import SharedState
from training.checkpointer import Checkpointer
from training.joining import Record
from training.save_watch import SaveWatch
from training.step import StepFunction

_LOOK_SECS = 1.0


class ClusterSteps:
    """A `StepFunction` that tells other workers of checkpoints, or watches for them.

    It ends when the parameter servers do, and turns the many errors of a lost one into one.

    Args:
      steps: does the steps.
      shared: what the servers say.
      deployment: where the training runs.
      checkpointer: the chief's; None on other workers.
      record: the chief's.
      report: takes each line that a user should see.
    """

    def __init__(
        self,
        steps: StepFunction,
        shared: SharedState,
        deployment: DeploymentConfig,
        checkpointer: Checkpointer | None,
        record: Record,
        report: Callable[[str], None],
    ):
        self._steps = steps
        self._shared = shared
        self._deployment = deployment
        self._checkpointer = checkpointer
        self._record = record
        self._watch = SaveWatch(record.save_interval_secs)
        self._look_secs = min(_LOOK_SECS, record.save_interval_secs / 2 or _LOOK_SECS)
        self._next_look = 0.0
        self._saved_step = -1
        self._report = report

    def __call__(
        self,
        session: tf.Session,
        train_op: tf.Tensor,
        global_step: tf.Variable,
        train_step_kwargs: Mapping[str, object],
    ) -> tuple[float | None, bool]:
        """Does a step; arguments and result are those of `StepFunction`.

        Raises:
          ServerLostError: a parameter server is gone, or about to go.
        """
        try:
            if time.monotonic() >= self._next_look:
                self._next_look = time.monotonic() + self._look_secs
                if self._is_over(session):
                    return None, True
            with self._telling_of_checkpoint(session):
                return self._steps(session, train_op, global_step, train_step_kwargs)
        except (tf.errors.OpError, ValueError, OSError) as error:
            if not servers.is_loss(error):
                raise
            servers.abandon(session)
            raise self.loss(error) from error

    def loss(self, error: Exception) -> ServerLostError:
        """Returns the error that says which server is lost, and what to do."""
        return ServerLostError(
            f"step {self._steps.step + 1}: {self._name_lost(error)} is lost, and so are the "
            f"variables that it held. {self._what_to_do()}"
        )

    def _is_over(self, session: tf.Session) -> bool:
        notices = self._shared.read_notices(session)
        self._saved_step = notices.saved_step
        if notices.phase == shared_state.FINISHED:
            self._report("the chief has finished the training")
            return True
        if notices.phase == shared_state.STOPPING:
            if self._checkpointer:
                with self._telling_of_checkpoint(session):
                    self._steps.end(session)
            raise ServerLostError(
                f"step {self._steps.step}: a parameter server was asked to end. "
                f"{self._what_to_do()}"
            )
        if self._checkpointer is None:
            line = self._watch.look(notices.saved_step, self._steps.step)
            if line:
                self._report(line)
        return False

    @contextlib.contextmanager
    def _telling_of_checkpoint(self, session: tf.Session) -> Iterator[None]:
        before = self._checkpointer and self._checkpointer.newest
        yield
        if self._checkpointer and self._checkpointer.newest != before:
            self._shared.note_saved(session, self._steps.step)

    def _name_lost(self, error: BaseException | None) -> str:
        addresses = self._deployment.ps_addresses
        gone = [
            index for index, address in enumerate(addresses) if not servers.is_reachable(address)
        ]
        while not gone and error is not None:
            gone = [int(each) for each in re.findall(r"/job:ps/replica:0/task:(\d+)", str(error))]
            error = error.__cause__
        if not gone:
            return "a parameter server"
        where = f" at {addresses[gone[0]]}" if addresses else ""
        return f"parameter server {gone[0]}{where}"

    def _what_to_do(self) -> str:
        if self._checkpointer and self._checkpointer.newest:
            checkpoint = self._checkpointer.newest
        else:
            folder = self._record.train_logdir
            # The last look may be from before the last checkpoint.
            which = (
                f"step {self._saved_step} or later" if self._saved_step >= 0 else "if there is one"
            )
            checkpoint = f"the newest checkpoint in {folder} ({which})"
        return (
            "Start all processes again with the same commands: the training goes on from "
            f"{checkpoint}."
        )
