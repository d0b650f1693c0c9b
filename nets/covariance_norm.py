"""Batch norm of 1x1 convolutions that widen, from the covariance of what they read.

Of outputs = inputs W, the mean is mean(inputs) W and the variance of a channel w' C w, where C is
the covariance of the inputs. Where inputs have fewer channels, as in front of the expansions of
MobileNets and ResNets, C costs less than two passes over the outputs. And once the statistics are
known before the outputs are, the convolution can have normalized weights: its plain outputs never
exist, and neither do the passes in which batch norm normalizes them and finds its gradient.

Ioffe & Szegedy, "Batch Normalization", arXiv 1502.03167, with other operations.
"""

import tensorflow.compat.v1 as tf

from nets import pointwise, recomputation

# A covariance of N inputs takes N^2 products a pixel, and backward twice as many; each of M outputs
# costs batch norm as much as some hundred products.
_PRODUCTS_AN_OUTPUT = 32


def applies(outputs: tf.Tensor) -> bool:
    """Whether outputs are normalized here: those of such convolutions, under `lean_gradients`.

    On a machine with GPUs none are: there a matrix product may have fewer digits than float32, and
    batch norm is quick.
    """
    op = outputs.op
    return (
        recomputation.is_set_up()
        and pointwise.is_widening(op)
        and op.inputs[1].shape[2].value ** 2 <= _PRODUCTS_AN_OUTPUT * op.inputs[1].shape[3].value
        and outputs.dtype == tf.float32
        and not tf.config.list_physical_devices("GPU")
    )


def moments(outputs: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns mean and variance of each channel of a convolution's outputs, float32 [channels]."""
    weights = _matrix(outputs.op)
    mean, covariance = _mean_and_covariance(outputs.op.inputs[0])
    precise = tf.cast(weights, tf.float64)
    variance = tf.reduce_sum(precise * tf.matmul(covariance, precise), axis=0)
    return _product(mean, weights), tf.cast(variance, tf.float32)


def normalize(
    outputs: tf.Tensor,
    mean: tf.Tensor,
    variance: tf.Tensor,
    beta: tf.Tensor,
    gamma: tf.Tensor,
    epsilon: float,
) -> tf.Tensor:
    """Returns the normalized outputs, by a convolution with normalized weights."""
    op = outputs.op
    scale = gamma * tf.rsqrt(variance + epsilon)
    filters = tf.reshape(_matrix(op) * scale, op.inputs[1].shape)
    normalized = tf.nn.conv2d(op.inputs[0], filters, strides=1, padding="VALID")
    return tf.nn.bias_add(normalized, beta - mean * scale)


def unfused_sum(first: tf.Tensor, second: tf.Tensor, source: tf.Tensor) -> tf.Tensor:
    """Returns first + second, for a sum that a ReLU and other operations read.

    With oneDNN, TensorFlow 2.21 fuses a convolution, its biases, a sum and a ReLU also where others
    read the sum. It then finds that they lack it, prints "remapper failed", and fuses nothing in
    the whole graph. Biases come from `normalize`, so this is for sums of what batch norm gives. A
    control dependency keeps the sum from being fused.

    Args:
      first, second: of one shape.
      source: a tensor that both are computed from; the sum waits for it.
    """
    with tf.control_dependencies([source] if recomputation.is_set_up() else []):
        return first + second


def num_pixels(outputs: tf.Tensor) -> float | tf.Tensor:
    """Returns `pointwise.num_pixels` of the outputs, without them."""
    return pointwise.num_pixels(outputs.op.inputs[0])


@tf.custom_gradient
def _mean_and_covariance(inputs: tf.Tensor):
    """Returns mean, float32 [N], and covariance, float64 [N, N], of [batch, height, width, N].

    A channel whose terms cancel out has a small variance, and each output that is computed by
    itself has as few wrong digits as the others; w' C w has only with more digits.
    """
    rows = pointwise.rows(inputs)
    count = tf.cast(tf.shape(rows)[0], tf.float32)
    mean = tf.reduce_mean(rows, axis=0)
    centered = tf.cast(rows - mean, tf.float64)
    covariance = tf.matmul(centered, centered, transpose_a=True) / tf.cast(count, tf.float64)

    def gradient(of_mean: tf.Tensor, of_covariance: tf.Tensor) -> tf.Tensor:
        again = recomputation.recomputed(inputs, of_covariance)
        of_covariance = tf.cast(of_covariance, tf.float32)
        factor = (of_covariance + tf.transpose(of_covariance)) / count
        shift = of_mean / count - _product(mean, factor)
        return tf.reshape(tf.matmul(pointwise.rows(again), factor) + shift, tf.shape(again))

    return (mean, covariance), gradient


def _matrix(op: tf.Operation) -> tf.Tensor:
    """Returns the weights of a 1x1 convolution, [inputs, outputs]."""
    return tf.reshape(op.inputs[1], op.inputs[1].shape[2:])


def _product(vector: tf.Tensor, matrix: tf.Tensor) -> tf.Tensor:
    return tf.reshape(tf.matmul(vector[tf.newaxis], matrix), [-1])
