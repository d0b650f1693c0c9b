"""Classifiers by value: what is pooled, what the layers behind it are called and compute."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from common import saved_weights
from nets import classifier, registry
from nets.batch_norm import BatchNormMode
from reference import comparison
from tests.support import sessions
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
    with sessions.unoptimized() as session:
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
    [
        ("mobilenet_v3_large", 960, 1280),
        ("mobilenet_v3_small", 576, 1024),
        ("mobilenet_v3_large_seg", 480, 1280),
        ("mobilenet_v3_small_seg", 288, 1024),
    ],
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


def test_the_auxiliary_classifier_is_there_in_training_only():
    _, end_points = classify("inception_v3", np.zeros([1, 75, 90, 3], np.float32))
    assert "AuxLogits" not in end_points
    evaluated = {variable.op.name for variable in tf.global_variables()}
    assert tf.get_collection(saved_weights.TRAINING_ONLY) == ["InceptionV3/AuxLogits"]
    for size in ((75, 90), (363, 300)):
        tf.reset_default_graph()
        images = np.zeros([1, *size, 3], np.float32)
        _, end_points = classify("inception_v3", images, is_training=True)
        assert end_points["AuxLogits"].shape.as_list() == [1, 7]
        assert tf.get_collection(saved_weights.TRAINING_ONLY) == []
        trained = {variable.op.name: variable.shape.as_list() for variable in tf.global_variables()}
        assert all(name.startswith("InceptionV3/AuxLogits/") for name in trained.keys() - evaluated)
        # The same for every size, so that one checkpoint serves all.
        assert trained["InceptionV3/AuxLogits/Conv2d_2a_5x5/weights"] == [5, 5, 128, 768]


def test_inception_v3_names_the_smallest_image():
    with pytest.raises(ValueError, match="image size is 74x90; inception_v3 needs at least 75x75"):
        classify("inception_v3", np.zeros([1, 74, 90, 3], np.float32))


def test_inception_v3_has_no_other_stride():
    with pytest.raises(ValueError, match="output_stride is 16; inception_v3 has 32 only"):
        registry.classifier("inception_v3").build(
            tf.zeros([1, 99, 99, 3]),
            output_stride=16,
            weight_decay=0.0,
            batch_norm=BatchNormMode(),
        )


@pytest.mark.parametrize(
    ("size", "places"), [((224, 224), (1, 1)), ((64, 70), (1, 1)), ((230, 300), (2, 4))]
)
def test_vgg_has_three_layers_at_every_place_of_the_first(monkeypatch, size, places):
    monkeypatch.setattr(classifier, "_VGG_DEPTH", 8)
    images = np.random.RandomState(5).uniform(0, 255, [1, *size, 3]).astype(np.float32)
    logits, end_points = classify("vgg_16", images)
    values = tf.global_variables()[-6:]
    assert [variable.op.name.removeprefix("vgg_16/") for variable in values] == [
        f"fc{number}/{kind}" for number in (6, 7, 8) for kind in ("weights", "biases")
    ]
    logits, features, *values = run(logits, end_points["features"], *values)
    missing = [max(7 - side, 0) for side in features.shape[1:3]]
    borders = [(each // 2, each - each // 2) for each in missing]
    features = np.pad(features, [(0, 0), *borders, (0, 0)])
    hidden = []
    for row in range(features.shape[1] - 6):
        for column in range(features.shape[2] - 6):
            window = features[0, row : row + 7, column : column + 7]
            net = np.maximum(np.tensordot(window, values[0], 3) + values[1], 0)
            hidden.append(np.maximum(net @ values[2][0, 0] + values[3], 0))
    assert len(hidden) == np.prod(places)
    expected = np.mean(hidden, axis=0) @ values[4][0, 0] + values[5]
    np.testing.assert_allclose(logits[0], expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("name", ["vgg_16", "inception_v3", "resnet_v1_18"])
def test_image_sizes_may_be_unknown(monkeypatch, name):
    monkeypatch.setattr(classifier, "_VGG_DEPTH", 8)
    images = np.random.RandomState(5).uniform(0, 255, [1, 110, 97, 3]).astype(np.float32)
    fed = tf.placeholder(tf.float32, [None, None, None, 3])
    with tf.variable_scope(tf.get_variable_scope(), reuse=tf.AUTO_REUSE):
        expected, _ = classify(name, images)
        logits, _ = classifier.classify(
            fed,
            name,
            num_classes=7,
            is_training=False,
            dropout_keep_prob=1.0,
            weight_decay=0.0,
            batch_norm=BatchNormMode(),
            options=OPTIONS,
        )
    assert logits.shape.as_list() == [None, 7]
    with sessions.unoptimized() as session:
        comparison.fill_variables(session)
        logits, expected = session.run([logits, expected], {fed: images})
    np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())


def test_dropout_acts_in_training_only():
    with tf.variable_scope(tf.get_variable_scope(), reuse=tf.AUTO_REUSE):
        plain, _ = classify("xception_tiny", keep_prob=1.0, is_training=True)
        evaluated, _ = classify("xception_tiny")
        trained, _ = classify("xception_tiny", is_training=True)
    plain, evaluated, trained = run(plain, evaluated, trained)
    np.testing.assert_allclose(evaluated, plain, rtol=1e-5, atol=1e-5)
    assert np.abs(trained - plain).max() > 0.05 * np.abs(plain).max()


@pytest.mark.parametrize("name", ["xception_tiny", "mobilenet_v2"])
def test_new_logits_begin_about_equal(name):
    classify(name)
    weights = next(v for v in tf.trainable_variables() if v.shape.as_list()[-1:] == [7])
    with tf.Session() as session:
        first = session.run(weights.initial_value)
    # Truncated at two standard deviations: 0.88 of it is left.
    assert first.std() == pytest.approx(0.0088, rel=0.1)


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
