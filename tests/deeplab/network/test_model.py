"""The network against itself; test_comparison.py holds it against research/deeplab."""

import dataclasses

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from deeplab.network import model, transfer
from deeplab.options import ModelOptions, ObjectiveOptions
from nets import registry
from tests.support import plain_encoder, sessions

TINY = ModelOptions(
    num_classes=3,
    model_variant="xception_tiny",
    atrous_rates=(1, 2),
    decoder_output_stride=(4,),
    decoder_use_gradient=True,
    aspp_convs_filters=8,
    decoder_filters=8,
)


def images(height=65, width=49, batch=2):
    random = np.random.RandomState(3)
    return {
        "image": tf.constant(random.uniform(0, 255, [batch, height, width, 3]), tf.float32),
        "laplacian": tf.constant(random.uniform(-255, 255, [batch, height, width, 1]), tf.float32),
    }


@pytest.fixture
def _plain_encoder(monkeypatch):
    monkeypatch.setattr(registry, "extract_features", plain_encoder.extract_features)


def replace(**changes) -> ModelOptions:
    return dataclasses.replace(TINY, **changes)


@pytest.mark.parametrize(
    "options",
    [
        TINY,
        replace(model_variant="mobilenet_v2", depth_multiplier=0.5),
        replace(model_variant="densenet121", output_stride=8),
        replace(model_variant="vgg_16", output_stride=8),
        replace(aspp_with_separable_conv=False, decoder_use_separable_conv=False),
        replace(decoder_output_stride=(8, 4)),
        replace(image_pyramid=(0.5, 1.0), merge_method="avg"),
        replace(
            aspp_with_batch_norm=False,
            logits_kernel_size=3,
            decoder_output_stride=(),
            decoder_use_gradient=False,
        ),
    ],
    ids=[
        "xception",
        "mobilenet",
        "densenet",
        "vgg",
        "not_separable",
        "two_stages",
        "pyramid",
        "deeplab_v2_head",
    ],
)
def test_every_trainable_variable_gets_a_gradient(options):
    logits = model.multi_scale_logits(images(), options, ObjectiveOptions(weight_decay=1e-4))
    loss = tf.add_n([tf.reduce_sum(tf.square(value)) for value in logits.values()])
    variables = tf.trainable_variables()
    gradients = tf.gradients(loss, variables)
    assert None not in gradients
    with sessions.unoptimized() as session:
        session.run(tf.global_variables_initializer())
        # Zero betas behind zero logits would hide a missing path.
        betas = [variable for variable in variables if variable.op.name.endswith("beta")]
        session.run([tf.assign(beta, tf.fill(beta.shape, 0.1)) for beta in betas])
        values = session.run(gradients)
    dead = [v.op.name for v, value in zip(variables, values, strict=True) if not np.any(value)]
    assert dead == []


def test_dynamic_and_static_sizes_give_the_same_logits():
    features = images(height=67, width=50)  # Not OS*k+1, on purpose.
    dynamic = {
        name: tf.placeholder_with_default(value, [None, None, None, value.shape[-1]])
        for name, value in features.items()
    }
    for pyramid in ((1.0,), (0.75, 1.5)):
        options = replace(image_pyramid=pyramid)
        static_logits = model.multi_scale_logits(features, options)[model.MERGED_LOGITS]
        dynamic_logits = model.multi_scale_logits(dynamic, options)[model.MERGED_LOGITS]
        with sessions.unoptimized() as session:
            session.run(tf.global_variables_initializer())
            expected, actual = session.run([static_logits, dynamic_logits])
        np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.usefixtures("_plain_encoder")
@pytest.mark.parametrize(("method", "merge"), [("max", np.max), ("avg", np.mean)])
def test_image_pyramid_merges_the_scales(method, merge):
    options = replace(image_pyramid=(0.5, 1.0), merge_method=method)
    logits = model.multi_scale_logits(images(), options)
    assert list(logits) == ["logits_0.50", "logits_1.00", "merged_logits"]
    with sessions.unoptimized() as session:
        session.run(tf.global_variables_initializer())
        half, full, merged = session.run(list(logits.values()))
    assert half.shape == full.shape
    np.testing.assert_allclose(merged, merge([half, full], axis=0), rtol=1e-5)


def softmax(logits):
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


@pytest.mark.usefixtures("_plain_encoder")
def test_flip_alone_is_averaged():
    """research/deeplab ignores --add_flipped_images at a single scale."""
    features = images(batch=1)
    mirrored = {name: value[:, :, ::-1] for name, value in features.items()}
    plain = model.predict(features, TINY).probabilities
    mirror = model.predict(mirrored, TINY).probabilities
    both = model.predict(features, TINY, add_flipped=True)
    with sessions.unoptimized() as session:
        session.run(tf.global_variables_initializer())
        spread_logits(session)
        plain, mirror, probabilities, class_ids = session.run(
            [plain, mirror, both.probabilities, both.class_ids]
        )
    assert np.abs(plain - mirror[:, :, ::-1]).max() > 1e-3
    expected = (plain + mirror[:, :, ::-1]) / 2
    np.testing.assert_allclose(probabilities, expected, atol=1e-6)
    np.testing.assert_array_equal(class_ids, expected.argmax(axis=-1))


@pytest.mark.usefixtures("_plain_encoder")
def test_scales_are_averaged_as_probabilities():
    features = images(batch=1)
    size = [65, 49]
    members = []
    for scale in (0.5, 1.5):
        logits = model.multi_scale_logits(features, replace(image_pyramid=(scale,)))
        logits = logits[model.MERGED_LOGITS]
        expected_side = int((65 - 1) * max(1.0, scale) / 4 + 1)
        assert logits.shape[1] == expected_side
        members.append(tf.image.resize_bilinear(logits, size, align_corners=True))
    prediction = model.predict(features, TINY, scales=(0.5, 1.5))
    with sessions.unoptimized() as session:
        session.run(tf.global_variables_initializer())
        spread_logits(session)
        members, probabilities = session.run([members, prediction.probabilities])
    expected = (softmax(members[0]) + softmax(members[1])) / 2
    np.testing.assert_allclose(probabilities, expected, atol=1e-6)


def spread_logits(session):
    """Larger weights in the last layer, so that probabilities differ from place to place."""
    weights = next(v for v in tf.global_variables() if v.op.name == "logits/semantic/weights")
    weights.load(np.random.RandomState(1).normal(0, 2.0, weights.shape.as_list()), session)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"output_stride": 12}, "output_stride is 12; expected 8, 16 or 32"),
        ({"num_classes": 1}, "num_classes is 1; expected at least 2"),
        ({"merge_method": "mean"}, "merge_method is 'mean'; expected 'max' or 'avg'"),
        ({"image_pyramid": (0.0,)}, "image_pyramid is"),
        ({"atrous_rates": (0,)}, "atrous_rates are"),
        ({"output_stride": 8, "decoder_output_stride": (16,)}, "expected at most output_stride 8"),
        ({"decoder_output_stride": (4, 8)}, "expected coarse to fine"),
        ({"decoder_output_stride": (1,)}, "xception_tiny has feature maps at strides 2, 4, 8, 16"),
        ({"decoder_output_stride": ()}, "decoder_use_gradient needs a decoder"),
        ({"model_variant": "vgg"}, "model_variant is 'vgg'; expected one of"),
        ({"multi_grid": (1, 2)}, "takes 3 rates of 1 or more"),
        ({"model_variant": "mobilenet_v2", "multi_grid": (1, 2, 4)}, "has no such rates"),
        ({"logits_kernel_size": 3}, "behind ASPP it is 1"),
    ],
)
def test_contradicting_options_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        replace(**changes).validate()


def test_missing_laplacian_is_named():
    with pytest.raises(ValueError, match="the input has no gradient channel"):
        model.multi_scale_logits({"image": tf.zeros([1, 33, 33, 3])}, TINY)


def test_laplacian_adapter_keeps_the_network_s_function():
    """A network without Laplacian, its weights moved into one with it: equal where it is 0."""
    features = images()
    features["laplacian"] = tf.zeros_like(features["laplacian"])
    plain = replace(decoder_use_gradient=False)
    plain_logits = model.multi_scale_logits(features, plain)[model.MERGED_LOGITS]
    with sessions.unoptimized() as session:
        session.run(tf.global_variables_initializer())
        expected = session.run(plain_logits)
        names = [v.op.name for v in tf.global_variables()]
        saved = dict(zip(names, session.run(tf.global_variables()), strict=True))

    tf.reset_default_graph()
    features = images()
    features["laplacian"] = tf.zeros_like(features["laplacian"])
    logits = model.multi_scale_logits(features, TINY)[model.MERGED_LOGITS]
    adapt = transfer.laplacian_adapter(TINY)
    with sessions.unoptimized() as session:
        session.run(tf.global_variables_initializer())
        adapted, values = [], {}
        variables = tf.global_variables()
        for variable, initial in zip(variables, session.run(variables), strict=True):
            name = variable.op.name
            value = saved[name]
            if value.shape != initial.shape:
                value = adapt(name, value, initial)
                adapted.append(name)
            values[variable.initializer.inputs[1]] = value
        session.run([variable.initializer for variable in variables], values)
        actual = session.run(logits)
    assert len(adapted) == 1 + 4 + 1  # Depthwise weights, its batch norm, pointwise weights.
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-6)


def test_laplacian_adapter_leaves_other_differences_alone():
    adapt = transfer.laplacian_adapter(TINY)
    name = "decoder/decoder_conv0_depthwise/depthwise_weights"
    assert adapt(name, np.zeros([3, 3, 50, 1]), np.zeros([3, 3, 57, 1])) is None
    assert adapt("logits/semantic/biases", np.zeros([20]), np.zeros([21])) is None
