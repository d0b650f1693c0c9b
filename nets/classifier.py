"""Classifiers: an encoder, pooling over the image, and the layers that make logits.

Variable names and shapes are those of research/slim, so that its published checkpoints load as they
are. Encoders that research/slim does not have get one layer, `logits`, as its ResNets have.
"""

import dataclasses
from collections.abc import Callable, Mapping

import tensorflow.compat.v1 as tf
import tf_slim as slim

from common import saved_weights
from nets import inception_v3, layers, mobilenet, mobilenet_v3, registry
from nets.batch_norm import BatchNormMode

_OUTPUT_STRIDE = 32
_DIVISOR = 8
# Channels of the MobileNets' last hidden layer: research/slim, nets/mobilenet.
_MOBILENET_V2_DEPTH = 1280
_MOBILENET_V3_LARGE_DEPTH = 1280
_MOBILENET_V3_SMALL_DEPTH = 1024
# Pooling and convolution of the auxiliary classifier: research/slim, nets/inception_v3.py.
_AUXILIARY = "AuxLogits"
_AUXILIARY_KERNEL = 5
# Table 1 of the paper; seven places each way are what five poolings leave of 224 pixels.
_VGG_DEPTH = 4096
_VGG_KERNEL = 7
# Small, so that new logits behind a trained encoder begin with about equal probabilities, and what
# they learn is not lost in the noise that they started with.
_LOGITS_STDDEV = 0.01


def classify(
    images: tf.Tensor,
    name: str,
    *,
    num_classes: int,
    is_training: bool,
    dropout_keep_prob: float,
    weight_decay: float,
    batch_norm: BatchNormMode,
    options: Mapping[str, object],
    global_pool: bool = True,
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    """Builds a classifier.

    Args:
      images: float32 [batch, height, width, 3], RGB, 0..255, of any size.
      name: a name of `registry.CLASSIFIERS`.
      is_training: whether dropout is active, and Inception v3 has its auxiliary classifier.
      dropout_keep_prob: share of the values before the logits that dropout keeps.
      weight_decay: L2 weight.
      options: values by name; the encoder takes those that it knows (`Encoder.options`).
      global_pool: whether values are averaged over the image before the logits; otherwise there are
        logits at every place of the feature map.

    Returns:
      (logits float32 [batch, num_classes], or [batch, h, w, num_classes] without global_pool; end
      points by name: the encoder's, its output "features" [batch, h, w, channels], "pooled"
      [batch, channels], the means of the features over the image, and in training of Inception v3
      "AuxLogits" [batch, num_classes]).
    """
    encoder = registry.classifier(name)
    features, end_points = encoder.build(
        encoder.classifier.normalize(images),
        output_stride=_OUTPUT_STRIDE,
        weight_decay=weight_decay,
        batch_norm=batch_norm,
        **{option: options[option] for option in encoder.options},
    )
    end_points = {**end_points, "features": features}
    end_points["pooled"] = tf.reduce_mean(features, axis=[1, 2])
    settings = _Settings(
        num_classes, is_training, dropout_keep_prob, batch_norm, options, global_pool
    )
    arguments = {
        "weights_initializer": slim.variance_scaling_initializer(),
        "weights_regularizer": slim.l2_regularizer(weight_decay),
        "activation_fn": None,
    }
    with tf.variable_scope(encoder.scope), slim.arg_scope([slim.conv2d], **arguments):
        logits = _HEADS[encoder.classifier.head](end_points, settings)
    return tf.squeeze(logits, [1, 2]) if global_pool else logits, end_points


@dataclasses.dataclass(frozen=True)
class _Settings:
    """The arguments of `classify` that heads need."""

    num_classes: int
    is_training: bool
    dropout_keep_prob: float
    batch_norm: BatchNormMode
    options: Mapping[str, object]
    global_pool: bool

    def pool(self, inputs: tf.Tensor) -> tf.Tensor:
        """[batch, h, w, channels] -> [batch, 1, 1, channels] with `global_pool`."""
        return tf.reduce_mean(inputs, axis=[1, 2], keepdims=True) if self.global_pool else inputs

    def dropout(self, inputs: tf.Tensor) -> tf.Tensor:
        return slim.dropout(inputs, self.dropout_keep_prob, is_training=self.is_training)

    def logits(self, inputs: tf.Tensor, scope: str) -> tf.Tensor:
        """[batch, h, w, channels] -> [batch, h, w, num_classes]."""
        initializer = tf.truncated_normal_initializer(stddev=_LOGITS_STDDEV)
        return slim.conv2d(
            inputs, self.num_classes, 1, weights_initializer=initializer, scope=scope
        )

    def widened(self, depth: int) -> int:
        """Returns a channel count that a depth multiplier makes larger, but not smaller."""
        multiplier = float(self.options["depth_multiplier"])  # type: ignore[arg-type]
        return layers.round_depth(depth * max(1.0, multiplier), _DIVISOR)


_Head = Callable[[dict[str, tf.Tensor], _Settings], tf.Tensor]


def _plain(end_points: dict[str, tf.Tensor], settings: _Settings) -> tf.Tensor:
    net = settings.dropout(settings.pool(end_points["features"]))
    return settings.logits(net, "logits")


def _pooled(end_points: dict[str, tf.Tensor], settings: _Settings) -> tf.Tensor:
    return _logits_of_slim(settings.dropout(settings.pool(end_points["features"])), settings)


def _mobilenet_v2(end_points: dict[str, tf.Tensor], settings: _Settings) -> tf.Tensor:
    net = slim.conv2d(
        end_points["features"],
        settings.widened(_MOBILENET_V2_DEPTH),
        1,
        activation_fn=tf.nn.relu6,
        **mobilenet.normalizer(settings.batch_norm),
        scope="Conv_1",
    )
    return _logits_of_slim(settings.dropout(settings.pool(net)), settings)


def _mobilenet_v3(depth: int) -> _Head:
    """`Conv_1` is the encoder's last layer; `Conv_2` follows the pooling."""

    def build(end_points: dict[str, tf.Tensor], settings: _Settings) -> tf.Tensor:
        net = slim.conv2d(
            settings.pool(end_points["features"]),
            settings.widened(depth),
            1,
            activation_fn=mobilenet_v3.hard_swish,
            scope="Conv_2",
        )
        return _logits_of_slim(settings.dropout(net), settings)

    return build


def _inception_v3(end_points: dict[str, tf.Tensor], settings: _Settings) -> tf.Tensor:
    """In training with a second classifier at two thirds of the way: end point "AuxLogits"."""
    if settings.is_training:
        with (
            tf.variable_scope(_AUXILIARY),
            slim.arg_scope([slim.conv2d], **inception_v3.normalizer(settings.batch_norm)),
        ):
            end_points[_AUXILIARY] = _auxiliary_logits(end_points["Mixed_6e"], settings)
    else:
        scope = f"{tf.get_variable_scope().name}/{_AUXILIARY}"
        tf.add_to_collection(saved_weights.TRAINING_ONLY, scope)
    return _pooled(end_points, settings)


def _auxiliary_logits(features: tf.Tensor, settings: _Settings) -> tf.Tensor:
    """Section 4 of the paper; [batch, num_classes] for images of any size."""
    relu = {"activation_fn": tf.nn.relu}
    known = [side for side in features.shape.as_list()[1:3] if side is not None]
    net = slim.avg_pool2d(features, min([_AUXILIARY_KERNEL, *known]), stride=3, padding="VALID")
    net = slim.conv2d(net, 128, 1, scope="Conv2d_1b_1x1", **relu)
    net = slim.conv2d(
        _enlarged(net, _AUXILIARY_KERNEL),
        768,
        _AUXILIARY_KERNEL,
        padding="VALID",
        weights_initializer=tf.truncated_normal_initializer(stddev=0.01),
        scope="Conv2d_2a_5x5",
        **relu,
    )
    net = slim.conv2d(
        net,
        settings.num_classes,
        1,
        normalizer_fn=None,
        weights_initializer=tf.truncated_normal_initializer(stddev=0.001),
        scope="Conv2d_2b_1x1",
    )
    return tf.reduce_mean(net, axis=[1, 2])


def _vgg(end_points: dict[str, tf.Tensor], settings: _Settings) -> tf.Tensor:
    """Three layers; the first has one place in an image of 224x224.

    Larger images have several places, over which `fc8` is averaged; the features of smaller ones
    get a border of zeros.
    """
    relu = {"activation_fn": tf.nn.relu}
    net = _enlarged(end_points["features"], _VGG_KERNEL)
    net = slim.conv2d(net, _VGG_DEPTH, _VGG_KERNEL, padding="VALID", scope="fc6", **relu)
    net = slim.conv2d(settings.dropout(net), _VGG_DEPTH, 1, scope="fc7", **relu)
    net = settings.pool(settings.dropout(net))
    return settings.logits(net, "fc8")


def _enlarged(inputs: tf.Tensor, side: int) -> tf.Tensor:
    """Pads [batch, h, w, channels] with zeros all around to at least `side` x `side`."""
    batch, *known, depth = inputs.shape.as_list()
    if all(size is not None and size >= side for size in known):
        return inputs
    sizes = tf.shape(inputs)
    missing = [tf.maximum(side - sizes[axis], 0) for axis in (1, 2)]
    borders = [[each // 2, each - each // 2] for each in missing]
    outputs = tf.pad(inputs, [[0, 0], *borders, [0, 0]])
    outputs.set_shape(
        [batch, *(None if size is None else max(size, side) for size in known), depth]
    )
    return outputs


def _logits_of_slim(inputs: tf.Tensor, settings: _Settings) -> tf.Tensor:
    with tf.variable_scope("Logits"):
        return settings.logits(inputs, "Conv2d_1c_1x1")


_HEADS: Mapping[str, _Head] = {
    "plain": _plain,
    "pooled": _pooled,
    "mobilenet_v2": _mobilenet_v2,
    "inception_v3": _inception_v3,
    "vgg": _vgg,
    "mobilenet_v3_large": _mobilenet_v3(_MOBILENET_V3_LARGE_DEPTH),
    "mobilenet_v3_small": _mobilenet_v3(_MOBILENET_V3_SMALL_DEPTH),
}
