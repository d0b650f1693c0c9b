"""Show and Tell: an image's code is the first thing that an LSTM reads, and words follow.

Vinyals et al., "Show and Tell: A Neural Image Caption Generator", arXiv 1411.4555. Variable names
are those of research/im2txt, so that its checkpoints load by name.
"""

import tensorflow.compat.v1 as tf

from captioning.network.cells import LSTMCell
from captioning.network.decoder import Decoder, Step, Tensors, Unrolled, dropout, scan

# research/im2txt, configuration.py: all variables but the biases.
_INITIAL_RANGE = 0.08


class ShowAndTell(Decoder):
    """See `Decoder`; the state is the LSTM's memory and output, and nothing else stays."""

    def __init__(
        self,
        num_words: int,
        depth: int,
        embedding_size: int = 512,
        num_units: int = 512,
        keep_prob: float = 1.0,
        code_keep_prob: float = 1.0,
    ):
        """Makes the variables.

        Args:
          num_words: size of the vocabulary.
          depth: channels of the features.
          embedding_size: numbers that stand for an image or a word.
          num_units: of the LSTM.
          keep_prob: share of the LSTM's inputs, and of its outputs, that dropout keeps in `unroll`.
          code_keep_prob: share of an image's features, averaged over all places, that dropout keeps
            there.
        """
        self.num_words = num_words
        self._keep_prob = keep_prob
        self._code_keep_prob = code_keep_prob
        initializer = tf.random_uniform_initializer(-_INITIAL_RANGE, _INITIAL_RANGE)
        with tf.variable_scope("image_embedding"):
            self._image_map = tf.get_variable(
                "weights", [depth, embedding_size], initializer=initializer
            )
        with tf.variable_scope("seq_embedding"):
            self._word_map = tf.get_variable(
                "map", [num_words, embedding_size], initializer=initializer
            )
        with tf.variable_scope("lstm"):
            self._cell = LSTMCell(embedding_size, num_units, initializer)
        with tf.variable_scope("logits"):
            self._weights = tf.get_variable(
                "weights", [num_units, num_words], initializer=initializer
            )
            self._biases = tf.get_variable(
                "biases", [num_words], initializer=tf.zeros_initializer()
            )

    def start(self, features: tf.Tensor) -> tuple[Tensors, Tensors]:
        """See `Decoder`."""
        seen = self._cell.see(self.embed_image(features))
        zeros = tf.zeros([tf.shape(features)[0], self._cell.num_units], seen.dtype)
        return (), self._cell.step(seen, zeros, zeros)

    def step(self, words: tf.Tensor, memory: Tensors, state: Tensors) -> Step:
        """See `Decoder`."""
        del memory
        seen = self._cell.see(tf.nn.embedding_lookup(self._word_map, words))
        state = self._cell.step(seen, *state)
        return Step(tf.matmul(state[1], self._weights) + self._biases, state, None)

    def unroll(self, features: tf.Tensor, words: tf.Tensor) -> Unrolled:
        """See `Decoder`; the image is what an LSTM reads before the words."""
        embedded = tf.nn.embedding_lookup(self._word_map, words)
        image = self.embed_image(features, self._code_keep_prob)
        inputs = tf.concat([image[:, tf.newaxis], embedded], axis=1)
        seen = self._cell.see(dropout(inputs, self._keep_prob))
        zeros = tf.zeros([tf.shape(features)[0], self._cell.num_units], seen.dtype)

        def step(seen: tf.Tensor, state: Tensors) -> tuple[Tensors, Tensors]:
            state = self._cell.step(seen, *state)
            return (state[1],), state

        (outputs,) = scan(step, seen, (zeros, zeros))
        outputs = dropout(outputs[:, 1:], self._keep_prob)
        return Unrolled(tf.tensordot(outputs, self._weights, 1) + self._biases, None)

    def embed_image(self, features: tf.Tensor, keep_prob: float = 1.0) -> tf.Tensor:
        """[batch, height, width, depth] -> [batch, embedding_size]: the mean over all places."""
        code = dropout(tf.reduce_mean(features, axis=[1, 2]), keep_prob)
        return tf.matmul(code, self._image_map)
