"""Self-critical training: captions that the network draws, and what they earn more than others.

S. Rennie et al., "Self-critical Sequence Training for Image Captioning", arXiv 1612.00563. With one
caption for each image, what its likeliest caption earns (found greedily) is to be expected, as
there; with several, what the others earn in the mean: R. Luo, "A Better Variant of Self-Critical
Sequence Training", arXiv 2003.09971.
"""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow.compat.v1 as tf

from captioning.network import beam_search, sampling
from captioning.network.decoder import Decoder
from captioning.options import SearchOptions

# As long as those that validation finds.
_LENGTH = SearchOptions().max_length


@dataclasses.dataclass(frozen=True)
class Rewards:
    """What captions earn.

    Attributes:
      start, end: ids of the words that mark the start and the end.
      score: (numbers of images, int64 [images]; words, int32 [images, captions, length]) -> float32
        [images, captions]. It runs in this process, on the CPU.
    """

    start: int
    end: int
    score: Callable[[np.ndarray, np.ndarray], np.ndarray]


class Drawn(NamedTuple):
    """Captions that a network has drawn, those of an image after each other; no gradient passes.

    Attributes:
      words: int32 [images * captions, length], with the word that marks the start.
      mask: whether a word after the first belongs to its caption, up to its end, bool [images *
        captions, length - 1].
      rewards: float32 [images * captions].
      baselines: what was to be expected, float32 [images * captions].
    """

    words: tf.Tensor
    mask: tf.Tensor
    rewards: tf.Tensor
    baselines: tf.Tensor


def draw(
    decoder: Decoder, features: tf.Tensor, image_ids: tf.Tensor, rewards: Rewards, count: int
) -> Drawn:
    """Draws captions of images.

    Args:
      decoder: writes them, without dropout.
      features: float32 [images, height, width, depth].
      image_ids: numbers of the images, int64 [images].
      rewards: what captions earn.
      count: captions of each image.
    """
    words = sampling.sample(decoder, features, rewards.start, count, _LENGTH)
    scored = tf.reshape(words, [-1, count, _LENGTH])
    if count == 1:
        greedy = SearchOptions(beam_size=1, max_length=_LENGTH)
        likeliest = beam_search.search(
            decoder, tf.stop_gradient(features), rewards.start, rewards.end, greedy
        )
        scored = tf.concat([scored, likeliest.words], axis=1)
    with tf.device("/device:CPU:0"):
        earned = tf.numpy_function(rewards.score, [image_ids, scored], tf.float32)
    earned.set_shape(scored.shape[:2])
    if count == 1:
        earned, baselines = earned[:, :1], earned[:, 1:]
    else:
        baselines = (tf.reduce_sum(earned, axis=1, keepdims=True) - earned) / (count - 1)
    is_end = tf.cast(tf.equal(words[:, 1:], rewards.end), tf.int32)
    mask = tf.equal(tf.cumsum(is_end, axis=1, exclusive=True), 0)
    return Drawn(words, mask, tf.reshape(earned, [-1]), tf.reshape(baselines, [-1]))
