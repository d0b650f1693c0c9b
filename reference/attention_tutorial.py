"""Show, Attend and Tell as TensorFlow's tutorial computes it: a word is a call of the decoder.

Training unrolls the calls over the words of a batch, and in use Python asks for one word after the
other. The state of the GRU is carried from word to word, as in `captioning.network.attention`,
whose variables these are; the tutorial leaves it empty, at the same cost.
"""

import numpy as np
import tensorflow.compat.v1 as tf


class Tutorial:
    """The tutorial's encoder of features, and its decoder.

    Args:
      num_words, depth, embedding_size, num_units: as of `AttentionDecoder`.
    """

    def __init__(self, num_words: int, depth: int, embedding_size: int = 256, num_units: int = 512):
        self.num_units = num_units
        zeros = tf.zeros_initializer()

        def dense(name: str, num_inputs: int, num_outputs: int) -> tuple[tf.Variable, tf.Variable]:
            with tf.variable_scope(name):
                kernel = tf.get_variable("kernel", [num_inputs, num_outputs])
                return kernel, tf.get_variable("bias", [num_outputs], initializer=zeros)

        with tf.variable_scope("encoder"):
            self._place = dense("fc", depth, embedding_size)
        with tf.variable_scope("decoder"):
            with tf.variable_scope("embedding"):
                self._word_map = tf.get_variable(
                    "embeddings",
                    [num_words, embedding_size],
                    initializer=tf.random_uniform_initializer(-0.05, 0.05),
                )
            with tf.variable_scope("gru"):
                self._kernel = tf.get_variable("kernel", [2 * embedding_size, 3 * num_units])
                self._recurrent_kernel = tf.get_variable(
                    "recurrent_kernel",
                    [num_units, 3 * num_units],
                    initializer=tf.orthogonal_initializer(),
                )
                self._bias = tf.get_variable("bias", [2, 3 * num_units], initializer=zeros)
            self._hidden = dense("fc1", num_units, num_units)
            self._logits = dense("fc2", num_units, num_words)
            with tf.variable_scope("attention"):
                self._of_places = dense("W1", embedding_size, num_units)
                self._of_state = dense("W2", num_units, num_units)
                self._score = dense("V", num_units, 1)

    def encode(self, features: tf.Tensor) -> tf.Tensor:
        """[batch, height, width, depth] -> the places of images, [batch, places, embedding]."""
        batch, depth = tf.shape(features)[0], features.shape[-1]
        return tf.nn.relu(_apply(self._place, tf.reshape(features, [batch, -1, depth])))

    def call(
        self, words: tf.Tensor, places: tf.Tensor, hidden: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Reads words.

        Args:
          words: int [batch].
          places: of `encode`.
          hidden: the GRU's state, [batch, units].

        Returns:
          (logits [batch, words], hidden).
        """
        asked = _apply(self._of_state, hidden[:, tf.newaxis])
        scores = _apply(self._score, tf.tanh(_apply(self._of_places, places) + asked))
        context = tf.reduce_sum(tf.nn.softmax(scores, axis=1) * places, axis=1)
        embedded = tf.nn.embedding_lookup(self._word_map, words)
        hidden = self._gru(tf.concat([context, embedded], axis=1), hidden)
        return _apply(self._logits, _apply(self._hidden, hidden)), hidden

    def _gru(self, inputs: tf.Tensor, hidden: tf.Tensor) -> tf.Tensor:
        """Keras's GRU, with the reset gate after the matrix product."""
        of_inputs = tf.matmul(inputs, self._kernel) + self._bias[0]
        of_hidden = tf.matmul(hidden, self._recurrent_kernel) + self._bias[1]
        update, reset, new = tf.split(of_inputs, 3, axis=1)
        own_update, own_reset, own_new = tf.split(of_hidden, 3, axis=1)
        update = tf.sigmoid(update + own_update)
        new = tf.tanh(new + tf.sigmoid(reset + own_reset) * own_new)
        return update * hidden + (1.0 - update) * new


def add_loss(
    tutorial: Tutorial, features: tf.Tensor, ids: tf.Tensor, lengths: tf.Tensor
) -> tf.Tensor:
    """Adds the tutorial's loss to `tf.GraphKeys.LOSSES`.

    Args:
      tutorial: the decoder.
      features: of the encoder, float32 [batch, height, width, depth].
      ids: a caption of each image, int32 [batch, length], with the words that mark start and end;
        the length is known when the graph is built.
      lengths: theirs, int32 [batch].

    Returns:
      The sum over time of the mean over the batch, where words that only fill up cost nothing.
    """
    places = tutorial.encode(features)
    hidden = tf.zeros([tf.shape(ids)[0], tutorial.num_units])
    loss = tf.constant(0.0)
    for time in range(1, ids.shape[1].value):
        logits, hidden = tutorial.call(ids[:, time - 1], places, hidden)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=ids[:, time], logits=logits)
        loss += tf.reduce_mean(losses * tf.cast(time < lengths, tf.float32))
    tf.losses.add_loss(loss)
    return loss


def train_op(
    loss: tf.Tensor, learning_rate: float, variables: list[tf.Variable] | None = None
) -> tf.Tensor:
    """Builds a step of Adam; computing its result, the loss, does it.

    Args:
      loss: a scalar.
      learning_rate: of all variables.
      variables: those that are trained; None for all.
    """
    update = tf.train.AdamOptimizer(learning_rate).minimize(loss, var_list=variables)
    with tf.control_dependencies([update, *tf.get_collection(tf.GraphKeys.UPDATE_OPS)]):
        return tf.identity(loss)


class TutorialGraph:
    """Asks the tutorial's decoder; see `caption_search.Asked`.

    Args:
      session: will have the weights.
      tutorial: the decoder.
      images: placeholder, uint8 [batch, height, width, 3].
      features: what the encoder says of them.
    """

    def __init__(
        self, session: tf.Session, tutorial: Tutorial, images: tf.Tensor, features: tf.Tensor
    ):
        self._session, self._images = session, images
        self._num_units = tutorial.num_units
        self._encoded = tutorial.encode(features)
        self._fed_places = tf.placeholder(tf.float32, [None, *self._encoded.shape[1:]])
        self._words = tf.placeholder(tf.int64, [None])
        self._hidden = tf.placeholder(tf.float32, [None, self._num_units])
        logits, after = tutorial.call(self._words, self._fed_places, self._hidden)
        self._answers = tf.nn.softmax(logits), after
        self._places: np.ndarray | None = None

    def start(self, image: np.ndarray) -> np.ndarray:
        """See `Asked`."""
        self._places = self._session.run(self._encoded, {self._images: image[np.newaxis]})
        return np.zeros([1, self._num_units], np.float32)

    def step(self, words: np.ndarray, states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `Asked`."""
        assert self._places is not None
        feeds = {
            self._fed_places: np.repeat(self._places, len(words), axis=0),
            self._words: words,
            self._hidden: states,
        }
        return self._session.run(self._answers, feeds)


def _apply(layer: tuple[tf.Variable, tf.Variable], inputs: tf.Tensor) -> tf.Tensor:
    kernel, bias = layer
    return tf.tensordot(inputs, kernel, 1) + bias
