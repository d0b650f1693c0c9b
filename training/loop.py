"""The training loop around `slim.learning.train`.

slim holds the session and initializes the variables, except in a cluster, where `training.joining`
does. Saving and summaries are ours (`training.step`), because the threads in which slim's
supervisor does both run in the middle of steps: its checkpoints would mix two steps, and its
summaries would take batches away from the training.
"""

import contextlib
import dataclasses
import functools
from collections.abc import Callable

import tensorflow.compat.v1 as tf
import tf_slim as slim
from tensorflow.core.protobuf.rewriter_config_pb2 import RewriterConfig

from common import forward_session, garbage, graph_memory
from common.interruption import Interruption
from deployment import servers
from deployment.config import DeploymentConfig
from nets import recomputation
from training import (
    checkpoints,
    cluster_training,
    run_folder,
    step_memory,
    tracking,
    validation,
)
from training.checkpointer import Checkpointer
from training.joining import Record
from training.options import OptimizerOptions, TrainOptions
from training.run_folder import RunFolder
from training.step import StepFunction
from training.step_graph import Step, build_step
from training.task import Task
from training.warm_start import WarmStart

# Distance between the seeds of two workers' batches; no training run has as many steps.
_SEEDS_PER_WORKER = 1 << 24

_print = functools.partial(print, flush=True)


@dataclasses.dataclass(frozen=True)
class TrainResult:
    """How a training run ended."""

    step: int
    exit_status: int  # 0 if it is finished, 128 + the signal if it was asked to end before.


@dataclasses.dataclass(frozen=True)
class Start:
    """How a training run starts.

    Attributes:
      kind: "resume", "continue", "warm start" or "scratch"; on workers other than the chief, which
        take the variables as they are, "join".
      checkpoint: prefix of the checkpoint that it starts from, or "".
      step: steps done so far.
    """

    kind: str
    checkpoint: str = ""
    step: int = 0


def train(
    task: Task,
    options: TrainOptions,
    optimizer_options: OptimizerOptions,
    deployment: DeploymentConfig,
    *,
    master: str = "",
    startup_delay_steps: int = 0,
    report: Callable[[str], None] = _print,
) -> TrainResult:
    """Trains until the last step, a signal, or a loss that is not finite.

    Args:
      task, options, optimizer_options, deployment: what is trained, how and where.
      master: TensorFlow session target; "" for this process alone.
      startup_delay_steps: steps of the chief that other workers wait for.
      report: takes each line that a user should see.

    Raises:
      ValueError: the batch cannot be divided, a checkpoint does not fit, or (NonFiniteError) the
        loss is not finite; in that case the last checkpoint is from before. In a cluster also: this
        process has other settings than the chief, or the servers hold another training run.
      ServerLostError: a parameter server is gone.
      OSError: a checkpoint cannot be written.
    """
    deployment.clone_batch_size(options.train_batch_size)
    tracking.check(options.track)
    num_gpus = len(tf.config.list_physical_devices("GPU"))
    warning = deployment.placement_warning(num_gpus)
    if warning:
        report(f"warning: {warning}")
    start = find_start(options, deployment.is_chief)
    _check_patience(options, deployment)
    if _is_finished(start, options, report):
        return TrainResult(start.step, 0)
    _check_profile_steps(options, start)

    folder = RunFolder(options.train_logdir, task.write_beside_checkpoints, report)
    interruption = Interruption()
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.closing(folder))
        if deployment.is_chief and folder.lock():
            start = find_start(options)  # Another training run may just have ended.
        data_seed = _data_seed(options, deployment, start)
        on_gpu = num_gpus > 0 and not deployment.clone_on_cpu
        build = functools.partial(
            build_step, task, options, optimizer_options, deployment, data_seed
        )
        with garbage.paused():
            graph, step, memory_line = _build_fitting(task, options, build, on_gpu, report)
        stack.enter_context(graph.as_default())
        checkpointer = Checkpointer(
            options.train_logdir, options.max_checkpoints_to_keep, step.averages, folder.ensure
        )
        set_variables = _initializer(start, task, options, step, checkpointer, report)
        if deployment.is_chief:
            report(memory_line)  # The other workers' steps are the same.
            folder.open()
            _check_not_overtaken(options, start)
        scoring = None
        if options.validate_every and deployment.is_chief:
            scoring = validation.Validation(
                task.open_validator,
                options.train_logdir,
                options.validate_every,
                options.patience,
                start.step,
            )
            stack.callback(scoring.close)
            if deployment.is_distributed:
                scoring.validator()  # What is wrong with it must not leave workers without a chief.
        tracked = None
        if options.track and deployment.is_chief:
            tracked = tracking.Tracking(
                options.track,
                options.train_logdir,
                {**task.common_settings(), **vars(options), **vars(optimizer_options)},
                is_resumed=start.kind == "resume",
                report=report,
            )
            stack.push(functools.partial(_end_tracking, tracked))
        steps = StepFunction(
            step, task, options, deployment, checkpointer, interruption, report, scoring, tracked
        )

        def initialize(session: tf.Session) -> None:
            if scoring:
                scoring.start_opening()
            set_variables(session)

        is_alone = not deployment.is_distributed
        record = None if is_alone else Record.of(task, options, optimizer_options)
        with contextlib.closing(steps), interruption.listening(steps.announce_end):
            _run(steps, initialize, options, deployment, record, master, startup_delay_steps)
    return TrainResult(steps.step, interruption.exit_status)


def _end_tracking(tracked: tracking.Tracking, error: type | None, *_: object) -> None:
    tracked.close(failed=error is not None)


def find_start(options: TrainOptions, is_chief: bool = True) -> Start:
    """Decides how a training run starts: the first way that applies is taken."""
    if not is_chief:
        return Start("join")
    newest = checkpoints.latest_checkpoint(options.train_logdir)
    if newest:
        return Start("resume", newest, checkpoints.read_step(newest))
    if options.continue_checkpoint:
        checkpoint = checkpoints.find_checkpoint(options.continue_checkpoint)
        return Start("continue", checkpoint, checkpoints.read_step(checkpoint))
    if options.initial_checkpoint:
        return Start("warm start", validation.find_chosen(options.initial_checkpoint))
    return Start("scratch")


def _initializer(
    start: Start,
    task: Task,
    options: TrainOptions,
    step: Step,
    checkpointer: Checkpointer,
    report: Callable[[str], None],
) -> Callable[[tf.Session], None]:
    """Returns the function that gives the variables of a fresh session their values.

    What can be wrong with a checkpoint is found here, before the session starts.
    """
    warm_start = None
    if start.kind in ("resume", "continue"):
        how = "resuming" if start.kind == "resume" else "continuing"
        remark = checkpointer.check(start.checkpoint)
        report(f"{how} from {start.checkpoint} at step {start.step}{remark}")
    if start.kind == "resume":
        for ignored in filter(None, (options.continue_checkpoint, options.initial_checkpoint)):
            report(
                f"warning: {ignored} is not used, because {options.train_logdir} already has a "
                "checkpoint; choose another train_logdir to start from it."
            )
    elif start.kind == "warm start":
        warm_start = WarmStart(
            start.checkpoint,
            step.network_variables,
            options.exclude_scopes,
            task.adapt,
            task.former_names,
        )
        if options.excludes_by_flag:
            warm_start.check_exclude_scopes()
    elif start.kind == "scratch":
        report("training from scratch")

    def initialize(session: tf.Session) -> None:
        newest = checkpoints.latest_checkpoint(options.train_logdir)
        if newest or start.kind == "continue":
            checkpointer.restore(session, newest or start.checkpoint)
            return
        if warm_start:
            for line in warm_start.report(warm_start.load(session)):
                report(line)
        if step.averages:
            session.run(step.averages.start)

    return initialize


def _run(
    steps: StepFunction,
    initialize: Callable[[tf.Session], None],
    options: TrainOptions,
    deployment: DeploymentConfig,
    record: Record | None,
    master: str,
    startup_delay_steps: int,
) -> None:
    """Does the steps, alone or with a record as a worker of a cluster."""
    config = session_config(deployment, options)
    slim_train = functools.partial(
        slim.learning.train,
        steps.tensors.train_op,
        logdir=None,
        train_step_kwargs={},
        master=master,
        is_chief=deployment.is_chief,
        global_step=steps.tensors.global_step,
        number_of_steps=options.training_number_of_steps,
        summary_writer=None,
        session_config=config,
    )
    if record is None:
        # Nothing is missing: all variables have initializers, which have run then.
        slim_train(train_step_fn=steps, init_fn=initialize, ready_op=None)
        return
    cluster_training.run(
        slim_train,
        steps,
        initialize,
        deployment,
        record,
        open_session=functools.partial(servers.session, master, config),
        startup_delay_steps=min(startup_delay_steps, options.training_number_of_steps),
    )


def _check_patience(options: TrainOptions, deployment: DeploymentConfig) -> None:
    if options.patience and deployment.is_distributed:
        raise ValueError(
            f"patience is {options.patience}, but in a cluster no process can end the others: "
            "omit it, and take the best checkpoint."
        )


def _is_finished(start: Start, options: TrainOptions, report: Callable[[str], None]) -> bool:
    if start.kind == "resume" and options.patience:
        stopped = validation.read_history(options.train_logdir).why_stopped(options.patience)
        if stopped:
            report(
                f"already ended early: {stopped}. To train longer, raise patience; "
                f"{_advise_another(options.train_logdir)}"
            )
            return True
    if start.step < options.training_number_of_steps:
        return False
    report(
        f"already finished: {start.checkpoint} has {start.step} steps and "
        f"training_number_of_steps is {options.training_number_of_steps}. To train longer, raise "
        f"it; {_advise_another(options.train_logdir)}"
    )
    return True


def _advise_another(train_logdir: str) -> str:
    return (
        "to train anew, on other data or for more hours, choose another train_logdir, such as "
        f"{run_folder.suggest_another(train_logdir)}, and {train_logdir} as tf_initial_checkpoint "
        "to begin with what this training run has learned."
    )


def _check_profile_steps(options: TrainOptions, start: Start) -> None:
    if options.profile_steps and options.profile_steps[0] <= start.step:
        raise ValueError(
            f"profile_steps begins at step {options.profile_steps[0]}, but {start.checkpoint} has "
            f"{start.step} steps already; begin at {start.step + 1} or later."
        )


def _check_not_overtaken(options: TrainOptions, start: Start) -> None:
    newest = checkpoints.latest_checkpoint(options.train_logdir)
    if newest != (start.checkpoint if start.kind == "resume" else None):
        raise ValueError(
            f"another training run has written {newest} meanwhile; start this one again."
        )


def _build_fitting(
    task: Task,
    options: TrainOptions,
    build: Callable[[], Step],
    on_gpu: bool,
    report: Callable[[str], None],
) -> tuple[tf.Graph, Step, str]:
    """Builds the step in a graph; once more, so that it takes less memory, where that is scarce.

    Memory of a GPU is not looked at: TensorFlow takes it when the first step runs, and says itself
    when it is full.

    Returns:
      The graph, its step, and what that keeps in memory and what it computes again, in a line.
    """
    with tf.Graph().as_default() as graph:
        tf.set_random_seed(options.seed)
        step = build()
        recomputed = recomputation.describe()
        if on_gpu:
            return graph, step, f"a step computes again: {recomputed or 'nothing'}"
        held = graph_memory.held_bytes(step.loss, step.train_op)
        saving = task.save_memory() if step_memory.is_scarce(held) else ""
        if not saving:
            step_memory.check(held, options.train_batch_size, task.memory_advice, report)
            return graph, step, step_memory.describe(held, recomputed)
    report(f"memory is scarce: {saving}")
    return _build_fitting(task, options, build, on_gpu, report)


def _data_seed(options: TrainOptions, deployment: DeploymentConfig, start: Start) -> int | None:
    """Returns a seed with which no two workers, and no resumed run, draw the same batches."""
    if options.seed is None:
        return None
    return options.seed + start.step + deployment.replica_id * _SEEDS_PER_WORKER


def session_config(deployment: DeploymentConfig, options: TrainOptions) -> tf.ConfigProto:
    config = tf.ConfigProto(allow_soft_placement=True)
    config.gpu_options.allow_growth = True
    rewriting = config.graph_options.rewrite_options
    # TensorFlow's preparation of the first step takes a third of the time so. A second round finds
    # next to nothing, and nor do the passes that swap memory and choose layouts without a GPU.
    rewriting.meta_optimizer_iterations = RewriterConfig.ONE
    if not tf.config.list_physical_devices("GPU"):
        rewriting.memory_optimization = RewriterConfig.NO_MEM_OPT
        rewriting.layout_optimizer = RewriterConfig.OFF
        is_single = deployment.clone_batch_size(options.train_batch_size) == 1
        if is_single and forward_session.is_fusion_slow():  # In layers that are not trained.
            rewriting.remapping = RewriterConfig.OFF
    # Both leave a graph without a GPU as it is.
    if options.mixed_precision:
        rewriting.auto_mixed_precision = RewriterConfig.ON
    if options.xla:
        config.graph_options.optimizer_options.global_jit_level = tf.OptimizerOptions.ON_1
    if deployment.is_distributed:
        # A worker must not wait for other workers, who may come later or have gone.
        config.device_filters.extend(["/job:ps", f"/job:worker/task:{deployment.replica_id}"])
    return config
