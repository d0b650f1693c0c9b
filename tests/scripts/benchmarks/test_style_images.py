"""The benchmark of style transfer: both contenders have the same losses and make the same steps."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from scripts.benchmarks import style_images
from scripts.benchmarks.plain import stylize as plain
from style_transfer import presets
from style_transfer.network import Network
from style_transfer.objective import Objective, Style
from style_transfer.optimizers import Adam


def test_the_contenders_do_the_same():
    weights = style_images.weights((4, 6, 8, 8, 8))
    content, style = style_images.images(40, 56)
    step, loss = plain.build(weights, content, style)
    [image] = tf.trainable_variables()
    losses = presets.PRESETS["neural_style"].losses
    network = Network(weights, "max", losses.content_layers, losses.style_layers)
    objective = Objective(network, losses, content, [Style(style)])
    ours, adam = content, Adam(presets.PRESETS["neural_style"].learning_rate, False)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for _ in range(4):
            evaluation = objective.evaluate(ours)
            assert evaluation.total == pytest.approx(session.run(loss), rel=1e-3)
            session.run(step)
            ours = adam.update(ours, evaluation.gradient)
        theirs = session.run(image)[0] + np.float32(weights.mean_color)
    network.close()
    assert np.median(np.abs(theirs - ours)) < 0.01
