"""Contender: a training step with research/deeplab's operations.

The network of `deeplab.network.model`, the one-hot loss at full size, one session without settings.
"""

import dataclasses

import tensorflow.compat.v1 as tf

from deeplab.network import model
from deeplab.options import ObjectiveOptions
from reference import loss as plain_loss
from scripts.benchmarks import batches, contender, networks

_WEIGHT_DECAY = 4e-5
_LEARNING_RATE = 1e-4
_MOMENTUM = 0.9
_WARM_UP_STEPS = 2


def main() -> None:
    channel = contender.Channel()
    parameters = contender.parameters()
    options = dataclasses.replace(
        networks.NETWORKS[parameters["network"]], num_classes=parameters["num_classes"]
    )
    tf.disable_v2_behavior()
    batch = batches.constant_batch(parameters["batch"], parameters["crop"], options.num_classes)
    dataset = tf.data.Dataset.from_tensors(batch).repeat().prefetch(1)
    iterator = tf.data.make_initializable_iterator(dataset)
    train_op = _step(iterator.get_next(), options)
    session = tf.Session()
    session.run([tf.global_variables_initializer(), iterator.initializer])
    for _ in range(_WARM_UP_STEPS):
        session.run(train_op)
    channel.serve(lambda: session.run(train_op), versions={"TensorFlow": tf.version.VERSION})


def _step(batch: dict[str, tf.Tensor], options: model.ModelOptions) -> tf.Tensor:
    """Builds the step; computing its result, the total loss, does it."""
    objective = ObjectiveOptions(weight_decay=_WEIGHT_DECAY)
    logits = model.multi_scale_logits(batch, options, objective)
    plain_loss.add_losses(logits, batch["label"], objective, ignore_label=255)
    total = tf.losses.get_total_loss()
    optimizer = tf.train.MomentumOptimizer(_LEARNING_RATE, _MOMENTUM)
    total = tf.check_numerics(total, "Loss is inf or nan.")
    update = optimizer.apply_gradients(optimizer.compute_gradients(total))
    with tf.control_dependencies([update, *tf.get_collection(tf.GraphKeys.UPDATE_OPS)]):
        return tf.identity(total)


if __name__ == "__main__":
    main()
