"""Batches of images and captions from records."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from captioning.data import input_pipeline
from captioning.options import AugmentationOptions, ViewOptions
from tests.support import captioned_images
from tests.support.dataset_batches import read

VIEW = ViewOptions(image_size=32)


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
    return captioned_images.write_squares(tmp_path_factory.mktemp("r") / "squares", train=1, val=1)


def train(spec, seed: int, batch_size: int = 4, **augmentation) -> tf.data.Dataset:
    options = AugmentationOptions(**augmentation)
    return input_pipeline.training_batches(
        spec, "train", VIEW, options, batch_size=batch_size, seed=seed
    )


def sentences(spec, batch: dict) -> set[tuple[str, str]]:
    """Returns (name of the image, caption) of all captions of a batch."""
    return {
        (name.decode(), spec.vocabulary.sentence(ids[:length]))
        for name, captions, lengths in zip(
            batch["image_name"], batch["ids"], batch["lengths"], strict=True
        )
        for ids, length in zip(captions, lengths, strict=True)
        if length
    }


def test_evaluation_has_every_image_once_with_all_its_captions(spec):
    batches = read(input_pipeline.evaluation_batches(spec, "val", VIEW, batch_size=4))
    assert [len(batch["number"]) for batch in batches] == [4, 2]
    assert [*batches[0]["number"], *batches[1]["number"]] == list(range(6))
    found = sentences(spec, batches[0]) | sentences(spec, batches[1])
    assert len(found) == 12
    assert ("val1.png", "a blue square is on the right .") in found
    assert ("val1.png", "there is a blue one .") in found
    first = batches[0]
    assert first["captions"].shape == first["ids"].shape
    assert first["image"].shape == (4, 32, 32, 3)


def test_a_seed_decides_the_batches_and_there_is_no_end(spec):
    first, again, other = (read(train(spec, seed), 6) for seed in (1, 1, 2))
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one["image"], two["image"])
        np.testing.assert_array_equal(one["ids"], two["ids"])
    assert any((one["image"] != two["image"]).any() for one, two in zip(first, other, strict=True))
    found = set.union(*(sentences(spec, batch) for batch in read(train(spec, 1), 30)))
    assert len(found) == 12  # In time, both captions of each image.


@pytest.mark.parametrize("count", [1, 2, 5])
def test_captions_of_an_image_are_drawn_each_once_before_one_comes_again(spec, count):
    (batch,) = read(train(spec, 3, captions_per_image=count), 1)
    assert batch["ids"].shape[:2] == batch["lengths"].shape == (4, count)
    for captions in batch["ids"]:
        distinct = {tuple(ids) for ids in captions}
        assert len(distinct) == min(count, 2)


def test_what_is_not_varied_is_what_evaluation_sees(spec):
    plain = {"random_crop": False, "color_distortion": False, "random_flip": False}
    images = {
        name: image
        for batch in read(train(spec, 1, batch_size=6, **plain), 4)
        for name, image in zip(batch["image_name"], batch["image"], strict=True)
    }
    dataset = input_pipeline.evaluation_batches(spec, "train", VIEW, batch_size=6)
    (batch,) = read(dataset)
    for name, image in zip(batch["image_name"], batch["image"], strict=True):
        np.testing.assert_array_equal(images[name], image)
    for batch in read(train(spec, 1), 4):
        assert 0 <= batch["image"].min() <= batch["image"].max() <= 255


def test_records_of_im2txts_form_are_read(tmp_path):
    spec = captioned_images.write_squares(tmp_path / "single", is_single=True, train=1, val=1)
    (batch,) = read(input_pipeline.evaluation_batches(spec, "val", VIEW, batch_size=12))
    assert batch["ids"].shape[1] == 1
    assert len(sentences(spec, batch)) == 12


def test_records_of_another_vocabulary_are_named(spec):
    import dataclasses

    small = dataclasses.replace(spec, words=("<S>", "</S>", "a", "<UNK>"))
    with pytest.raises(tf.errors.InvalidArgumentError, match="words that dataset squares, of 4"):
        read(input_pipeline.evaluation_batches(small, "val", VIEW, batch_size=2))


def test_a_damaged_image_is_named(spec):
    with pytest.raises(ValueError, match="batch size is 0"):
        input_pipeline.evaluation_batches(spec, "val", VIEW, batch_size=0)
