"""Features that are kept: what they are, when they are computed again, and what goes wrong."""

import dataclasses
import os

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from captioning import feature_cache
from captioning.data import input_pipeline
from captioning.network import network
from captioning.options import ATTENTION, AugmentationOptions
from nets.batch_norm import BatchNormMode
from tests.support import captioned_images, tiny_captioner

DESCRIPTION = tiny_captioner.describe(ATTENTION)
SHAPE = network.feature_shape(DESCRIPTION.model, tiny_captioner.SIZE)
CACHED = AugmentationOptions(False, False, False, cache_features=True, captions_per_image=2)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> str:
    return tiny_captioner.save(tmp_path_factory.mktemp("run"), ATTENTION)


@pytest.fixture
def spec(tmp_path):
    return captioned_images.write_squares(tmp_path / "records", train=2, val=1)


def ensure(spec, checkpoint, description=DESCRIPTION):
    lines: list[str] = []
    found = feature_cache.ensure(spec, "train", description, checkpoint, lines.append)
    return found, any("computing" in line for line in lines)


def batch_of(spec, features):
    with tf.Graph().as_default(), tf.Session() as session:
        batches = input_pipeline.training_batches(
            spec,
            "train",
            DESCRIPTION.view,
            CACHED,
            batch_size=12,
            seed=3,
            features=features,
            feature_shape=SHAPE,
        )
        return session.run(tf.data.make_one_shot_iterator(batches).get_next())


def test_a_batch_has_what_the_encoder_says_of_its_images(spec, checkpoint):
    features, was_computed = ensure(spec, checkpoint)
    assert was_computed
    with_images, with_features = batch_of(spec, None), batch_of(spec, features)
    for key in ("ids", "lengths", "image_name", "image_id"):
        np.testing.assert_array_equal(with_features[key], with_images[key])
    assert with_features["features"].dtype == np.float16
    with tf.Graph().as_default(), tf.Session() as session:
        image = tf.constant(with_images["image"])
        expected = network.encode(image, DESCRIPTION.model, 0.0, BatchNormMode())
        tf.train.Saver(tf.global_variables()).restore(session, checkpoint)
        expected = session.run(expected)
    np.testing.assert_allclose(with_features["features"], expected, rtol=2e-3, atol=1e-4)
    assert np.abs(expected).max() > 0.01


def test_features_are_computed_again_only_when_they_would_differ(spec, checkpoint, tmp_path):
    first, _ = ensure(spec, checkpoint)
    again, was_computed = ensure(spec, checkpoint)
    assert (again, was_computed) == (first, False)
    assert again.split("train").num_examples == 12
    larger = dataclasses.replace(
        DESCRIPTION, view=dataclasses.replace(DESCRIPTION.view, image_size=96)
    )
    other, was_computed = ensure(spec, checkpoint, larger)
    assert was_computed
    assert other.directory != first.directory
    finer = dataclasses.replace(
        DESCRIPTION, model=dataclasses.replace(DESCRIPTION.model, output_stride=16)
    )
    finest, was_computed = ensure(spec, checkpoint, finer)
    assert was_computed
    assert finest.directory not in (first.directory, other.directory)
    shard = spec.shard_paths("train")[0]
    os.utime(shard, (1, 1))
    changed, was_computed = ensure(spec, checkpoint)
    assert was_computed
    assert changed.directory != first.directory


def test_other_weights_have_other_features(spec, checkpoint, tmp_path):
    first, _ = ensure(spec, checkpoint)
    with tf.Graph().as_default(), tf.Session() as session:
        images = tf.zeros([1, 64, 64, 3])
        network.encode(images, DESCRIPTION.model, 0.0, BatchNormMode())
        session.run(tf.global_variables_initializer())
        other = tf.train.Saver().save(session, str(tmp_path / "other.ckpt"))
    second, was_computed = ensure(spec, other)
    assert was_computed
    assert second.directory != first.directory


def test_features_that_were_not_finished_are_not_taken(spec, checkpoint):
    found, _ = ensure(spec, checkpoint)
    [shard] = found.shard_paths("train")
    os.remove(os.path.join(found.directory, "dataset.json"))
    modified = os.stat(shard).st_mtime_ns
    again, was_computed = ensure(spec, checkpoint)
    assert was_computed
    assert os.stat(shard).st_mtime_ns == modified, "a whole shard was computed again"
    with open(shard, "r+b") as file:
        file.truncate(100)
    assert ensure(spec, checkpoint) == (again, True)
    assert os.path.getsize(shard) > 100


def test_what_goes_wrong_is_told(spec, checkpoint, monkeypatch):
    other = dataclasses.replace(
        DESCRIPTION, model=dataclasses.replace(DESCRIPTION.model, model_variant="resnet_v1_18")
    )
    other = dataclasses.replace(other, model=dataclasses.replace(other.model, depth_multiplier=1.0))
    with pytest.raises(ValueError, match="does not have the encoder resnet_v1_18"):
        ensure(spec, checkpoint, other)
    monkeypatch.setattr(feature_cache, "_LARGEST_FLOAT16", 1e-9)
    with pytest.raises(ValueError, match="and float16 goes up to 1e-09"):
        ensure(spec, checkpoint)
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 100}))
    with pytest.raises(ValueError, match=r"has 0\.0 GB left: train without --cache_features"):
        ensure(spec, checkpoint)
