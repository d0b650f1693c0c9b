"""The training loop around `slim.learning.train`. It knows no task.

A task gives a function that opens its data and one that builds a clone of its network. This module
has the step built from them (`training.step_graph`), decides how the training starts, and runs it.

slim holds the session and initialises the variables, except in a cluster, where `training.joining`
does. Saving and summaries are ours (`training.step`), because
the threads in which slim's supervisor does both run in the middle of steps: its checkpoints would
mix two steps, and its summaries would take batches away from the training.
"""

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow.compat.v1 as tf
import tf_slim as slim
from tensorflow.core.protobuf.rewriter_config_pb2 import RewriterConfig

from deployment.config import DeploymentConfig
from deployment.model_deploy import Batch
from training import checkpoints, cluster_training, ema, step_memory
from training.checkpointer import Checkpointer
from training.ema import Averages
from training.interruption import Interruption
from training.joining import Record
from training.nan_guard import FiniteGuard, variables_check
from training.options import OptimizerOptions, TrainOptions
from training.profiling import StepProfiler
from training.progress import Progress
from training.run_folder import RunFolder
from training.step import StepFunction
from training.step_graph import Step, build_step
from training.warm_start import Adapter, WarmStart

_print = functools.partial(print, flush=True)

# What all processes of a cluster must have in common, besides the optimizer and the network.
_COMMON_OPTIONS = (
    *("training_number_of_steps", "ema_decay", "clip_gradient_norm"),
    *("last_layer_scopes", "last_layer_gradient_multiplier"),
)


@dataclasses.dataclass(frozen=True)
class TrainResult:
    """How a training ended.

    Attributes:
      step: steps done.
      exit_status: 0 if it is finished, 128 + the signal if it was asked to end before.
    """

    step: int
    exit_status: int


def train(
    dataset_fn: Callable[[int], tf.data.Dataset],
    clone_fn: Callable[[Batch], None],
    options: TrainOptions,
    optimizer_options: OptimizerOptions,
    deployment: DeploymentConfig,
    *,
    before_gradients: Callable[[], None] | None = None,
    describe_batch: Callable[[Batch], Batch] | None = None,
    adapters: Sequence[Adapter] = (),
    master: str = "",
    startup_delay_steps: int = 0,
    settings: Mapping[str, Any] | None = None,
    before_session: Callable[[], object] | None = None,
    explain_error: Callable[[tf.errors.OpError], Exception | None] | None = None,
    report: Callable[[str], None] = _print,
) -> TrainResult:
    """Trains until the last step, a signal, or a loss that is not finite.

    Args:
      dataset_fn: opens the endless dataset of batches, dicts of tensors [train_batch_size, ...].
        Gets the number of steps done before, so that a resumed training can draw other examples
        than those that the first one began with.
      clone_fn: builds one clone on its share of a batch (`model_deploy.create_clones`).
      options: what the training does.
      optimizer_options: how weights follow their gradients.
      deployment: where it runs.
      before_gradients: called when all clones are built.
      describe_batch: tells which batch a step had (`FiniteGuard`).
      adapters: see `warm_start.WarmStart`.
      master: TensorFlow session target; "" for this process alone.
      startup_delay_steps: steps of the whole training that workers other than the chief wait for.
      settings: of the task, by name, which all processes of a cluster must have in common.
      before_session: called by the chief when everything is checked and `train_logdir` is there,
        to write beside the checkpoints what goes with them, and again if that is removed. If it
        returns a path, that file alone is watched, too.
      explain_error: turns an error of a step into one that names the file at fault, or None.
      report: takes each line that a user should see.

    Returns:
      How it ended.

    Raises:
      ValueError: the batch cannot be divided, a checkpoint does not fit, or (NonFiniteError) the
        loss is not finite; in that case the last checkpoint is from before. In a cluster also: this
        process has other settings than the chief, or the servers hold another training.
      ServerLostError: a parameter server is gone.
      OSError: a checkpoint cannot be written.
    """
    deployment.clone_batch_size(options.train_batch_size)
    warning = deployment.placement_warning(len(tf.config.list_physical_devices("GPU")))
    if warning:
        report(f"warning: {warning}")
    start = _find_start(options, deployment)
    if start.step >= options.training_number_of_steps:
        report(
            f"already finished: {start.checkpoint} has {start.step} steps and "
            f"training_number_of_steps is {options.training_number_of_steps}. To train longer, "
            "raise it; to train anew, choose another train_logdir."
        )
        return TrainResult(start.step, 0)

    if options.profile_steps and options.profile_steps[0] <= start.step:
        raise ValueError(
            f"profile_steps begins at step {options.profile_steps[0]}, but {start.checkpoint} has "
            f"{start.step} steps already; begin at {start.step + 1} or later."
        )

    folder = RunFolder(options.train_logdir, before_session, report)
    with tf.Graph().as_default(), contextlib.closing(folder):
        if deployment.is_chief and folder.lock():
            start = _find_start(options, deployment)  # Another training may just have ended.
        tf.set_random_seed(options.seed)
        guard = FiniteGuard(describe_batch)
        step = build_step(
            functools.partial(dataset_fn, start.step),
            clone_fn,
            options,
            optimizer_options,
            deployment,
            guard,
            before_gradients,
        )
        step_memory.check(step, options, deployment, report)
        check_variables = variables_check(tf.global_variables())
        # This process reads and writes the files, wherever the variables are.
        with tf.device(deployment.inputs_device() if deployment.is_distributed else None):
            checkpointer = Checkpointer(
                options.train_logdir,
                check_variables,
                max_checkpoints_to_keep=options.max_checkpoints_to_keep,
                averages_of_weights=step.averages,
                ensure_folder=folder.ensure,
            )
        initialize = _initializer(start, options, step, checkpointer, adapters, report)
        interruption = Interruption()
        step_function = StepFunction(
            step,
            guard,
            interruption,
            checkpointer if deployment.is_chief else None,
            Progress(
                options.training_number_of_steps,
                options.train_batch_size * deployment.num_replicas,
            ),
            StepProfiler(
                options.train_logdir, options.profile_steps if deployment.is_chief else None
            ),
            options.training_number_of_steps,
            log_steps=options.log_steps,
            save_interval_secs=options.save_interval_secs,
            save_summaries_secs=options.save_summaries_secs,
            explain_error=explain_error,
            report=report,
        )
        if deployment.is_chief:
            folder.open()
            newest = checkpoints.latest_checkpoint(options.train_logdir)
            if newest != (start.checkpoint if start.kind == "resume" else None):
                raise ValueError(
                    f"another training has written {newest} meanwhile; start this one again."
                )
        session_config = _session_config(deployment, options)
        slim_train = functools.partial(
            slim.learning.train,
            step.train_op,
            logdir=None,
            train_step_kwargs={},
            master=master,
            is_chief=deployment.is_chief,
            global_step=step.global_step,
            number_of_steps=options.training_number_of_steps,
            summary_writer=None,
            session_config=session_config,
        )
        with contextlib.closing(step_function), interruption.listening(report):
            if deployment.is_distributed:
                cluster_training.run(
                    slim_train,
                    step_function,
                    checkpointer,
                    initialize,
                    deployment,
                    _record(options, optimizer_options, settings or {}),
                    step.global_step,
                    master=master,
                    session_config=session_config,
                    startup_delay_steps=min(startup_delay_steps, options.training_number_of_steps),
                    interruption=interruption,
                    report=report,
                )
            else:
                slim_train(train_step_fn=step_function, init_fn=initialize)
    return TrainResult(step_function.step, interruption.exit_status)


def _find_start(options: TrainOptions, deployment: DeploymentConfig) -> checkpoints.Start:
    if not deployment.is_chief:
        return checkpoints.Start("join", None, 0)
    return checkpoints.find_start(
        options.train_logdir, options.continue_checkpoint, options.initial_checkpoint
    )


def _initializer(
    start: checkpoints.Start,
    options: TrainOptions,
    step: Step,
    checkpointer: Checkpointer,
    adapters: Sequence[Adapter],
    report: Callable[[str], None],
) -> Callable[[tf.Session], None]:
    """Returns the function that gives the variables of a fresh session their values.

    What can be wrong with a checkpoint is found here, before the session starts.
    """
    warm_start = None
    if start.kind == "join":
        pass  # `training.joining` waits for the chief.
    elif start.kind == "resume":
        remark = _check_restorable(start.checkpoint, step.averages)
        report(f"resuming from {start.checkpoint} at step {start.step}{remark}")
        for ignored in (options.continue_checkpoint, options.initial_checkpoint):
            if ignored:
                report(
                    f"warning: {ignored} is not used, because {options.train_logdir} already has "
                    "a checkpoint; choose another train_logdir to start from it."
                )
    elif start.kind == "continue":
        remark = _check_restorable(start.checkpoint, step.averages)
        report(f"continuing from {start.checkpoint} at step {start.step}{remark}")
    elif start.kind == "warm start":
        warm_start = WarmStart(
            start.checkpoint, step.network_variables, options.exclude_scopes, adapters
        )
    else:
        report("training from scratch")

    def initialize(session: tf.Session) -> None:
        newest = checkpoints.latest_checkpoint(options.train_logdir)
        if newest or start.kind == "continue":
            checkpointer.restore(session, newest or start.checkpoint)
            return
        if warm_start is not None:
            for line in warm_start.load(session).lines():
                report(line)
        if step.averages:
            session.run(step.averages.start)

    return initialize


def _record(
    options: TrainOptions, optimizer_options: OptimizerOptions, settings: Mapping[str, Any]
) -> Record:
    """Returns what the chief of a cluster tells its workers of this training."""
    common = {name: getattr(options, name) for name in _COMMON_OPTIONS}
    return Record.of(
        options.train_logdir,
        options.save_interval_secs,
        {**settings, **common, **vars(optimizer_options)},
        tf.global_variables(),
    )


def _check_restorable(checkpoint: str, own_averages: Averages | None) -> str:
    """Makes sure that a training can go on from a checkpoint, with averages or without them.

    Returns:
      What the user should know of the averages, or "".

    Raises:
      ValueError: it cannot; names variables and shapes.
    """
    variables = tf.global_variables()
    has_averages = ema.are_in(checkpoint)
    if own_averages and not has_averages:
        variables = own_averages.left_out_of(variables)
    checkpoints.check_restorable(checkpoint, variables)
    if own_averages and not has_averages:
        return "; it has no averages of its weights (ema_decay), so they start from the weights"
    if has_averages and not own_averages:
        return (
            "\nwarning: its averages of the weights are dropped, because ema_decay is 0; to keep "
            "them, give the --ema_decay that it was trained with."
        )
    return ""


def _session_config(deployment: DeploymentConfig, options: TrainOptions) -> tf.ConfigProto:
    config = tf.ConfigProto(allow_soft_placement=True)
    config.gpu_options.allow_growth = True
    # Both leave a graph without a GPU as it is.
    if options.mixed_precision:
        config.graph_options.rewrite_options.auto_mixed_precision = RewriterConfig.ON
    if options.xla:
        config.graph_options.optimizer_options.global_jit_level = tf.OptimizerOptions.ON_1
    if deployment.is_distributed:
        # A worker must not wait for other workers, who may come later or have gone.
        config.device_filters.extend(["/job:ps", f"/job:worker/task:{deployment.replica_id}"])
    return config
