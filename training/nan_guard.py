"""Stops a training run at the first loss or gradient that is not finite, and names its batch.

The check runs inside the step, before any variable is updated, so neither the variables nor a
checkpoint ever take up such a step.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import tensorflow.compat.v1 as tf

from common.texts import first_few
from deployment.model_deploy import Batch

# Enough to look at by hand; a list of a thousand files helps nobody.
_MOST_VALUES_SHOWN = 32
# Values of variables that are read at once: what another process sends has to be below 2 GiB.
_BYTES_PER_RUN = 1 << 30


class NonFiniteError(ValueError):
    """The loss or a gradient is not finite, or a variable has become so."""


class FiniteGuard:
    """Checks a step; if it fails, `finding` says what was found, and of which batch.

    `describe_batch` is that of `task.Task`.
    """

    def __init__(self, describe_batch: Callable[[Batch], Mapping[str, tf.Tensor]]):
        self.finding = ""
        self._describe_batch = describe_batch

    def check(self, loss: tf.Tensor, gradient_norm: tf.Tensor, batch: Batch) -> tf.Operation:
        """Returns an op that fails, and sets `finding`, unless both values are finite.

        Args:
          loss, gradient_norm: float scalars; the L2 norm is that over all gradients.
          batch: the whole batch of the step.
        """
        names: list[str] = []

        def fail() -> tf.Tensor:
            facts = self._describe_batch(batch)
            names.extend(facts)
            return tf.py_func(
                lambda loss, norm, *values: self._fail(loss, norm, names, values),
                [loss, gradient_norm, *facts.values()],
                tf.bool,
            )

        with tf.name_scope("check_finite"):
            is_finite = tf.is_finite(loss) & tf.is_finite(gradient_norm)
            return tf.cond(is_finite, lambda: tf.constant(True), fail).op

    def _fail(
        self, loss: float, norm: float, names: Sequence[str], values: Sequence[np.ndarray]
    ) -> None:
        if math.isfinite(loss):
            found = f"the loss is {loss:.4g}, but its gradients are not finite (norm {norm:.4g})"
        else:
            found = f"the loss is not finite ({loss:.4g})"
        facts = [f"{name}: {_list(value)}" for name, value in zip(names, values, strict=True)]
        self.finding = "; ".join([found, *facts])
        raise NonFiniteError(self.finding)


def finite_values(
    session: tf.Session, variables: Sequence[tf.Variable]
) -> dict[str, np.ndarray | np.generic]:
    """Returns the values of variables by their names, if all are finite.

    They are looked through in NumPy: operations for it would take longer to build and to prepare
    than all checks of a run.

    Raises:
      NonFiniteError: some are not; names the variables.
    """
    values: dict[str, np.ndarray | np.generic] = {}
    for portion in _portions(variables):
        values |= session.run({each.op.name: each for each in portion})
    floating = [each.op.name for each in variables if each.dtype.base_dtype.is_floating]
    bad = [name for name in floating if not np.isfinite(values[name]).all()]
    if bad:
        raise NonFiniteError(
            f"{len(bad)} variables hold values that are not finite: {first_few(bad, 3)}"
        )
    return values


def _portions(variables: Sequence[tf.Variable]) -> Iterator[Sequence[tf.Variable]]:
    portion: list[tf.Variable] = []
    size = 0
    for variable in variables:
        num_bytes = variable.shape.num_elements() * variable.dtype.size
        if portion and size + num_bytes > _BYTES_PER_RUN:
            yield portion
            portion, size = [], 0
        portion.append(variable)
        size += num_bytes
    yield portion


def _list(values: np.ndarray) -> str:
    items = [
        item.decode("utf-8", "replace") if isinstance(item, bytes) else item
        for item in np.ravel(values).tolist()
    ]
    return first_few(items, _MOST_VALUES_SHOWN)
