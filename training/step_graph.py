"""The graph of a training step: batch, clones, gradients, the check of both, and the update."""

import dataclasses
from collections.abc import Callable, Sequence

import tensorflow.compat.v1 as tf

from deployment import model_deploy
from deployment.config import DeploymentConfig
from deployment.model_deploy import Batch
from deployment.prefetch import Prefetch
from deployment.variable_copies import VariableCopies
from training import gradients, schedules
from training.ema import Averages
from training.loss_scale import LossScale
from training.nan_guard import FiniteGuard
from training.options import OptimizerOptions, TrainOptions


@dataclasses.dataclass(frozen=True)
class Step:
    """The tensors of a training step.

    Attributes:
      loss: total loss, float32 scalar.
      train_op: the same; computing it does the step.
      global_step: the step count's variable.
      steps_done: the step count after the step.
      learning_rate: float32 scalar.
      data_wait_secs: float64 scalar, how long the step waited for its batch.
      summaries: serialized summaries.
      summaries_are_numbers: whether these are numbers only, which cost nothing in every step.
      network_variables: the network's variables; the step count, what the optimizer keeps and the
        averages are not among them.
      averages: their moving averages, if there are any.
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
    is_sound: tf.Tensor


def build_step(
    dataset_fn: Callable[[], tf.data.Dataset],
    clone_fn: Callable[[Batch], None],
    options: TrainOptions,
    optimizer_options: OptimizerOptions,
    deployment: DeploymentConfig,
    guard: FiniteGuard,
    before_gradients: Callable[[], None] | None = None,
) -> Step:
    """Builds the training step in the default graph.

    Args:
      dataset_fn: opens the endless dataset of batches.
      clone_fn: builds one clone on its share of a batch.
      options, optimizer_options, deployment: what is trained, how and where.
      guard: checks loss and gradients before any variable is updated.
      before_gradients: called when all clones are built.

    Returns:
      Its tensors.
    """
    with tf.device(model_deploy.device_function(deployment, deployment.inputs_device())):
        global_step = tf.train.get_or_create_global_step()
    with tf.device(deployment.inputs_device()):
        batch = _next_batch(dataset_fn(), deployment)
    copies = VariableCopies(deployment) if deployment.nccl else None
    clones = model_deploy.create_clones(
        deployment, clone_fn, batch.shares, copies.getter if copies else None
    )
    network_variables = tuple(
        variable for variable in tf.global_variables() if variable is not global_step
    )
    if before_gradients:
        before_gradients()

    loss = model_deploy.total_loss(deployment, clones)
    with tf.device(model_deploy.device_function(deployment, deployment.optimizer_device())):
        learning_rate = schedules.learning_rate(
            optimizer_options, global_step, options.training_number_of_steps
        )
        optimizer = schedules.optimizer(optimizer_options, learning_rate)
    with tf.device(deployment.inputs_device()):
        loss_scale = LossScale() if options.mixed_precision else None
    with tf.device(model_deploy.device_function(deployment, deployment.optimizer_device())):
        grads_and_vars, norm = _gradients(loss, optimizer, options, loss_scale, copies)
    with tf.device(deployment.inputs_device()):
        is_skipped = loss_scale.is_overflow(loss, norm) if loss_scale else tf.constant(False)
        check = guard.check(loss, tf.where(is_skipped, 0.0, norm), batch.whole)
        updates_begun, updates_done = (_counter(name) for name in ("updates_begun", "updates_done"))
        with tf.control_dependencies([check]):
            begin = tf.assign_add(updates_begun, 1).op
    with tf.device(model_deploy.device_function(deployment, deployment.optimizer_device())):
        averages = Averages(network_variables, options.ema_decay) if options.ema_decay else None
        with tf.control_dependencies([begin]):
            update = _update(optimizer, grads_and_vars, global_step, loss_scale, is_skipped)
        _delay(clones[0].update_ops, begin)
        updates = [update, *clones[0].update_ops, *batch.following]
        if averages:
            with tf.control_dependencies(updates):
                updates.append(_move(averages, global_step, loss_scale, is_skipped))
        with tf.control_dependencies(updates), tf.device(deployment.inputs_device()):
            end = tf.assign_add(updates_done, 1).op
        with tf.control_dependencies([end]):
            train_op = tf.identity(loss, name="train_op")
        with tf.control_dependencies([train_op]):
            steps_done = global_step.read_value()
    with tf.device(deployment.inputs_device()):
        data_wait_secs = batch.wait_secs(loss)
        is_sound = tf.equal(updates_begun.read_value(), updates_done.read_value())

    summaries = [
        *clones[0].summaries,
        tf.summary.scalar("losses/total_loss", loss),
        tf.summary.scalar("losses/gradient_norm", norm),
        tf.summary.scalar("learning_rate", learning_rate),
    ]
    if loss_scale:
        summaries.append(tf.summary.scalar("losses/loss_scale", loss_scale.value))
    if options.save_histograms:
        for variable in tf.trainable_variables():
            summaries.append(tf.summary.histogram(f"histograms/{variable.op.name}", variable))
    return Step(
        loss=loss,
        train_op=train_op,
        global_step=global_step,
        steps_done=steps_done,
        learning_rate=learning_rate,
        data_wait_secs=data_wait_secs,
        summaries=tf.summary.merge(summaries),
        summaries_are_numbers=all(summary.op.type == "ScalarSummary" for summary in summaries),
        network_variables=network_variables,
        averages=averages,
        is_sound=is_sound,
    )


@dataclasses.dataclass(frozen=True)
class _StepBatch:
    """The batch of a step.

    Attributes:
      shares: each clone's share, tensors by name.
      whole: the batch for who describes it; without its images where they are on GPUs.
      began, ended: float64 scalars, when the wait for a batch began and ended, seconds.
      following: the op that makes the next batch ready, if this step is to do so.
    """

    shares: list[dict[str, tf.Tensor]]
    whole: dict[str, tf.Tensor]
    began: tf.Tensor
    ended: tf.Tensor
    following: tuple[tf.Operation, ...] = ()

    def wait_secs(self, loss: tf.Tensor) -> tf.Tensor:
        """Returns how long the step waited for a batch: the next one only when it was done."""
        if not self.following:
            return self.ended - self.began
        with tf.control_dependencies([loss]):
            return tf.maximum(self.ended - tf.timestamp(), tf.constant(0.0, tf.float64))


def _next_batch(dataset: tf.data.Dataset, deployment: DeploymentConfig) -> _StepBatch:
    iterator = tf.data.make_initializable_iterator(dataset)
    began = tf.timestamp()
    with tf.control_dependencies([began]):
        batch = iterator.get_next()
    with tf.control_dependencies(tf.nest.flatten(batch)):
        ended = tf.timestamp()
    shares = model_deploy.split_batch(deployment, batch)
    ready = iterator.initializer
    following = ()
    if deployment.prefetch_to_clones:
        prefetch = Prefetch(deployment, shares)
        with tf.control_dependencies([ready, prefetch.clear()]):
            first = model_deploy.split_batch(deployment, iterator.get_next())
            ready = prefetch.put(first)
        following = (prefetch.put(shares),)
        shares = prefetch.take()
        batch = {
            name: tf.concat([share[name] for share in shares], axis=0)
            for name, tensor in batch.items()
            if not tensor.dtype.is_floating
        }
    # slim runs this collection in every process, whatever the variables start from.
    tf.add_to_collection(tf.GraphKeys.TABLE_INITIALIZERS, ready)
    return _StepBatch(shares, batch, began, ended, following)


def _counter(name: str) -> tf.Variable:
    """Makes a counter of this process, which no checkpoint holds."""
    return tf.get_variable(
        name,
        [],
        tf.int64,
        initializer=tf.zeros_initializer(),
        trainable=False,
        collections=[tf.GraphKeys.LOCAL_VARIABLES],
    )


def _delay(update_ops: Sequence[tf.Operation | tf.Tensor], begin: tf.Operation) -> None:
    """Has what the network updates itself (moving statistics) wait for the check of the step.

    Their assignments stand in the forward pass, and would be done in steps that fail after it.
    """
    for update in update_ops:
        operation = update if isinstance(update, tf.Operation) else update.op
        operation._add_control_input(begin)


def _gradients(
    loss: tf.Tensor,
    optimizer: tf.train.Optimizer,
    options: TrainOptions,
    loss_scale: LossScale | None,
    copies: VariableCopies | None,
) -> tuple[gradients.GradientsAndVariables, tf.Tensor]:
    """Returns what is applied to the variables, and its L2 norm before clipping."""
    # One call for all clones: what they share (synchronised batch norm) is passed once. No gate is
    # needed, since the check waits for every gradient before any update.
    scale = loss_scale.value.read_value() if loss_scale else None
    scaled_loss = loss if scale is None else loss * scale
    if copies:
        grads_and_vars = copies.gradients(scaled_loss)
    else:
        grads_and_vars = optimizer.compute_gradients(
            scaled_loss, gate_gradients=optimizer.GATE_NONE, colocate_gradients_with_ops=True
        )
    computed = [
        (gradient, variable) for gradient, variable in grads_and_vars if gradient is not None
    ]
    if scale is not None:
        computed = [(gradient / scale, variable) for gradient, variable in computed]
    multiplied = gradients.multiply(
        computed,
        gradients.multipliers(
            tf.trainable_variables(),
            options.last_layer_scopes,
            options.last_layer_gradient_multiplier,
        ),
    )
    return gradients.clip(multiplied, options.clip_gradient_norm)


def _update(
    optimizer: tf.train.Optimizer,
    grads_and_vars: gradients.GradientsAndVariables,
    global_step: tf.Variable,
    loss_scale: LossScale | None,
    is_skipped: tf.Tensor,
) -> tf.Operation:
    """Returns the op that updates the variables, or only the loss scale where it was too large."""

    def apply() -> tf.Operation:
        return optimizer.apply_gradients(grads_and_vars, global_step)

    if loss_scale is None:
        return apply()
    return tf.group(tf.cond(is_skipped, tf.no_op, apply), loss_scale.update(is_skipped))


def _move(
    averages: Averages,
    global_step: tf.Variable,
    loss_scale: LossScale | None,
    is_skipped: tf.Tensor,
) -> tf.Operation:
    """Returns the op that moves the averages, unless the step was skipped."""

    def move() -> tf.Operation:
        return averages.update(global_step.read_value())

    return move() if loss_scale is None else tf.cond(is_skipped, tf.no_op, move)
