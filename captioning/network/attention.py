"""Show, Attend and Tell: before each word the network looks again, at the places that it chooses.

Xu et al., arXiv 1502.03044, with the attention of Bahdanau et al., arXiv 1409.0473, and a GRU, as
TensorFlow's tutorial has it. There the GRU is called without its state, so that its memory is empty
at every word; here the state is carried from word to word.
"""

import tensorflow.compat.v1 as tf

from captioning.network.cells import GRUCell
from captioning.network.decoder import Decoder, Step, Tensors, Unrolled, dropout, scan


class AttentionDecoder(Decoder):
    """See `Decoder`. What stays is the image, place by place; the state is the GRU's."""

    def __init__(
        self,
        num_words: int,
        depth: int,
        embedding_size: int = 256,
        num_units: int = 512,
        keep_prob: float = 1.0,
        carries_state: bool = True,
        starts_from_image: bool = False,
    ):
        """Makes the variables.

        Args:
          num_words: size of the vocabulary.
          depth: channels of the features.
          embedding_size: numbers that stand for a place or a word.
          num_units: of the GRU, and of the attention.
          keep_prob: share of the embedded words and of the GRU's outputs that dropout keeps in
            `unroll`.
          carries_state: False for the tutorial's way.
          starts_from_image: whether the GRU's first state comes from the mean over all places, as
            in Xu et al.; False for zeros, the tutorial's way.
        """
        self.num_words = num_words
        self._keep_prob = keep_prob
        self._carries_state = carries_state
        self._context_size = embedding_size
        with tf.variable_scope("encoder"):
            self._place = _Dense("fc", depth, embedding_size)
        with tf.variable_scope("decoder"):
            with tf.variable_scope("embedding"):
                self._word_map = tf.get_variable(
                    "embeddings",
                    [num_words, embedding_size],
                    initializer=tf.random_uniform_initializer(-0.05, 0.05),
                )
            with tf.variable_scope("gru"):
                self._cell = GRUCell(2 * embedding_size, num_units)
            self._first_state = None
            if starts_from_image:
                self._first_state = _Dense("first_state", embedding_size, num_units)
            self._hidden = _Dense("fc1", num_units, num_units)
            self._logits = _Dense("fc2", num_units, num_words)
            with tf.variable_scope("attention"):
                self._of_places = _Dense("W1", embedding_size, num_units)
                self._of_state = _Dense("W2", num_units, num_units)
                self._score = _Dense("V", num_units, 1)

    def start(self, features: tf.Tensor) -> tuple[Tensors, Tensors]:
        """See `Decoder`."""
        depth = features.shape[-1]
        places = tf.reshape(features, [tf.shape(features)[0], -1, depth])
        embedded = tf.nn.relu(self._place(places))
        if self._first_state is None:
            state = tf.zeros([tf.shape(features)[0], self._cell.num_units], embedded.dtype)
        else:
            state = tf.tanh(self._first_state(tf.reduce_mean(embedded, axis=1)))
        return (embedded, self._of_places(embedded)), (state,)

    def step(self, words: tf.Tensor, memory: Tensors, state: Tensors) -> Step:
        """See `Decoder`."""
        seen = self._see_words(tf.nn.embedding_lookup(self._word_map, words))
        state, attention = self._step(seen, memory, state)
        return Step(self._logits(self._hidden(state[0])), state, attention)

    def unroll(self, features: tf.Tensor, words: tf.Tensor) -> Unrolled:
        """See `Decoder`."""
        memory, state = self.start(features)
        embedded = dropout(tf.nn.embedding_lookup(self._word_map, words), self._keep_prob)

        def step(seen: tf.Tensor, state: Tensors) -> tuple[Tensors, Tensors]:
            state, attention = self._step(seen, memory, state)
            return (state[0], attention), state

        outputs, attention = scan(step, self._see_words(embedded), state)
        return Unrolled(self._logits(self._hidden(dropout(outputs, self._keep_prob))), attention)

    def _see_words(self, embedded: tf.Tensor) -> tf.Tensor:
        """What words contribute to the GRU's input, whose first part is the context."""
        return self._cell.see(embedded, self._context_size)

    def _step(self, seen: tf.Tensor, memory: Tensors, state: Tensors) -> tuple[Tensors, tf.Tensor]:
        places, of_places = memory
        asked = self._of_state(state[0])[:, tf.newaxis]
        scores = self._score(tf.tanh(of_places + asked))[..., 0]
        attention = tf.nn.softmax(scores)
        context = tf.matmul(attention[:, tf.newaxis], places)[:, 0]
        before = state[0] if self._carries_state else tf.zeros_like(state[0])
        after = self._cell.step(seen + self._cell.see(context), before)
        return (after,), attention


class _Dense:
    """Multiplies the last axis by a matrix, and adds a bias; Keras's names."""

    def __init__(self, name: str, num_inputs: int, num_outputs: int):
        with tf.variable_scope(name):
            self._kernel = tf.get_variable("kernel", [num_inputs, num_outputs])
            self._bias = tf.get_variable("bias", [num_outputs], initializer=tf.zeros_initializer())

    def __call__(self, inputs: tf.Tensor) -> tf.Tensor:
        return tf.tensordot(inputs, self._kernel, 1) + self._bias
