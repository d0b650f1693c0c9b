"""What a caption's words cost."""

import tensorflow.compat.v1 as tf


def word_losses(logits: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
    """Returns minus the logarithm of each word's probability.

    Args:
      logits: float32 [batch, length, words].
      targets: the words, int [batch, length].

    Returns:
      float32 [batch, length].
    """
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=targets, logits=logits)


def mean_loss(losses: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Returns the mean over the words that there are, a scalar; 0 where there are none.

    Args:
      losses: float32 [batch, length].
      mask: 1 for a word, 0 for what only fills up, [batch, length].
    """
    weights = tf.cast(mask, losses.dtype)
    return tf.div_no_nan(tf.reduce_sum(losses * weights), tf.reduce_sum(weights))


def policy_loss(losses: tf.Tensor, mask: tf.Tensor, advantages: tf.Tensor) -> tf.Tensor:
    """Returns a scalar whose gradient raises the probability of captions that earned more.

    It is REINFORCE's (Williams 1992): the expected reward's gradient, with the sign of a loss.

    Args:
      losses: of the words of captions that the network has drawn, float32 [batch, length].
      mask: as of `mean_loss`.
      advantages: what each caption earned more than was to be expected, float32 [batch]; no
        gradient passes them.
    """
    surprise = tf.reduce_sum(losses * tf.cast(mask, losses.dtype), axis=1)
    return tf.reduce_mean(tf.stop_gradient(advantages) * surprise)


def attention_penalty(attention: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Returns how unevenly captions have looked at their images; Xu et al., equation 14.

    Args:
      attention: float32 [batch, length, places].
      mask: as of `mean_loss`.

    Returns:
      The mean over captions of the sum over places of (1 - attention over all words) squared.
    """
    looked = tf.reduce_sum(attention * tf.cast(mask, attention.dtype)[..., tf.newaxis], axis=1)
    return tf.reduce_mean(tf.reduce_sum(tf.square(1.0 - looked), axis=1))
