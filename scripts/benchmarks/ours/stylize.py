"""Contender: a step of the project's style transfer."""

import tensorflow.compat.v1 as tf

from scripts.benchmarks import contender, style_images
from style_transfer import presets
from style_transfer.network import Network
from style_transfer.objective import Objective, Style
from style_transfer.optimizers import Adam

_WARM_UP_STEPS = 2


def main() -> None:
    channel = contender.Channel()
    parameters = contender.parameters()
    tf.disable_v2_behavior()
    preset = presets.PRESETS["neural_style"]
    losses = preset.losses
    weights = style_images.weights(parameters["depths"])
    network = Network(weights, preset.pooling, losses.content_layers, losses.style_layers)
    content, style = style_images.images(parameters["height"], parameters["width"])
    objective = Objective(network, losses, content, [Style(style)])
    adam = Adam(preset.learning_rate, preset.keeps_range)
    image = content

    def step() -> None:
        nonlocal image
        image = adam.update(image, objective.evaluate(image).gradient)

    for _ in range(_WARM_UP_STEPS):
        step()
    channel.serve(step, versions={"TensorFlow": tf.version.VERSION})


if __name__ == "__main__":
    main()
