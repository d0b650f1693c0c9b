"""The graph of a training step: batch, clones, gradients, the check of both, and the update."""

import dataclasses
from collections.abc import Callable
from contextlib import AbstractContextManager

import tensorflow.compat.v1 as tf

from deployment import model_deploy
from deployment.config import DeploymentConfig
from deployment.model_deploy import Clone
from deployment.variable_copies import VariableCopies
from training import gradients, schedules
from training.ema import Averages
from training.gradients import GradientsAndVariables
from training.loss_scale import LossScale
from training.nan_guard import FiniteGuard
from training.options import OptimizerOptions, TrainOptions
from training.step_batch import StepBatch, next_batch
from training.task import Task


@dataclasses.dataclass(frozen=True)
class Step:
    """The tensors of a training step.

    Attributes:
      loss: total loss, float32 scalar.
      train_op: the same; computing it does the step.
      steps_done: the step count after the step.
      data_wait_secs: float64 scalar, how long the step waited for its batch.
      summaries: serialized summaries.
      summaries_are_numbers: whether these are numbers only, which cost nothing in every step.
      network_variables: the network's variables; the step count, what the optimizer keeps and the
        averages are not among them.
      averages: their moving averages, if there are any.
      guard: checks loss and gradients before any variable is updated.
      is_sound: bool scalar, whether the variables are those after a whole step: false when a step
        of this process failed in the middle of its updates.
    """

    loss: tf.Tensor
    train_op: tf.Tensor
    global_step: tf.Variable
    steps_done: tf.Tensor
    learning_rate: tf.Tensor
    data_wait_secs: tf.Tensor
    summaries: tf.Tensor
    summaries_are_numbers: bool
    network_variables: tuple[tf.Variable, ...]
    averages: Averages | None
    guard: FiniteGuard
    is_sound: tf.Tensor


def build_step(
    task: Task,
    options: TrainOptions,
    optimizer_options: OptimizerOptions,
    deployment: DeploymentConfig,
    data_seed: int | None,
) -> Step:
    """Builds the training step in the default graph.

    Args:
      task, options, optimizer_options, deployment: what is trained, how and where.
      data_seed: of the batches; None for different ones every time.
    """
    copies = VariableCopies(deployment) if deployment.nccl else None
    forward = _build_forward(task, options, deployment, copies, data_seed)
    loss, global_step = forward.loss, forward.global_step
    with _optimizer_device(deployment):
        learning_rate = schedules.learning_rate(
            optimizer_options, global_step, options.training_number_of_steps
        )
        optimizer = schedules.optimizer(optimizer_options, learning_rate)
    with tf.device(deployment.inputs_device()):
        loss_scale = LossScale() if options.mixed_precision else None
    with _optimizer_device(deployment):
        grads_and_vars, norm = _gradients(loss, optimizer, options, loss_scale, copies)
        averages = None
        if options.ema_decay:
            averages = Averages(forward.network_variables, options.ema_decay)
    with tf.device(deployment.inputs_device()):
        is_skipped = loss_scale.is_overflow(loss, norm) if loss_scale else tf.constant(False)
        guard = FiniteGuard(task.describe_batch)
        check = guard.check(loss, tf.where(is_skipped, 0.0, norm), forward.batch.whole)
        counts = _UpdateCounts(check)

    def unless_skipped(add: Callable[[], tf.Operation]) -> tf.Operation:
        """Adds ops that do nothing in a step that only lowers the loss scale."""
        return tf.cond(is_skipped, tf.no_op, add) if loss_scale else add()

    def apply() -> tf.Operation:
        update = unless_skipped(lambda: optimizer.apply_gradients(grads_and_vars, global_step))
        return tf.group(update, loss_scale.update(is_skipped)) if loss_scale else update

    def move_averages() -> tf.Operation:
        return unless_skipped(lambda: averages.update(global_step)) if averages else tf.no_op()

    train_op = _update(forward, deployment, counts, apply, move_averages)
    with _optimizer_device(deployment), tf.control_dependencies([train_op]):
        steps_done = global_step.read_value()
    with tf.device(deployment.inputs_device()):
        data_wait_secs = forward.batch.wait_secs(loss)
        is_sound = counts.are_equal()
    summaries = [
        *forward.clones[0].summaries,
        *_summaries(loss, norm, learning_rate, loss_scale, options.save_histograms),
    ]
    return Step(
        loss=loss,
        train_op=train_op,
        global_step=global_step,
        steps_done=steps_done,
        learning_rate=learning_rate,
        data_wait_secs=data_wait_secs,
        summaries=tf.summary.merge(summaries),
        summaries_are_numbers=all(summary.op.type == "ScalarSummary" for summary in summaries),
        network_variables=forward.network_variables,
        averages=averages,
        guard=guard,
        is_sound=is_sound,
    )


@dataclasses.dataclass(frozen=True)
class _Forward:
    """The forward pass of a step; fields as of `Step`."""

    global_step: tf.Variable
    batch: StepBatch
    clones: list[Clone]
    network_variables: tuple[tf.Variable, ...]
    loss: tf.Tensor


class _UpdateCounts:
    """Counts the updates that this process has begun and done; no checkpoint holds these counts.

    An update begins when `check` has passed.
    """

    def __init__(self, check: tf.Operation):
        self._begun, self._done = (
            tf.get_variable(
                name,
                [],
                tf.int64,
                initializer=tf.zeros_initializer(),
                trainable=False,
                collections=[tf.GraphKeys.LOCAL_VARIABLES],
            )
            for name in ("updates_begun", "updates_done")
        )
        with tf.control_dependencies([check]):
            self.begin: tf.Operation = tf.assign_add(self._begun, 1).op

    def end(self) -> tf.Operation:
        return tf.assign_add(self._done, 1).op

    def are_equal(self) -> tf.Tensor:
        return tf.equal(self._begun.read_value(), self._done.read_value())


def _optimizer_device(deployment: DeploymentConfig) -> AbstractContextManager:
    return tf.device(model_deploy.device_function(deployment, deployment.optimizer_device()))


def _build_forward(
    task: Task,
    options: TrainOptions,
    deployment: DeploymentConfig,
    copies: VariableCopies | None,
    data_seed: int | None,
) -> _Forward:
    with tf.device(model_deploy.device_function(deployment, deployment.inputs_device())):
        global_step = tf.train.get_or_create_global_step()
    with tf.device(deployment.inputs_device()):
        batch = next_batch(task.open_batches(options.train_batch_size, data_seed), deployment)
    clones = model_deploy.create_clones(
        deployment, task.build_clone, batch.shares, copies.getter if copies else None
    )
    network_variables = tuple(each for each in tf.global_variables() if each is not global_step)
    task.join_clones()
    regularization = gradients.select_regularization(
        clones[0].regularization_losses, options.trainable_scopes
    )
    loss = model_deploy.total_loss(deployment, clones, regularization)
    return _Forward(global_step, batch, clones, network_variables, loss)


def _gradients(
    loss: tf.Tensor,
    optimizer: tf.train.Optimizer,
    options: TrainOptions,
    loss_scale: LossScale | None,
    copies: VariableCopies | None,
) -> tuple[GradientsAndVariables, tf.Tensor]:
    """Returns what is applied to the variables, and its L2 norm before clipping."""
    # One call for all clones: what they share (synchronized batch norm) is passed once. No gate is
    # needed, since the check waits for every gradient before any update.
    scale = loss_scale.value.read_value() if loss_scale else None
    scaled_loss = loss if scale is None else loss * scale
    if copies:
        found = copies.gradients(scaled_loss)
    else:
        found = optimizer.compute_gradients(
            scaled_loss, gate_gradients=optimizer.GATE_NONE, colocate_gradients_with_ops=True
        )
    found = [(gradient, variable) for gradient, variable in found if gradient is not None]
    found = gradients.select(found, options.trainable_scopes)
    if scale is not None:
        found = [(gradient / scale, variable) for gradient, variable in found]
    multiplied = gradients.multiply(
        found,
        options.last_layer_scopes,
        options.last_layer_gradient_multiplier,
        options.bias_gradient_multiplier,
    )
    return gradients.clip(multiplied, options.clip_gradient_norm)


def _update(
    forward: _Forward,
    deployment: DeploymentConfig,
    counts: _UpdateCounts,
    apply: Callable[[], tf.Operation],
    move_averages: Callable[[], tf.Operation],
) -> tf.Tensor:
    """Returns the loss; when it is there, all variables are those after the step."""
    with _optimizer_device(deployment):
        with tf.control_dependencies([counts.begin]):
            update = apply()
        # What the network updates itself (moving statistics) waits for the check, too. These
        # assignments stand in the forward pass, and would be done in steps that fail after it.
        for network_update in forward.clones[0].update_ops:
            getattr(network_update, "op", network_update)._add_control_input(counts.begin)
        # As one: each op that waits for it has one edge, and not some hundred.
        updated = tf.group(update, *forward.clones[0].update_ops, *forward.batch.following)
        with tf.control_dependencies([updated]):
            moved = move_averages()
        with (
            tf.control_dependencies([updated, moved]),
            tf.device(deployment.inputs_device()),
        ):
            end = counts.end()
        with tf.control_dependencies([end]):
            return tf.identity(forward.loss, name="train_op")


def _summaries(
    loss: tf.Tensor,
    gradient_norm: tf.Tensor,
    learning_rate: tf.Tensor,
    loss_scale: LossScale | None,
    with_histograms: bool,
) -> list[tf.Tensor]:
    numbers = {
        "losses/total_loss": loss,
        "losses/gradient_norm": gradient_norm,
        "learning_rate": learning_rate,
    }
    if loss_scale:
        numbers["losses/loss_scale"] = loss_scale.value
    variables = tf.trainable_variables() if with_histograms else []
    return [
        *(tf.summary.scalar(name, number) for name, number in numbers.items()),
        *(tf.summary.histogram(f"histograms/{each.op.name}", each) for each in variables),
    ]
