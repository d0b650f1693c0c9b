"""Class ids from coarse logits against the argmax of all interpolated logits."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from deeplab.network import fast_argmax, model
from deeplab.options import ModelOptions
from nets import registry
from reference import comparison
from tests.support import plain_encoder, sessions


def logits_of(kind: str, *shape: int) -> np.ndarray:
    random = np.random.RandomState(0)
    if kind == "noise":  # Every cell has corners of different classes.
        return random.normal(size=shape).astype(np.float32)
    if kind == "one class":
        return np.broadcast_to(np.arange(shape[3], dtype=np.float32), shape).copy()
    rows, columns = np.mgrid[: shape[1], : shape[2]].astype(np.float32)
    waves = [
        np.sin(rows / random.uniform(2, 5) + i) + np.cos(columns / random.uniform(2, 5) - i)
        for i in range(shape[0] * shape[3])
    ]
    return np.stack(waves, -1).reshape(*shape[1:3], shape[0], shape[3]).transpose(2, 0, 1, 3)


@pytest.mark.parametrize("kind", ["noise", "smooth", "one class"])
@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ((1, 9, 9, 21), (33, 33)),
        ((3, 9, 13, 5), (129, 193)),  # A batch, not square, 16 times.
        ((2, 5, 9, 150), (9, 65)),  # Each side by another factor.
        ((2, 7, 5, 3), (7, 5)),  # Not resized at all.
        ((2, 1, 5, 3), (1, 17)),
    ],
)
def test_ids_are_those_of_resized_logits(kind, shape, size):
    logits = logits_of(kind, *shape)
    tensor = tf.placeholder(tf.float32, [None, *shape[1:]])
    assert fast_argmax.has_fast_form(tensor, *size)
    fast = fast_argmax.upsampled_argmax(tensor, *size)
    assert fast.dtype == tf.int32
    resized = tf.image.resize_bilinear(tensor, size, align_corners=True)
    with sessions.unoptimized() as session:
        ids, values = session.run([fast, resized], {tensor: logits})
    assert ids.shape == (shape[0], *size)
    chosen = np.take_along_axis(values, ids[..., None], -1)[..., 0]
    np.testing.assert_allclose(chosen, values.max(-1), rtol=1e-5, atol=1e-5)
    assert np.mean(ids == values.argmax(-1)) > 0.999


@pytest.mark.parametrize("size", [(34, 33), (33, 36), (1, 33)])
def test_other_factors_are_not_taken(size):
    assert not fast_argmax.has_fast_form(tf.zeros([1, 9, 9, 3]), *size)
    unknown = tf.placeholder(tf.float32, [None, None, 9, 3])
    assert not fast_argmax.has_fast_form(unknown, 33, 33)


@pytest.mark.parametrize(
    ("options", "scales", "is_fast"),
    [
        ({}, (1.0,), True),
        ({"decoder_output_stride": (4,)}, (1.0,), True),
        ({"prediction_with_upsampled_logits": False}, (1.0,), False),
        ({"image_pyramid": (0.5, 1.0)}, (1.0,), True),
        ({}, (0.5, 1.0), False),
    ],
)
def test_fast_class_ids_are_the_network_s(monkeypatch, options, scales, is_fast):
    monkeypatch.setattr(registry, "extract_features", plain_encoder.extract_features)
    options = ModelOptions(
        num_classes=4, model_variant="xception_tiny", aspp_convs_filters=8, **options
    )
    images = np.random.RandomState(0).uniform(0, 255, [2, 33, 49, 3]).astype(np.float32)
    features = {"image": tf.constant(images)}
    with tf.variable_scope(tf.get_variable_scope(), reuse=tf.AUTO_REUSE):
        slow = model.predict(features, options, scales=scales)
        fast = model.predict(features, options, scales=scales, fast_class_ids=True)
    used = any("fast_argmax" in op.name for op in tf.get_default_graph().get_operations())
    assert used == is_fast
    with sessions.unoptimized() as session:
        comparison.fill_variables(session)
        # Else the class with the largest bias wins everywhere.
        biases = next(v for v in tf.global_variables() if v.op.name == "logits/semantic/biases")
        logits = session.run("SemanticLogits:0")
        session.run(tf.assign_sub(biases, logits.mean(axis=(0, 1, 2))))
        expected, class_ids = session.run([slow.class_ids, fast.class_ids])
    assert len(np.unique(expected)) > 1
    assert np.mean(class_ids == expected) > 0.999
