"""What a caption's network is to those who train it and to those who search with it."""

import abc
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import tensorflow.compat.v1 as tf

# Tensors [batch, …]: one entry for each caption that is being written.
Tensors: TypeAlias = tuple[tf.Tensor, ...]


class Step(NamedTuple):
    """What one word leads to.

    Attributes:
      logits: float32 [batch, words], of the next word.
      state: for the next step.
      attention: float32 [batch, places], the share of each place of the image; None for networks
        that do not look again.
    """

    logits: tf.Tensor
    state: Tensors
    attention: tf.Tensor | None


class Unrolled(NamedTuple):
    """What whole captions lead to: `Step` of every word.

    Attributes:
      logits: float32 [batch, length, words].
      attention: float32 [batch, length, places], or None.
    """

    logits: tf.Tensor
    attention: tf.Tensor | None


class Decoder(abc.ABC):
    """Writes captions word by word. Its variables are made with it, in the scope of that moment.

    Attributes:
      num_words: size of the vocabulary, with the words that mark start, end and unknown ones.
    """

    num_words: int

    @abc.abstractmethod
    def start(self, features: tf.Tensor) -> tuple[Tensors, Tensors]:
        """Takes a look at images.

        Args:
          features: float32 [batch, height, width, depth].

        Returns:
          (what stays the same for all words of an image, the state before the first word).
        """

    @abc.abstractmethod
    def step(self, words: tf.Tensor, memory: Tensors, state: Tensors) -> Step:
        """Reads words, int [batch], and says which may follow."""

    @abc.abstractmethod
    def unroll(self, features: tf.Tensor, words: tf.Tensor) -> Unrolled:
        """Reads whole captions, int [batch, length], as `start` and `step` would, but faster."""


def dropout(inputs: tf.Tensor, keep_prob: float) -> tf.Tensor:
    """Keeps a share of values, made larger by as much; all of them where it is 1."""
    return inputs if keep_prob == 1.0 else tf.nn.dropout(inputs, rate=1 - keep_prob)


def scan(
    step: Callable[[tf.Tensor, Tensors], tuple[Tensors, Tensors]], inputs: tf.Tensor, state: Tensors
) -> Tensors:
    """Runs a step over time.

    Args:
      step: (inputs [batch, …] of one time, state) -> (outputs, state).
      inputs: [batch, length, …].
      state: before the first time.

    Returns:
      The outputs of all times, each [batch, length, …].
    """
    by_time = _swap(inputs)
    length = tf.shape(by_time)[0]
    arrays = tf.TensorArray(inputs.dtype, length).unstack(by_time)
    trial, _ = step(inputs[:, 0], state)  # Only for its types and shapes.

    def body(time: tf.Tensor, state: Tensors, written: tuple) -> tuple:
        outputs, state = step(arrays.read(time), state)
        return (
            time + 1,
            state,
            tuple(array.write(time, each) for array, each in zip(written, outputs, strict=True)),
        )

    _, _, written = tf.while_loop(
        lambda time, *_: time < length,
        body,
        (tf.constant(0), state, tuple(tf.TensorArray(each.dtype, length) for each in trial)),
    )
    outputs = []
    for array, each in zip(written, trial, strict=True):
        stacked = _swap(array.stack())
        stacked.set_shape([inputs.shape[0], inputs.shape[1], *each.shape[1:]])
        outputs.append(stacked)
    return tuple(outputs)


def _swap(tensor: tf.Tensor) -> tf.Tensor:
    """[batch, length, …] <-> [length, batch, …]."""
    rest = range(2, tensor.shape.rank)
    return tf.transpose(tensor, [1, 0, *rest])
