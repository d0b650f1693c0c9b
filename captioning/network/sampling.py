"""Captions drawn from a network's own distribution, in part or whole: what it reads in training.

In part is scheduled sampling: S. Bengio et al., arXiv 1506.03099, where each word is the network's
own with some probability. Words are drawn without dropout, as a network in use writes them, and no
gradient passes them; what they cost, `Decoder.unroll` says, which reads them as any others.
"""

import tensorflow.compat.v1 as tf

from captioning.network.decoder import Decoder, Tensors


def mixed(decoder: Decoder, features: tf.Tensor, words: tf.Tensor, share: tf.Tensor) -> tf.Tensor:
    """Replaces a share of the words of captions by what the network would have written.

    Args:
      decoder: writes captions.
      features: float32 [images, height, width, depth].
      words: int32 [images * captions, length], those of an image after each other.
      share: probability of each word but the first to be replaced, a scalar.

    Returns:
      int32 [images * captions, length]. A word's replacement follows those before it, replaced ones
      with them.
    """
    shape = tf.shape(words)
    is_own = tf.random.uniform(shape) < share
    return _read(decoder, features, words, is_own, tf.random.uniform(shape))


def sample(decoder: Decoder, features: tf.Tensor, start: int, count: int, length: int) -> tf.Tensor:
    """Draws captions of images.

    Args:
      decoder: writes captions.
      features: float32 [images, height, width, depth].
      start: id of the word that marks the start.
      count: captions of each image.
      length: words of each, the one that marks the start included; those after the end mean
        nothing.

    Returns:
      int32 [images * count, length], those of an image after each other.
    """
    words = tf.fill(tf.stack([tf.shape(features)[0] * count, length]), start)
    is_own = tf.ones_like(words, tf.bool)
    return _read(decoder, features, words, is_own, tf.random.uniform(tf.shape(words)))


def pick(logits: tf.Tensor, chances: tf.Tensor) -> tf.Tensor:
    """Draws a word of each distribution.

    Args:
      logits: float32 [batch, words].
      chances: random numbers from 0 to less than 1, float32 [batch].

    Returns:
      int32 [batch]: the words in whose part of the distribution the numbers lie.
    """
    sums = tf.cumsum(tf.nn.softmax(logits), axis=1)
    chances = chances[:, tf.newaxis] * sums[:, -1:]  # The last sum is 1 but for rounding.
    words = tf.reduce_sum(tf.cast(sums <= chances, tf.int32), axis=1)
    return tf.minimum(words, tf.shape(logits)[1] - 1)


def _read(
    decoder: Decoder, features: tf.Tensor, words: tf.Tensor, is_own: tf.Tensor, chances: tf.Tensor
) -> tf.Tensor:
    """Returns the words with the network's own where `is_own`; shapes [images * captions, length].

    All that is random comes as an argument: iterations of a loop may overlap, and would draw in
    another order each time.
    """
    memory, state = decoder.start(tf.stop_gradient(features))
    count = tf.shape(words)[0] // tf.shape(features)[0]
    memory = tuple(tf.repeat(each, count, axis=0) for each in memory)
    state = tuple(tf.repeat(each, count, axis=0) for each in state)
    batch, length = words.shape
    words, is_own, chances = tf.transpose(words), tf.transpose(is_own), tf.transpose(chances)

    def advance(
        time: tf.Tensor, last: tf.Tensor, state: Tensors, written: tf.TensorArray
    ) -> tuple[tf.Tensor, tf.Tensor, Tensors, tf.TensorArray]:
        logits, state, _ = decoder.step(last, memory, state)
        own = pick(logits, chances[time - 1])
        last = tf.where(is_own[time], own, words[time])
        return time + 1, last, state, written.write(time, last)

    count_times = tf.shape(words)[0]
    written = tf.TensorArray(tf.int32, count_times, element_shape=words.shape[1:])
    state_shapes = tuple(tf.TensorShape([None]).concatenate(each.shape[1:]) for each in state)
    *_, written = tf.while_loop(
        lambda time, *_: time < count_times,
        advance,
        (tf.constant(1), words[0], state, written.write(0, words[0])),
        shape_invariants=(tf.TensorShape([]), words.shape[1:], state_shapes, tf.TensorShape(None)),
        back_prop=False,
    )
    read = tf.transpose(written.stack())
    read.set_shape([batch, length])
    return read
