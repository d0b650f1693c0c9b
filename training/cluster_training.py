"""Trains in a cluster: as its chief, or as another worker."""

import contextlib
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager

import tensorflow.compat.v1 as tf

from deployment import servers, shared_state
from deployment.config import DeploymentConfig
from deployment.servers import ServerLostError
from deployment.shared_state import SharedState
from training.joining import Joining, Record
from training.save_watch import SaveWatch
from training.step import StepFunction

_LOOK_SECS = 1.0


def run(
    slim_train: Callable,
    steps: StepFunction,
    restore: Callable[[tf.Session], None],
    deployment: DeploymentConfig,
    mine: Record,
    open_session: Callable[[], AbstractContextManager[tf.Session]],
    startup_delay_steps: int,
) -> None:
    """Trains until the end of the training run, a signal, or the loss of a parameter server.

    Args:
      slim_train: `slim.learning.train` with what a training run always has.
      steps: does the steps.
      restore: gives initialized variables the values that the training run starts from.
      deployment, mine: where and what this process trains.
      open_session: opens a session on the cluster.
      startup_delay_steps: steps of the chief that other workers wait for.

    Raises:
      ValueError: this process has other settings than the chief, or the servers hold another
        training run.
      ServerLostError: a parameter server is gone.
    """
    shared = SharedState(deployment, tf.global_variables())
    joining = Joining(steps, shared, mine, restore)
    addresses = deployment.ps_addresses
    record: Record | None = None
    if not deployment.is_chief:
        record = joining.join(addresses, open_session, startup_delay_steps)
    elif servers.wait_for(addresses, steps.report, lambda: bool(steps.interruption)):
        record = mine
    if record is None:
        return
    cluster_steps = _ClusterSteps(steps, shared, deployment, record)
    try:
        slim_train(
            train_step_fn=cluster_steps,
            init_op=None,  # `Joining.start` decides.
            init_fn=joining.start if deployment.is_chief else None,
            ready_op=shared.ready_op,
            session_wrapper=servers.close_within_bounds,
        )
    except tf.errors.OpError as error:
        if not servers.is_loss(error):
            raise
        raise cluster_steps.loss(error) from error


class _ClusterSteps:
    """A `StepFunction` that tells other workers of checkpoints, or watches for them.

    It ends when the parameter servers do, and turns the many errors of a lost one into one.
    `record` is the chief's.
    """

    def __init__(
        self,
        steps: StepFunction,
        shared: SharedState,
        deployment: DeploymentConfig,
        record: Record,
    ):
        self._steps, self._shared = steps, shared
        self._addresses = deployment.ps_addresses
        self._train_logdir = record.train_logdir
        self._watch = SaveWatch(record.save_interval_secs)
        self._look_secs = min(_LOOK_SECS, record.save_interval_secs / 2 or _LOOK_SECS)
        self._next_look = 0.0
        self._saved_step = -1

    def __call__(
        self,
        session: tf.Session,
        train_op: tf.Tensor,
        global_step: tf.Variable,
        train_step_kwargs: Mapping[str, object],
    ) -> tuple[float | None, bool]:
        """Does a step, unless a parameter server is gone or about to go (ServerLostError)."""
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
            self._steps.report("the chief has finished the training run")
            return True
        if notices.phase == shared_state.STOPPING:
            with self._telling_of_checkpoint(session):
                self._steps.save(session)
            raise ServerLostError(
                f"step {self._steps.step}: a parameter server was asked to end. "
                f"{self._what_to_do()}"
            )
        if self._steps.checkpointer is None:
            line = self._watch.look(notices.saved_step, self._steps.step)
            if line:
                self._steps.report(line)
        return False

    @contextlib.contextmanager
    def _telling_of_checkpoint(self, session: tf.Session) -> Iterator[None]:
        checkpointer = self._steps.checkpointer
        before = checkpointer and checkpointer.newest
        yield
        if checkpointer and checkpointer.newest != before:
            self._shared.note_saved(session, self._steps.step)

    def _name_lost(self, error: BaseException | None) -> str:
        addresses = enumerate(self._addresses)
        gone = [index for index, address in addresses if not servers.is_reachable(address)]
        while not gone and error is not None:
            gone = [int(each) for each in re.findall(r"/job:ps/replica:0/task:(\d+)", str(error))]
            error = error.__cause__
        if not gone:
            return "a parameter server"
        where = f" at {self._addresses[gone[0]]}" if self._addresses else ""
        return f"parameter server {gone[0]}{where}"

    def _what_to_do(self) -> str:
        checkpoint = self._steps.checkpointer and self._steps.checkpointer.newest
        if not checkpoint:
            # The last look may be from before the last checkpoint.
            saved = self._saved_step
            which = f"step {saved} or later" if saved >= 0 else "if there is one"
            checkpoint = f"the newest checkpoint in {self._train_logdir} ({which})"
        return (
            "Start all processes again with the same commands: the training run goes on from "
            f"{checkpoint}."
        )
