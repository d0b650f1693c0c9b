"""Classifiers by value: what is pooled, what the layers behind it are called and compute."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from nets import classifier, registry
from nets.batch_norm import BatchNormMode
from reference import comparison
from tests.support.numpy_layers import hard_swish

OPTIONS = {
    "multi_grid": None,
    "depth_multiplier": 1.0,
    "divisible_by": None,
    "use_bounded_activation": False,
}
IMAGES = np.random.RandomState(5).uniform(0, 255, [2, 70, 53, 3]).astype(np.float32)


def classify(name, images=IMAGES, is_training=False, num_classes=7, keep_prob=0.5, **arguments):
    """Returns the logits and end points of a classifier."""
    options = {key: arguments.pop(key) for key in list(arguments) if key in OPTIONS}
    return classifier.classify(
        tf.constant(images),
        name,
        num_classes=num_classes,
        is_training=is_training,
        dropout_keep_prob=keep_prob,
        weight_decay=1e-4,
        batch_norm=BatchNormMode(),
        options={**OPTIONS, **options},
        **arguments,
    )


def run(*fetches):
    with tf.Session() as session:
        comparison.fill_variables(session)
        return session.run(fetches)


def head_variables(name):
    """Returns the shapes of the variables that the encoder alone does not have."""
    with tf.Graph().as_default():
        encoder = registry.classifier(name)
        values = {option: OPTIONS[option] for option in encoder.options}
        encoder.build(
            tf.zeros([1, 65, 65, 3]),
            output_stride=32,
            weight_decay=0.0,
            batch_norm=BatchNormMode(),
            **values,
        )
        without = {variable.op.name for variable in tf.global_variables()}
    return {
        variable.op.name: variable.shape.as_list()
        for variable in tf.global_variables()
        if variable.op.name not in without
    }


def test_logits_are_a_product_with_the_mean_of_the_features():
    logits, end_points = classify("resnet_v1_18")
    assert head_variables("resnet_v1_18") == {
        "resnet_v1_18/logits/weights": [1, 1, 512, 7],
        "resnet_v1_18/logits/biases": [7],
    }
    weights, biases = tf.global_variables()[-2:]
    logits, features, pooled, weights, biases = run(
        logits, end_points["features"], end_points["pooled"], weights, biases
    )
    assert features.shape == (2, 3, 2, 512)
    np.testing.assert_allclose(pooled, features.mean(axis=(1, 2)), rtol=1e-5)
    expected = features.mean(axis=(1, 2)) @ weights[0, 0] + biases
    np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


def test_without_pooling_there_are_logits_at_every_place():
    with tf.variable_scope(tf.get_variable_scope(), reuse=tf.AUTO_REUSE):
        whole, _ = classify("xception_tiny")
        placed, _ = classify("xception_tiny", global_pool=False)
    whole, placed = run(whole, placed)
    assert placed.shape == (2, 3, 2, 7)
    np.testing.assert_allclose(placed.mean(axis=(1, 2)), whole, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("multiplier", "depth"), [(0.5, 1280), (1.4, 1792)])
def test_mobilenet_v2_has_slim_s_layers(multiplier, depth):
    classify("mobilenet_v2", depth_multiplier=multiplier)
    found = {v.op.name: v.shape.as_list() for v in tf.global_variables()}
    assert found["MobilenetV2/Conv_1/weights"][-1] == depth
    assert found["MobilenetV2/Conv_1/BatchNorm/gamma"] == [depth]
    assert found["MobilenetV2/Logits/Conv2d_1c_1x1/weights"] == [1, 1, depth, 7]
    assert found["MobilenetV2/Logits/Conv2d_1c_1x1/biases"] == [7]


@pytest.mark.parametrize(
    ("name", "inputs", "depth"),
    [("mobilenet_v3_large_seg", 480, 1280), ("mobilenet_v3_small_seg", 288, 1024)],
)
def test_mobilenet_v3_has_a_layer_behind_the_pooling(name, inputs, depth):
    logits, end_points = classify(name)
    assert head_variables(name) == {
        "MobilenetV3/Conv_2/weights": [1, 1, inputs, depth],
        "MobilenetV3/Conv_2/biases": [depth],
        "MobilenetV3/Logits/Conv2d_1c_1x1/weights": [1, 1, depth, 7],
        "MobilenetV3/Logits/Conv2d_1c_1x1/biases": [7],
    }
    logits, pooled, *values = run(logits, end_points["pooled"], *tf.global_variables()[-4:])
    hidden = hard_swish(pooled @ values[0][0, 0] + values[1])
    np.testing.assert_allclose(logits, hidden @ values[2][0, 0] + values[3], rtol=1e-3, atol=1e-4)


def test_dropout_acts_in_training_only():
    with tf.variable_scope(tf.get_variable_scope(), reuse=tf.AUTO_REUSE):
        plain, _ = classify("xception_tiny", keep_prob=1.0, is_training=True)
        evaluated, _ = classify("xception_tiny")
        trained, _ = classify("xception_tiny", is_training=True)
    plain, evaluated, trained = run(plain, evaluated, trained)
    np.testing.assert_allclose(evaluated, plain, rtol=1e-5, atol=1e-5)
    assert np.abs(trained - plain).max() > 0.05 * np.abs(plain).max()


def test_weights_of_the_head_decay():
    classify("resnet_v1_18")
    losses = [loss.op.name for loss in tf.losses.get_regularization_losses()]
    assert sum("logits/" in name for name in losses) == 1


def test_classifiers_are_normalized_with_slim_s_mean():
    """Published ResNets have another mean than those that research/deeplab trained."""
    encoder = registry.classifier("resnet_v1_50")
    gray = np.full([1, 1, 1, 3], 123.68, np.float32)
    slim_s, deeplab_s = run(
        encoder.classifier.normalize(tf.constant(gray)), encoder.normalize(tf.constant(gray))
    )
    np.testing.assert_allclose(slim_s.ravel(), [0, 6.9, 19.74], atol=1e-4)
    np.testing.assert_allclose(deeplab_s.ravel(), [0.53, 7.78, 20.62], atol=1e-4)


def test_unknown_classifier_names_the_known_ones():
    with pytest.raises(ValueError, match="model_variant is 'resnet50'; expected one of xcep"):
        classify("resnet50")
