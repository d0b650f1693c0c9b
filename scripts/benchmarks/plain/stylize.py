"""Contender: a step as public programs build it, with the operations of neural-style.

The image is a variable, the weights and the targets are constants, the losses are sums of squares
of features and of Gram matrices, TensorFlow's Adam makes the step, and the session has no settings.
"""

from collections.abc import Mapping

import numpy as np
import tensorflow.compat.v1 as tf

from scripts.benchmarks import contender, style_images
from style_transfer import presets
from style_transfer.weights.vgg_weights import VggWeights

_WARM_UP_STEPS = 2


def main() -> None:
    channel = contender.Channel()
    parameters = contender.parameters()
    tf.disable_v2_behavior()
    step, _ = build(
        style_images.weights(parameters["depths"]),
        *style_images.images(parameters["height"], parameters["width"]),
    )
    session = tf.Session()
    session.run(tf.global_variables_initializer())
    for _ in range(_WARM_UP_STEPS):
        session.run(step)
    channel.serve(lambda: session.run(step), versions={"TensorFlow": tf.version.VERSION})


def build(
    weights: VggWeights, content: np.ndarray, style: np.ndarray
) -> tuple[tf.Operation, tf.Tensor]:
    """Builds the step and the loss before it."""
    preset = presets.PRESETS["neural_style"]
    losses = preset.losses
    mean = np.asarray(weights.mean_color, np.float32)
    targets: dict[str, np.ndarray] = {}
    with tf.Graph().as_default(), tf.Session() as session:
        image = tf.placeholder(tf.float32, [1, None, None, 3])
        features = _features(weights, image)
        for name in losses.content_layers:
            targets[name] = session.run(features[name], {image: content[None] - mean})
        for name in losses.style_layers:
            values = session.run(features[name], {image: style[None] - mean})
            matrix = values.reshape(-1, values.shape[-1])
            targets[f"{name} gram"] = matrix.T @ matrix / matrix.size
    image = tf.Variable(content[None] - mean)
    features = _features(weights, image)
    terms = [
        losses.content_weight
        * weight
        * 2.0
        * tf.nn.l2_loss(features[name] - targets[name])
        / targets[name].size
        for name, weight in losses.content_layers.items()
    ]
    for name, weight in losses.style_layers.items():
        _, height, width, depth = features[name].shape.as_list()
        matrix = tf.reshape(features[name], [-1, depth])
        gram = tf.matmul(tf.transpose(matrix), matrix) / (height * width * depth)
        target = targets[f"{name} gram"]
        difference = tf.nn.l2_loss(gram - target)
        terms.append(losses.style_weight * weight * 2.0 * difference / target.size)
    down = tf.nn.l2_loss(image[:, 1:] - image[:, :-1]) / content[1:].size
    right = tf.nn.l2_loss(image[:, :, 1:] - image[:, :, :-1]) / content[:, 1:].size
    loss = tf.add_n([*terms, losses.tv_weight * 2.0 * (down + right)])
    return tf.train.AdamOptimizer(preset.learning_rate).minimize(loss), loss


def _features(weights: VggWeights, image: tf.Tensor) -> Mapping[str, tf.Tensor]:
    found: dict[str, tf.Tensor] = {}
    net = image
    for name, (kernel, biases) in weights.layers.items():
        if name.endswith("_1") and found:
            net = tf.nn.max_pool(net, 2, 2, "SAME")
        net = tf.nn.conv2d(net, tf.constant(kernel), padding="SAME")
        net = found[name] = tf.nn.relu(tf.nn.bias_add(net, biases))
        if name == "conv5_1":
            break
    return found


if __name__ == "__main__":
    main()
