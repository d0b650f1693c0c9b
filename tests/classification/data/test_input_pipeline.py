"""Batches of labeled images from records."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from classification.data import input_pipeline
from classification.options import AugmentationOptions, ViewOptions
from tests.support import labeled_images
from tests.support.dataset_batches import read

VIEW = ViewOptions(image_size=24, preprocessing="inception")


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
    folder = tmp_path_factory.mktemp("records")
    return labeled_images.write(str(folder), train=4, val=3)


def _train(spec, seed, view=VIEW, batch_size: int = 5) -> tf.data.Dataset:
    return input_pipeline.training_batches(
        spec, "train", view, AugmentationOptions(), batch_size=batch_size, seed=seed
    )


def test_evaluation_sees_every_image_once_in_the_order_of_the_records(spec):
    dataset = input_pipeline.evaluation_batches(spec, "val", VIEW, batch_size=4)
    batches = read(dataset)
    assert [len(batch["label"]) for batch in batches] == [4, 4, 1]
    labels = np.concatenate([batch["label"] for batch in batches])
    np.testing.assert_array_equal(labels, [0, 1, 2] * 3)
    names = [name.decode() for batch in batches for name in batch["image_name"]]
    assert names == [f"{color}/{n}" for n in (4, 5, 6) for color in labeled_images.COLORS]
    image = batches[0]["image"][0]
    # The middle of the image belongs to the square of the class, whatever its place.
    np.testing.assert_allclose(image[10:12, 10:12].mean((0, 1)), (30, 60, 220), atol=40)


def test_a_shuffled_order_has_the_same_images_and_is_the_same_each_time(spec):
    def names(seed):
        dataset = input_pipeline.evaluation_batches(
            spec, "val", VIEW, batch_size=9, shuffle_seed=seed
        )
        return list(read(dataset)[0]["image_name"])

    assert names(0) == names(0)
    assert names(0) != names(None)
    assert sorted(names(0)) == sorted(names(None))


def test_a_seed_decides_the_batches_and_there_is_no_end(spec):
    first, again, other = (read(_train(spec, seed), 6) for seed in (1, 1, 2))
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one["image"], two["image"])
        np.testing.assert_array_equal(one["label"], two["label"])
    assert any((one["image"] != two["image"]).any() for one, two in zip(first, other, strict=True))
    assert first[0]["image"].shape == (5, 24, 24, 3)
    seen = {name for batch in first for name in batch["image_name"]}
    assert len(seen) == 12


def test_leading_classes_are_left_out_or_named(spec):
    offset = ViewOptions(image_size=24, preprocessing="inception", labels_offset=1)
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        read(input_pipeline.evaluation_batches(spec, "val", offset, batch_size=9))
    explained = input_pipeline.explain(caught.value, spec, "val")
    assert str(explained).startswith("image blue/4 has the label 0, but dataset squares has the")


def test_impossible_sizes_and_splits_are_refused(spec):
    with pytest.raises(ValueError, match="batch size is 0; expected 1 or more"):
        _train(spec, 1, batch_size=0)
    with pytest.raises(ValueError, match="has no split 'test'"):
        input_pipeline.evaluation_batches(spec, "test", VIEW, batch_size=1)
