"""Show and Tell in the operations of research/im2txt (`show_and_tell_model.py`, `train.py`).

The LSTM multiplies input and state together, within `dynamic_rnn`, and drops out at every time; its
inference is asked for one word after the other. Variables are those of
`captioning.network.show_and_tell`.
"""

import numpy as np
import tensorflow.compat.v1 as tf

_INITIAL_RANGE = 0.08
_CLIP_NORM = 5.0
_LSTMState = tuple[tf.Tensor, tf.Tensor]


def add_loss(
    features: tf.Tensor,
    ids: tf.Tensor,
    lengths: tf.Tensor,
    num_words: int,
    *,
    embedding_size: int = 512,
    num_units: int = 512,
    keep_prob: float = 0.7,
    code_keep_prob: float = 1.0,
) -> tf.Tensor:
    """Builds the network behind the encoder and adds its loss to `tf.GraphKeys.LOSSES`.

    Args:
      features: of the encoder, float32 [batch, height, width, depth].
      ids: a caption of each image, int32 [batch, length], with the words that mark start and end.
      lengths: theirs, int32 [batch].
      num_words: size of the vocabulary.
      embedding_size, num_units, keep_prob, code_keep_prob: as of `ShowAndTell`.

    Returns:
      The loss, a scalar.
    """
    initializer = tf.random_uniform_initializer(-_INITIAL_RANGE, _INITIAL_RANGE)
    _, height, width, depth = features.shape.as_list()
    code = tf.nn.avg_pool2d(features, [height, width], 1, "VALID")
    code = tf.reshape(_dropout(code, code_keep_prob), [-1, depth])
    with tf.variable_scope("image_embedding"):
        image_map = tf.get_variable("weights", [depth, embedding_size], initializer=initializer)
    with tf.variable_scope("seq_embedding"):
        word_map = tf.get_variable("map", [num_words, embedding_size], initializer=initializer)
    embedded = tf.nn.embedding_lookup(word_map, ids[:, :-1])
    with tf.variable_scope("lstm") as scope:
        cell = _LSTMCell(embedding_size, num_units, keep_prob, initializer)
        zeros = cell.zero_state(tf.shape(ids)[0], tf.float32)
        _, state = cell(tf.matmul(code, image_map), zeros)
        outputs, _ = tf.nn.dynamic_rnn(
            cell, embedded, sequence_length=lengths - 1, initial_state=state, scope=scope
        )
    with tf.variable_scope("logits"):
        weights = tf.get_variable("weights", [num_units, num_words], initializer=initializer)
        biases = tf.get_variable("biases", [num_words], initializer=tf.zeros_initializer())
    logits = tf.nn.bias_add(tf.matmul(tf.reshape(outputs, [-1, num_units]), weights), biases)
    mask = tf.sequence_mask(lengths - 1, tf.shape(ids)[1] - 1, tf.float32)
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=tf.reshape(ids[:, 1:], [-1]), logits=logits
    )
    mask = tf.reshape(mask, [-1])
    loss = tf.div(tf.reduce_sum(losses * mask), tf.reduce_sum(mask))
    tf.losses.add_loss(loss)
    return loss


def train_op(
    loss: tf.Tensor, learning_rate: float, variables: list[tf.Variable] | None = None
) -> tf.Tensor:
    """Builds a step of gradient descent; computing its result, the loss, does it.

    Args:
      loss: a scalar.
      learning_rate: of all variables.
      variables: those that are trained; None for all.
    """
    optimizer = tf.train.GradientDescentOptimizer(learning_rate)
    gradients, changed = zip(*optimizer.compute_gradients(loss, variables), strict=True)
    clipped, _ = tf.clip_by_global_norm(gradients, _CLIP_NORM)
    update = optimizer.apply_gradients(zip(clipped, changed, strict=True))
    with tf.control_dependencies([update, *tf.get_collection(tf.GraphKeys.UPDATE_OPS)]):
        return tf.identity(loss)


class Im2txtGraph:
    """Asks `captioning.inference_graph.build_im2txt_graph`; see `caption_search.Asked`.

    Args:
      session: has the graph and its weights.
    """

    def __init__(self, session: tf.Session):
        self._session = session

    def start(self, image: np.ndarray) -> np.ndarray:
        """See `Asked`. What decoding an image file would give is fed instead of the file."""
        return self._session.run("lstm/initial_state:0", {"DecodeJpeg:0": image})

    def step(self, words: np.ndarray, states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `Asked`."""
        probabilities, states = self._session.run(
            ["softmax:0", "lstm/state:0"], {"input_feed:0": words, "lstm/state_feed:0": states}
        )
        return probabilities, states


class _LSTMCell:
    """TensorFlow 1's `BasicLSTMCell` in a `DropoutWrapper`, as `dynamic_rnn` takes it."""

    def __init__(
        self,
        input_size: int,
        num_units: int,
        keep_prob: float,
        initializer: tf.initializers.random_uniform,
    ):
        self.state_size, self.output_size = (num_units, num_units), num_units
        self._keep_prob = keep_prob
        with tf.variable_scope("basic_lstm_cell"):
            self._kernel = tf.get_variable(
                "kernel", [input_size + num_units, 4 * num_units], initializer=initializer
            )
            self._bias = tf.get_variable(
                "bias", [4 * num_units], initializer=tf.zeros_initializer()
            )

    def zero_state(self, batch_size: tf.Tensor, dtype: tf.DType) -> _LSTMState:
        zeros = tf.zeros([batch_size, self.output_size], dtype)
        return zeros, zeros

    def __call__(
        self, inputs: tf.Tensor, state: _LSTMState, scope: tf.VariableScope | None = None
    ) -> tuple[tf.Tensor, _LSTMState]:
        del scope
        memory, output = state
        joined = tf.concat([_dropout(inputs, self._keep_prob), output], axis=1)
        gates = tf.nn.bias_add(tf.matmul(joined, self._kernel), self._bias)
        take, new, keep, show = tf.split(gates, 4, axis=1)
        memory = memory * tf.sigmoid(keep + 1.0) + tf.sigmoid(take) * tf.tanh(new)
        output = tf.tanh(memory) * tf.sigmoid(show)
        return _dropout(output, self._keep_prob), (memory, output)


def _dropout(inputs: tf.Tensor, keep_prob: float) -> tf.Tensor:
    return inputs if keep_prob == 1.0 else tf.nn.dropout(inputs, rate=1 - keep_prob)
