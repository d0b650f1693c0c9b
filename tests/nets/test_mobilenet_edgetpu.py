"""MobileNetEdgeTPU against what research/deeplab's own code makes of the same weights."""

import math
import zlib

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from nets import registry
from nets.batch_norm import BatchNormMode
from reference import comparison
from tests.support import sessions

IMAGES = np.random.RandomState(11).uniform(0, 255, [1, 97, 161, 3]).astype(np.float32)


def extract(depth_multiplier, output_stride=32):
    return registry.extract_features(
        tf.constant(IMAGES),
        "mobilenet_edgetpu",
        output_stride=output_stride,
        weight_decay=4e-5,
        batch_norm=BatchNormMode(),
        options={"depth_multiplier": depth_multiplier},
    )


@pytest.mark.parametrize(
    ("depth_multiplier", "num_trainable", "checksum"),
    [(1.0, 2_810_432, 3591251477), (0.75, 1_660_440, 3338327243)],
)
def test_variables_are_those_of_research_deeplab(depth_multiplier, num_trainable, checksum):
    extract(depth_multiplier)
    shapes = {variable.op.name: variable.shape.as_list() for variable in tf.global_variables()}
    assert len(shapes) == 290
    trainable = [variable.shape.as_list() for variable in tf.trainable_variables()]
    assert sum(map(math.prod, trainable)) == num_trainable
    # Convolutions decay, but for the thirteen depthwise ones.
    assert len(tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)) == 58 - 13
    # Of every name and shape.
    text = "\n".join(f"{name} {shape}" for name, shape in sorted(shapes.items()))
    assert zlib.crc32(text.encode()) == checksum
    # The first bottleneck is fused and expands nothing: it only projects.
    assert [name for name in shapes if "/expanded_conv/" in name and "weights" in name] == [
        "MobilenetEdgeTPU/expanded_conv/project/weights"
    ]


@pytest.mark.parametrize(
    ("depth_multiplier", "output_stride", "mean", "deviation", "values"),
    [
        (1.0, 32, 0.825379, 1.256745, [1.00657, 1.09639, 0.0, 1.25601]),
        (1.0, 16, 0.820346, 1.240007, [2.22126, 1.75836, 0.0, 0.0]),
        (1.0, 8, 0.808354, 1.222308, [2.39609, 1.40586, 0.0, 0.0]),
        (0.75, 32, 0.899026, 1.421051, [0.0, 0.0, 1.11289, 0.66654]),
        (0.75, 16, 0.888951, 1.395171, [0.0, 0.0, 0.39257, 0.0]),
        (0.75, 8, 0.854957, 1.332878, [0.83673, 0.39784, 0.37114, 0.0]),
    ],
)
def test_features_are_those_of_research_deeplab(
    depth_multiplier, output_stride, mean, deviation, values
):
    features, _ = extract(depth_multiplier, output_stride)
    with sessions.unoptimized() as session:
        comparison.fill_variables(session)
        features = session.run(features)
    assert features.mean(dtype=float) == pytest.approx(mean, rel=1e-5)
    assert features.std(dtype=float) == pytest.approx(deviation, rel=1e-5)
    np.testing.assert_allclose(features[0, 2, 3, 3:7], values, atol=5e-5)


def test_the_last_bottlenecks_of_each_stride_are_seen_by_decoders():
    _, end_points = extract(1.0)
    expected = {4: 0.72675574, 8: 1.3219248, 16: 0.6496043}
    stages = registry.encoder("mobilenet_edgetpu").stages
    taps = {stage.stride: end_points[stage.end_point] for stage in stages}
    with sessions.unoptimized() as session:
        comparison.fill_variables(session)
        taps = session.run(taps)
    assert taps[2].shape == (1, 49, 81, 32)
    for stride, mean in expected.items():
        assert taps[stride].mean(dtype=float) == pytest.approx(mean, rel=1e-5)
