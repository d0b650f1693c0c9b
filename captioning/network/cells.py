"""Recurrent cells, split into the part that sees the input and the part that sees the state.

What the input contributes can be computed for all times at once; a step over time is left with one
matrix product. Keras 3 has taken TensorFlow's own cells away.
"""

from collections.abc import Callable

import tensorflow.compat.v1 as tf

# So that a memory is kept at the beginning: BasicLSTMCell's default.
_FORGET_BIAS = 1.0


class LSTMCell:
    """A long short-term memory with TensorFlow's `BasicLSTMCell`'s variables and order of gates.

    Hochreiter and Schmidhuber 1997; gates are input, new values, forget, output.
    """

    def __init__(self, input_size: int, num_units: int, initializer: Callable):
        """Makes the variables `kernel` [inputs + units, 4 units] and `bias` [4 units]."""
        self.num_units = num_units
        with tf.variable_scope("basic_lstm_cell"):
            kernel = tf.get_variable(
                "kernel", [input_size + num_units, 4 * num_units], initializer=initializer
            )
            self._bias = tf.get_variable(
                "bias", [4 * num_units], initializer=tf.zeros_initializer()
            )
        self._of_inputs = kernel[:input_size]
        self._of_state = kernel[input_size:]

    def see(self, inputs: tf.Tensor) -> tf.Tensor:
        """Returns what inputs [..., inputs] contribute: [..., 4 units]."""
        return tf.tensordot(inputs, self._of_inputs, 1) + self._bias

    def step(
        self, seen: tf.Tensor, memory: tf.Tensor, output: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the next (memory, output), each [batch, units].

        Args:
          seen: `see` of the input, [batch, 4 units].
          memory, output: those before, [batch, units].
        """
        gates = seen + tf.matmul(output, self._of_state)
        take, new, keep, show = tf.split(gates, 4, axis=1)
        memory = memory * tf.sigmoid(keep + _FORGET_BIAS) + tf.sigmoid(take) * tf.tanh(new)
        return memory, tf.tanh(memory) * tf.sigmoid(show)


class GRUCell:
    """A gated recurrent unit with the variables and order of gates of Keras.

    Cho et al. 2014, with the reset gate after the matrix product; gates are update, reset, new.
    """

    def __init__(self, input_size: int, num_units: int):
        """Makes `kernel` [inputs, 3 units], `recurrent_kernel` [units, 3 units], `bias` [2, …]."""
        self.num_units = num_units
        self._of_inputs = tf.get_variable("kernel", [input_size, 3 * num_units])
        self._of_state = tf.get_variable(
            "recurrent_kernel", [num_units, 3 * num_units], initializer=tf.orthogonal_initializer()
        )
        bias = tf.get_variable("bias", [2, 3 * num_units], initializer=tf.zeros_initializer())
        self._bias, self._state_bias = tf.unstack(bias)

    def see(self, inputs: tf.Tensor, first: int = 0) -> tf.Tensor:
        """Returns what a part of the inputs contributes.

        Args:
          inputs: [..., part].
          first: where the part begins among the inputs; the bias belongs to the one at 0.

        Returns:
          [..., 3 units]; the sum over all parts goes to `step`.
        """
        seen = tf.tensordot(inputs, self._of_inputs[first : first + inputs.shape[-1]], 1)
        return seen if first else seen + self._bias

    def step(self, seen: tf.Tensor, state: tf.Tensor) -> tf.Tensor:
        """Returns the next state [batch, units].

        Args:
          seen: the sum of `see`, [batch, 3 units].
          state: the one before.
        """
        own = tf.matmul(state, self._of_state) + self._state_bias
        update, reset, new = tf.split(seen, 3, axis=1)
        own_update, own_reset, own_new = tf.split(own, 3, axis=1)
        update = tf.sigmoid(update + own_update)
        new = tf.tanh(new + tf.sigmoid(reset + own_reset) * own_new)
        return update * state + (1.0 - update) * new
