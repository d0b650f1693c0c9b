"""Contender: a training step as research/slim's train_image_classifier.py builds it.

slim's layers and train op, TensorFlow's gradients, one session without settings. ResNets are those
of tf_slim.nets; the other networks, which are not packaged, those of `nets`. Batch norm is that of
`nets`, the same operations as slim's, which fails with this TensorFlow.
"""

from collections.abc import Mapping

import tensorflow.compat.v1 as tf
import tf_slim as slim
from tf_slim.nets import resnet_v1

from nets import classifier
from nets.batch_norm import BatchNormMode
from scripts.benchmarks import batches, classifiers, contender

_WEIGHT_DECAY = 4e-5
_LEARNING_RATE = 1e-4
_MOMENTUM = 0.9
_WARM_UP_STEPS = 2
_SLIM_RESNETS = ("resnet_v1_50", "resnet_v1_101", "resnet_v1_152")


def main() -> None:
    channel = contender.Channel()
    parameters = contender.parameters()
    tf.disable_v2_behavior()
    tf.logging.set_verbosity(tf.logging.ERROR)
    num_classes = parameters["num_classes"]
    batch = batches.labeled_images(parameters["batch"], parameters["size"], num_classes)
    dataset = tf.data.Dataset.from_tensors(batch).repeat().prefetch(1)
    iterator = tf.data.make_initializable_iterator(dataset)
    train_op = _step(iterator.get_next(), parameters["network"], num_classes)
    session = tf.Session()
    session.run([tf.global_variables_initializer(), iterator.initializer])
    for _ in range(_WARM_UP_STEPS):
        session.run(train_op)
    channel.serve(lambda: session.run(train_op), versions={"TensorFlow": tf.version.VERSION})


def _step(batch: Mapping[str, tf.Tensor], network: str, num_classes: int) -> tf.Tensor:
    """Builds the step; computing its result, the total loss, does it."""
    add_losses(batch, network, num_classes)
    optimizer = tf.train.MomentumOptimizer(_LEARNING_RATE, _MOMENTUM, use_nesterov=True)
    return slim.learning.create_train_op(tf.losses.get_total_loss(), optimizer)


def add_losses(batch: Mapping[str, tf.Tensor], network: str, num_classes: int) -> None:
    """Builds the network on a batch of `batches.labeled_images`, and its losses."""
    build = _slim_resnet if network in _SLIM_RESNETS else _network
    logits = build(batch["image"], network, num_classes)
    tf.losses.softmax_cross_entropy(tf.one_hot(batch["label"], num_classes), logits)


def _slim_resnet(images: tf.Tensor, network: str, num_classes: int) -> tf.Tensor:
    encoder = classifiers.model_options(network).encoder
    # The values of `resnet_arg_scope`.
    norm = BatchNormMode(is_training=True).slim_params(decay=0.997, epsilon=1e-5)
    with (
        slim.arg_scope(resnet_v1.resnet_arg_scope(weight_decay=_WEIGHT_DECAY)),
        slim.arg_scope([slim.conv2d], **norm),
    ):
        logits, _ = getattr(resnet_v1, network)(
            encoder.classifier.normalize(images), num_classes, is_training=True
        )
    return tf.squeeze(logits, [1, 2])


def _network(images: tf.Tensor, network: str, num_classes: int) -> tf.Tensor:
    options = classifiers.model_options(network, num_classes)
    logits, _ = classifier.classify(
        images,
        network,
        num_classes=num_classes,
        is_training=True,
        dropout_keep_prob=options.dropout_keep_prob,
        weight_decay=_WEIGHT_DECAY,
        batch_norm=BatchNormMode(is_training=True),
        options=options.encoder_options(),
    )
    return logits


if __name__ == "__main__":
    main()
