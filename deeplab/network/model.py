"""The DeepLabV3+ network: images in, logits or class probabilities out.

Encoder, ASPP, decoder and logits, over one or several scales of the image. Chen et al.,
"DeepLabV3+", arXiv 1802.02611. Variable names and arithmetic are those of research/deeplab.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import tensorflow.compat.v1 as tf
import tf_slim as slim

from deeplab import cell_config
from deeplab.network import aspp, decoder, dense_prediction_cell, fast_argmax
from deeplab.options import ModelOptions, ObjectiveOptions
from nets import layers, registry
from nets.batch_norm import BatchNormMode, SyncGroup
from nets.layers import Side
from serving import contract

MERGED_LOGITS = "merged_logits"

# research/deeplab, model.py: the same for ASPP and decoder, whatever the encoder's are.
_BATCH_NORM_DECAY = 0.9997
_BATCH_NORM_EPSILON = 1e-5


@dataclasses.dataclass(frozen=True)
class Prediction:
    """What a network predicts of a batch of images, at image size.

    Attributes:
      class_ids: int32 [batch, height, width].
      probabilities: float32 [batch, height, width, num_classes].
    """

    class_ids: tf.Tensor
    probabilities: tf.Tensor


def multi_scale_logits(
    features: Mapping[str, tf.Tensor],
    options: ModelOptions,
    objective: ObjectiveOptions | None = None,
    sync_group: SyncGroup | None = None,
) -> dict[str, tf.Tensor]:
    """Builds the network at every scale of the image pyramid and merges the logits.

    Variables are made, or reused if they exist, in the current variable scope.

    Args:
      features: "image" float32 [batch, height, width, 3], RGB, 0..255; with
        `decoder_use_gradient` also "laplacian" float32 [batch, height, width, 1], of which pixels
        at distances of `decoder.laplacian_stride` suffice.
      objective: how the network is trained, with dropout and, if it says so, batch statistics; L2
        losses go to `tf.GraphKeys.REGULARIZATION_LOSSES`. None for inference.
      sync_group: shares batch statistics over clones.

    Returns:
      float32 [batch, h, w, num_classes] by name: "merged_logits", and with several scales also
      "logits_0.50" … of each, all of one size: the image's (times the largest scale above 1) over
      the decoder's stride or, without decoder, the output stride.

    Raises:
      ValueError: the options contradict each other or the Laplacian is missing.
    """
    options.validate()
    if options.decoder_use_gradient and "laplacian" not in features:
        raise ValueError(
            "decoder_use_gradient is set, but the input has no gradient channel; build the records "
            "with it, or train with --nodecoder_use_gradient."
        )
    batch_norm = BatchNormMode()
    if objective is not None:
        batch_norm = BatchNormMode(
            objective.fine_tune_batch_norm, objective.batch_norm_decay, sync_group
        )
    size = _size(features["image"])
    largest = max(1.0, *options.image_pyramid)
    stride = min(options.decoder_output_stride, default=options.output_stride)
    logits_size = [layers.scale_dimension(side, largest / stride) for side in size]
    scales_to_logits = {}
    with tf.variable_scope(tf.get_variable_scope(), reuse=tf.AUTO_REUSE):
        for scale in options.image_pyramid:
            logits = _single_scale_logits(
                _rescale(features, scale, size),
                _at_scale(options, scale),
                objective,
                batch_norm,
            )
            if options.image_pyramid != (1.0,):
                logits = layers.resize_bilinear(logits, *logits_size)
            scales_to_logits[f"logits_{scale:.2f}"] = logits
    if len(options.image_pyramid) == 1:
        return {MERGED_LOGITS: logits}
    return {**scales_to_logits, MERGED_LOGITS: _merge(scales_to_logits, options.merge_method)}


def predict(
    features: Mapping[str, tf.Tensor],
    options: ModelOptions,
    *,
    scales: Sequence[float] = (1.0,),
    add_flipped: bool = False,
    fast_class_ids: bool = False,
) -> Prediction:
    """Builds the network for inference, averaged over scales of the image and its mirror image.

    Each member's logits are mirrored back, resized to image size and made probabilities; the
    average of these is the result. (research/deeplab ignores mirroring at a single scale, and its
    last version fails at several.)

    Args:
      features: as in `multi_scale_logits`.
      scales: scales at which the network sees the image.
      add_flipped: whether it also sees the mirror image.
      fast_class_ids: take class ids from `fast_argmax` where it can: the same ones, without
        interpolating every logit. With mirror images or several scales it never can.
    """
    if tuple(scales) == (1.0,) and not add_flipped:
        return _predict_once(features, options, fast_class_ids)
    size, members = _size(features["image"]), []
    mirrored = {name: tf.reverse(features[name], axis=[2]) for name in _inputs(features)}
    for scale in scales:
        at_scale = dataclasses.replace(options, image_pyramid=(scale,))
        for flip in (False, True) if add_flipped else (False,):
            logits = multi_scale_logits(mirrored if flip else features, at_scale)[MERGED_LOGITS]
            logits = tf.identity(logits, contract.LOGITS)
            if flip:
                logits = tf.reverse(logits, axis=[2])
            members.append(tf.nn.softmax(layers.resize_bilinear(logits, *size)))
    probabilities = tf.add_n(members) / len(members)
    return Prediction(tf.argmax(probabilities, axis=3, output_type=tf.int32), probabilities)


def _predict_once(
    features: Mapping[str, tf.Tensor], options: ModelOptions, fast_class_ids: bool
) -> Prediction:
    size = _size(features["image"])
    logits = multi_scale_logits(features, options)[MERGED_LOGITS]
    logits = tf.identity(logits, contract.LOGITS)
    if options.prediction_with_upsampled_logits:
        resized = layers.resize_bilinear(logits, *size)
        if fast_class_ids and fast_argmax.has_fast_form(logits, *size):
            class_ids = fast_argmax.upsampled_argmax(logits, *size)
        else:
            class_ids = tf.argmax(resized, axis=3, output_type=tf.int32)
        return Prediction(class_ids, tf.nn.softmax(resized))
    class_ids = tf.argmax(logits, axis=3, output_type=tf.int32)[..., tf.newaxis]
    class_ids = tf.image.resize_nearest_neighbor(class_ids, size, align_corners=True)
    probabilities = layers.resize_bilinear(tf.nn.softmax(logits), *size)
    return Prediction(tf.squeeze(class_ids, axis=3), probabilities)


def _single_scale_logits(
    features: Mapping[str, tf.Tensor],
    options: ModelOptions,
    objective: ObjectiveOptions | None,
    batch_norm: BatchNormMode,
) -> tf.Tensor:
    is_training = objective is not None
    weight_decay = objective.weight_decay if objective is not None else 0.0
    net, end_points = registry.extract_features(
        features["image"],
        options.model_variant,
        output_stride=options.output_stride,
        weight_decay=weight_decay,
        batch_norm=batch_norm,
        options=dataclasses.asdict(options),
    )
    size = _size(features["image"])
    regularizer = slim.l2_regularizer(weight_decay)
    arguments = {
        "activation_fn": tf.nn.relu6 if options.use_bounded_activation else tf.nn.relu,
        "weights_regularizer": regularizer,
        **batch_norm.slim_params(_BATCH_NORM_DECAY, _BATCH_NORM_EPSILON),
    }
    with slim.arg_scope([slim.conv2d, slim.separable_conv2d], **arguments):
        if options.dense_prediction_cell_config is not None:
            cell = cell_config.parse(options.dense_prediction_cell_config)
            net = dense_prediction_cell.build(net, cell, options, size, is_training=is_training)
        elif options.aspp_with_batch_norm:
            net = aspp.build(net, options, is_training=is_training)
        if options.decoder_output_stride:
            laplacian = features["laplacian"] if options.decoder_use_gradient else None
            net = decoder.build(net, end_points, laplacian, options, size)
    return net if options.decoder_output_is_logits else _logits(net, options, regularizer)


def _logits(features: tf.Tensor, options: ModelOptions, regularizer) -> tf.Tensor:
    """One convolution, or without ASPP the sum of one at each rate (DeepLabV2's head)."""
    rates = (1,) if options.aspp_with_batch_norm else options.atrous_rates or (1,)
    with tf.variable_scope("logits"):
        branches = [
            slim.conv2d(
                features,
                options.num_classes,
                options.logits_kernel_size,
                rate=rate,
                activation_fn=None,
                weights_initializer=tf.truncated_normal_initializer(stddev=0.01),
                weights_regularizer=regularizer,
                scope=f"semantic_{number}" if number else "semantic",
            )
            for number, rate in enumerate(rates)
        ]
        return tf.add_n(branches)


def _merge(scales_to_logits: Mapping[str, tf.Tensor], method: str) -> tf.Tensor:
    logits = list(scales_to_logits.values())
    if method == "max":
        return tf.reduce_max(tf.stack(logits), axis=0)
    return tf.add_n(logits) / len(logits)


def _rescale(
    features: Mapping[str, tf.Tensor], scale: float, size: Sequence[Side]
) -> Mapping[str, tf.Tensor]:
    """Resizes image and Laplacian alike."""
    if scale == 1.0:
        return features
    scaled = [layers.scale_dimension(side, scale) for side in size]
    return {name: layers.resize_bilinear(features[name], *scaled) for name in _inputs(features)}


def _at_scale(options: ModelOptions, scale: float) -> ModelOptions:
    """Returns the options whose pooling crop is the same part of a scaled image."""
    if options.image_pooling_crop_size is None:
        return options
    height, width = options.image_pooling_crop_size
    scaled = layers.scale_dimension(height, scale), layers.scale_dimension(width, scale)
    return dataclasses.replace(options, image_pooling_crop_size=scaled)


def _inputs(features: Mapping[str, tf.Tensor]) -> list[str]:
    """The network's inputs among the entries of a batch, which also has labels and names."""
    return [name for name in ("image", "laplacian") if name in features]


def _size(images: tf.Tensor) -> list[Side]:
    """Returns [height, width]: ints where they are known, else int32 scalars."""
    dynamic = tf.shape(images)
    return [
        side if side is not None else dynamic[axis]
        for axis, side in enumerate(images.shape.as_list()[1:3], start=1)
    ]
