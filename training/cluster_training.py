"""Runs a training in a cluster: as its chief, or as another worker."""

import functools
from collections.abc import Callable

import tensorflow.compat.v1 as tf

from deployment import servers
from deployment.config import DeploymentConfig
from deployment.shared_state import SharedState
from training import joining
from training.checkpointer import Checkpointer
from training.cluster_steps import ClusterSteps
from training.interruption import Interruption
from training.joining import Record
from training.step import StepFunction


def run(
    slim_train: Callable,
    step_function: StepFunction,
    checkpointer: Checkpointer,
    restore: Callable[[tf.Session], None],
    deployment: DeploymentConfig,
    mine: Record,
    global_step: tf.Variable,
    *,
    master: str,
    session_config: tf.ConfigProto,
    startup_delay_steps: int,
    interruption: Interruption,
    report: Callable[[str], None],
) -> None:
    """Trains until the end of the training, a signal, or the loss of a parameter server.

    Args:
      slim_train: `slim.learning.train` with what a training has in a cluster or without.
      step_function: does a step.
      checkpointer: of the chief's checkpoints.
      restore: gives initialised variables the values that the training starts from.
      deployment: where it runs.
      mine: what this process trains.
      global_step: the step count's variable.
      master, session_config: of sessions.
      startup_delay_steps: see `loop.train`.
      interruption: tells when to end early.
      report: takes each line that a user should see.

    Raises:
      ValueError: this process has other settings than the chief, or the servers hold another
        training.
      ServerLostError: a parameter server is gone.
    """
    shared = SharedState(deployment, tf.global_variables())
    initializer = tf.global_variables_initializer()
    start, record = None, mine
    if deployment.is_chief:
        start = functools.partial(
            joining.start,
            shared=shared,
            mine=mine,
            global_step=global_step,
            checkpointer=checkpointer,
            initialize=lambda session: session.run(initializer),
            restore=restore,
            report=report,
        )
        if not servers.wait_for(
            deployment.ps_addresses, report, lambda: interruption.signal_number is not None
        ):
            return
    else:
        record = joining.join(
            master,
            session_config,
            shared,
            mine,
            global_step,
            startup_delay_steps,
            deployment.ps_addresses,
            interruption,
            report,
        )
        if record is None:
            return
    steps = ClusterSteps(
        step_function,
        shared,
        deployment,
        checkpointer if deployment.is_chief else None,
        record,
        report,
    )
    try:
        slim_train(
            train_step_fn=steps,
            init_op=None,  # `joining.start` decides.
            init_fn=start,
            ready_op=shared.ready_op,
            session_wrapper=servers.close_within_bounds,
        )
    except tf.errors.OpError as error:
        if not servers.is_loss(error):
            raise
        raise steps.loss(error) from error
