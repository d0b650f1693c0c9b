"""Exponential moving averages of a network's variables (`ema_decay`).

After step n, each average follows its variable by

    average -= (1 - d) * (average - variable),   d = min(decay, (1 + n) / (10 + n))

as with `tf.train.ExponentialMovingAverage(decay, num_updates=global_step)`, whose names the
averages have: VARIABLE/ExponentialMovingAverage. That class reads a variable by the op that the
forward pass has read it with, which does not wait for the step's update; here it is read again.

Batch norm's moving statistics are averaged like the weights, as in tf-slim and EfficientNet's code,
although they are averages already: they have to belong to the weights that they are used with, and
averaged weights lie some 1 / (1 - decay) steps in the past.
"""

import functools
from collections.abc import Sequence

import tensorflow.compat.v1 as tf

from training import checkpoints
from training.checkpoints import AVERAGE_SUFFIX


class Averages:
    """Makes a variable for the average of each floating point variable, on the same device.

    Attributes:
      variables: the averages; zero until `start` has run.
      start: op that sets the averages to their variables.
    """

    def __init__(self, variables: Sequence[tf.Variable], decay: float):
        self._decay = decay
        self._averaged = [each for each in variables if each.dtype.base_dtype.is_floating]
        self.variables: list[tf.Variable] = []
        # Not of `tf.get_variable`, which takes twice the time for seven ops: these take four. The
        # zeros are common, but each has a copy of its own to begin with, in whose place a
        # checkpoint's value is fed (`checkpoint_reader.assign`).
        zeros = functools.cache(tf.zeros)
        starts = []
        for variable in self._averaged:
            name = variable.op.name + AVERAGE_SUFFIX
            with tf.colocate_with(variable.op):
                first_value = tf.identity(
                    zeros(tuple(variable.shape.as_list()), variable.dtype.base_dtype)
                )
                average = tf.Variable(first_value, name=name, trainable=False)
                assert average.op.name == name, average.op.name
                starts.append(tf.assign(average, variable.read_value()))
            self.variables.append(average)
        self.start = tf.group(*starts)

    def update(self, global_step: tf.Variable) -> tf.Operation:
        """Returns the op that moves the averages; make it after those of variables and step."""
        with tf.name_scope("update_averages"):
            # The sum comes before the cast: TensorFlow's graph optimizer moves a cast of a read to
            # before the read, where it no longer waits for the step count's update.
            n_and_10 = tf.cast(global_step.read_value() + 10, tf.float32)
            # 1 - d, from 1 - decay as Python computes it: float32 has four digits of 1 - 0.9999.
            share = tf.maximum(1.0 - self._decay, 9.0 / n_and_10)
            updates = []
            for variable, average in zip(self._averaged, self.variables, strict=True):
                with tf.colocate_with(variable.op):
                    ahead = average.value() - variable.read_value()
                    # average -= share * ahead
                    moved = tf.raw_ops.ApplyGradientDescent(
                        var=average.op.outputs[0],
                        alpha=tf.cast(share, ahead.dtype),
                        delta=ahead,
                        use_locking=False,
                    )
                    updates.append(moved)
            return tf.group(*updates)


def saved_names(checkpoint: str) -> dict[str, str]:
    """Returns the name of the average of each variable that has one in a checkpoint.

    Raises:
      ValueError: none has, or it cannot be read.
    """
    names = checkpoints.Reader(checkpoint).averages
    if not names:
        raise ValueError(
            f"checkpoint {checkpoint} has no averages of its weights (no *{AVERAGE_SUFFIX}): train "
            "with ema_decay, such as 0.999, or omit use_ema."
        )
    return names
