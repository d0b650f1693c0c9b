"""Sums of gradients between GPUs, by NVIDIA's NCCL, instead of on the CPU.

Variables live on the CPU once. In every step each clone copies the trained ones to its own device
and computes the gradients with respect to its copies there. NCCL sums these between the GPUs, and
one sum goes to the variable, where otherwise the gradient of every clone would.
"""

import itertools
from collections.abc import Callable

import tensorflow.compat.v1 as tf

from deployment.config import DeploymentConfig


class VariableCopies:
    """The copies of the trained variables of a graph.

    Usage: build clone i under `tf.variable_scope(…, custom_getter=copies.getter(i))`, then call
    `gradients`.
    """

    def __init__(self, config: DeploymentConfig):
        self._config = config
        self._copies: dict[object, dict[int, tf.Tensor]] = {}

    def getter(self, clone: int) -> Callable:
        """Returns a `custom_getter` that gives a clone its copies instead of the variables."""

        def get(getter: Callable, name: str, *arguments, **keywords) -> tf.Variable | tf.Tensor:
            variable = getter(name, *arguments, **keywords)
            if not any(variable is trained for trained in tf.trainable_variables()):
                return variable
            copies = self._copies.setdefault(variable.ref(), {})
            if clone not in copies:
                # What depends on the variable itself, such as its L2 loss, stays apart.
                with tf.device(self._config.clone_device(clone)):
                    copies[clone] = tf.identity(tf.stop_gradient(variable), name="copy")
            return copies[clone]

        return get

    def gradients(self, loss: tf.Tensor) -> list[tuple[tf.Tensor | None, tf.Variable]]:
        """Returns (gradient of the loss, variable) for every trained variable.

        As `Optimizer.compute_gradients`, and equal up to the order of sums.
        """
        variables = tf.trainable_variables()
        targets = [[each, *self._copies.get(each.ref(), {}).values()] for each in variables]
        flat = list(itertools.chain.from_iterable(targets))
        found = iter(tf.gradients(loss, flat, colocate_gradients_with_ops=True))
        result = []
        for variable, group in zip(variables, targets, strict=True):
            own, *of_copies = [next(found) for _ in group]
            parts = [each for each in of_copies if each is not None]
            gradient = self._sum(parts, variable.op.name) if parts else None
            if own is not None:
                gradient = own if gradient is None else gradient + own
            result.append((gradient, variable))
        return result

    def _sum(self, gradients: list[tf.Tensor], name: str) -> tf.Tensor:
        gradients = [tf.convert_to_tensor(gradient) for gradient in gradients]
        if not self._has_nccl() or len(gradients) < self._config.num_clones:
            return tf.add_n(gradients)
        sums = []
        for clone, gradient in enumerate(gradients):
            with tf.device(self._config.clone_device(clone)):
                sums.append(
                    tf.raw_ops.NcclAllReduce(
                        input=gradient,
                        reduction="sum",
                        num_devices=len(gradients),
                        shared_name=f"sum_of_gradients/{name}",
                    )
                )
        # None of them ends before all have begun, so all have to run.
        with tf.control_dependencies(sums):
            return tf.identity(sums[0])

    def _has_nccl(self) -> bool:
        num_gpus = len(tf.config.list_physical_devices("GPU"))
        return not self._config.clone_on_cpu and 1 < self._config.num_clones <= num_gpus
