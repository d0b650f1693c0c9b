"""What is said of images and files at which the input pipeline fails."""

import pytest
import tensorflow.compat.v1 as tf

from datasets.records import tfrecords
from deeplab.data import input_errors
from tests.deeplab.data.test_input_pipeline import evaluation, images_of, read, training
from tests.support import tiny_dataset


def failure(spec, dataset, with_laplacian=True):
    """Returns how the failure of a dataset is explained."""
    with pytest.raises(tf.errors.OpError) as caught:
        read(dataset, num_batches=20)
    return str(input_errors.explain(caught.value, spec, "train", with_laplacian))


def test_a_label_that_is_no_class_names_image_and_ids(tmp_path):
    images = images_of((5, 5), (9, 11))
    images[1][2][2, 3], images[1][2][0, 0] = 77, 3
    spec = tiny_dataset.write(tmp_path, images)
    for dataset in (training(spec), evaluation(spec)):
        message = failure(spec, dataset)
        assert "the mask of image image1 holds label ids [3 77]" in message
        assert "classes 0..2 and ignore label 255" in message


def test_a_image_larger_than_the_crop_is_named(tmp_path):
    spec = tiny_dataset.write(tmp_path, [("größer", *tiny_dataset.random_image(0, 12, 9))])
    message = failure(spec, evaluation(spec))
    assert "image größer has height 12 and width 9, more than the crop of 9,11" in message
    assert "--eval_crop_size" in message
    assert "\n" not in message


def test_a_image_that_does_not_decode_is_named(tmp_path):
    good = tiny_dataset.encode("good", *tiny_dataset.random_image(0, 5, 5))
    broken = tf.train.Example.FromString(
        tiny_dataset.encode("broken", *tiny_dataset.random_image(1, 50, 50))
    )
    encoded = broken.features.feature["image/encoded"].bytes_list
    encoded.value[0] = encoded.value[0][: len(encoded.value[0]) // 2]
    spec = tiny_dataset.write(tmp_path, images_of((5, 5)))
    with tfrecords.write_shard(spec.shard_paths("train")[0]) as writer:
        writer.write(good)
        writer.write(broken.SerializeToString())
    for dataset in (evaluation(spec), training(spec)):
        message = failure(spec, dataset)
        assert "image broken, record 1 of" in message
        assert spec.shard_paths("train")[0] in message
        assert "\n" not in message


def test_a_truncated_shard_is_named(tmp_path):
    spec = tiny_dataset.write(tmp_path, images_of((9, 9), (9, 9), (9, 9)), num_shards=3)
    path = spec.shard_paths("train")[1]
    with open(path, "rb+") as file:
        file.truncate(100)
    assert path in failure(spec, training(spec))


def test_errors_that_are_not_of_the_data_are_not_explained(tmp_path):
    spec = tiny_dataset.write(tmp_path, images_of((9, 9)))
    error = tf.errors.InvalidArgumentError(None, None, "Loss is inf or nan")
    assert input_errors.explain(error, spec, "train", True) is None
    error = tf.errors.ResourceExhaustedError(None, None, "IteratorGetNext: out of memory")
    assert input_errors.explain(error, spec, "train", True) is None
