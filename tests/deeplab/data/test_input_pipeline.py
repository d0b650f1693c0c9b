"""Batches: their values, order, repetition and randomness, and errors that name the image."""

import dataclasses

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from datasets.segmentation import laplacian
from deeplab.data import input_pipeline
from deeplab.options import InputOptions
from tests.support import tiny_dataset
from tests.support.dataset_batches import read

MEAN_PIXEL = (127.5, 127.5, 127.5)
PLAIN = InputOptions(crop_size=(9, 11), min_scale_factor=1.0, max_scale_factor=1.0)


def images_of(*sizes):
    return [
        (f"image{index}", *tiny_dataset.random_image(index, *size))
        for index, size in enumerate(sizes)
    ]


def training(spec, options=PLAIN, *, batch_size=2, with_laplacian=True, **more):
    return input_pipeline.training_batches(
        spec,
        "train",
        options,
        batch_size=batch_size,
        mean_pixel=MEAN_PIXEL,
        with_laplacian=with_laplacian,
        **more,
    )


def evaluation(spec, options=PLAIN, *, batch_size=2, with_laplacian=True):
    return input_pipeline.evaluation_batches(
        spec,
        "train",
        options,
        batch_size=batch_size,
        mean_pixel=MEAN_PIXEL,
        with_laplacian=with_laplacian,
    )


def names(batches):
    return [name.decode() for batch in batches for name in batch["image_name"]]


def test_evaluation_gives_every_image_once_whole_padded_and_in_order(tmp_path):
    images = images_of((5, 7), (9, 11), (8, 3))
    spec = tiny_dataset.write(tmp_path, images)
    batches = read(evaluation(spec))
    assert [len(batch["label"]) for batch in batches] == [2, 1]
    assert names(batches) == ["image0", "image1", "image2"]
    index = 0
    for batch in batches:
        for row in range(len(batch["label"])):
            _, image, mask = images[index]
            height, width = mask.shape
            assert (batch["height"][row], batch["width"][row]) == (height, width)
            np.testing.assert_array_equal(batch["image"][row, :height, :width], image)
            np.testing.assert_array_equal(batch["label"][row, :height, :width, 0], mask)
            np.testing.assert_array_equal(
                batch["laplacian"][row, :height, :width, 0], laplacian.laplacian(image)
            )
            outside = np.ones((9, 11), bool)
            outside[:height, :width] = False
            assert (batch["image"][row][outside] == 127.5).all()
            assert (batch["label"][row][outside] == 255).all()
            assert (batch["laplacian"][row][outside] == 0).all()
            index += 1


def test_types_and_shapes_are_known_to_the_graph(tmp_path):
    spec = tiny_dataset.write(tmp_path, images_of((5, 7)))
    assert tf.data.get_output_types(training(spec)) == {
        "image": tf.float32,
        "label": tf.uint8,
        "laplacian": tf.float32,
        "image_name": tf.string,
        "height": tf.int32,
        "width": tf.int32,
    }
    shapes = tf.data.get_output_shapes(training(spec, InputOptions(crop_size=(9, 11))))
    assert shapes["image"].as_list() == [2, 9, 11, 3]
    assert shapes["label"].as_list() == [2, 9, 11, 1]
    assert shapes["laplacian"].as_list() == [2, 9, 11, 1]
    assert "laplacian" not in tf.data.get_output_shapes(training(spec, with_laplacian=False))


def test_without_crop_evaluation_keeps_the_size_of_each_image(tmp_path):
    spec = tiny_dataset.write(tmp_path, images_of((5, 7), (9, 11)))
    batches = read(evaluation(spec, InputOptions(crop_size=None), batch_size=1))
    assert [batch["image"].shape for batch in batches] == [(1, 5, 7, 3), (1, 9, 11, 3)]
    with pytest.raises(ValueError, match="batch of 2 images needs a crop size"):
        evaluation(spec, InputOptions(crop_size=None))


def test_resize_to_range_comes_first(tmp_path):
    spec = tiny_dataset.write(tmp_path, images_of((6, 12)))
    options = InputOptions(
        crop_size=(17, 17), min_resize_value=13, max_resize_value=17, resize_factor=8
    )
    (batch,) = read(evaluation(spec, options))
    assert (batch["height"][0], batch["width"][0]) == (9, 17)


def test_laplacians_are_computed_where_the_records_have_none(tmp_path):
    images = images_of((9, 11))
    spec = tiny_dataset.write(tmp_path, images, with_gradient=False)
    (batch,) = read(evaluation(spec))
    expected = laplacian.laplacian(images[0][1])
    np.testing.assert_array_equal(batch["laplacian"][0, ..., 0], expected)


def test_training_crops_are_windows_of_their_images(tmp_path):
    """Without scaling, each batch entry is a window of its image, mirrored or not."""
    images = {name: (image, mask) for name, image, mask in images_of(*[(12, 16)] * 3)}
    spec = tiny_dataset.write(tmp_path, [(name, *value) for name, value in images.items()])
    places = set()
    for batch in read(training(spec, seed=1), num_batches=30):
        for row, name in enumerate(batch["image_name"]):
            image, mask = images[name.decode()]
            channel = laplacian.laplacian(image)
            place = find_window(batch["image"][row], image)
            assert place is not None
            is_flipped, top, left = place
            window = np.s_[top : top + 9, left : left + 11]
            for key, source in (("label", mask), ("laplacian", channel)):
                expected = source[window][:, ::-1] if is_flipped else source[window]
                np.testing.assert_array_equal(batch[key][row, ..., 0], expected)
            places.add(place)
    assert len(places) > 30


def find_window(crop, image):
    """Returns (is_flipped, top, left) of a 9x11 crop in a 12x16 image, or None."""
    for is_flipped in (False, True):
        candidate = crop[:, ::-1] if is_flipped else crop
        for top in range(4):
            for left in range(6):
                if np.array_equal(candidate, image[top : top + 9, left : left + 11]):
                    return is_flipped, top, left
    return None


def test_small_training_images_are_padded_and_say_so(tmp_path):
    spec = tiny_dataset.write(tmp_path, images_of((5, 20)))
    (batch,) = read(training(spec, seed=0), num_batches=1)
    assert batch["height"].tolist() == [5, 5]
    assert batch["width"].tolist() == [11, 11]
    assert (batch["label"][:, 5:] == 255).all()
    assert (batch["image"][:, 5:] == 127.5).all()
    assert (batch["laplacian"][:, 5:] == 0).all()


def test_training_shuffles_whole_epochs_without_end(tmp_path):
    spec = tiny_dataset.write(tmp_path, images_of(*[(5, 5)] * 7), num_shards=3)
    order = names(read(training(spec, batch_size=7), num_batches=4))
    epochs = [order[start : start + 7] for start in range(0, 28, 7)]
    assert all(sorted(epoch) == sorted(epochs[0]) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) > 1


def test_a_batch_larger_than_the_dataset_repeats_it(tmp_path):
    spec = tiny_dataset.write(tmp_path, images_of((5, 5), (6, 6)))
    (batch,) = read(training(spec, batch_size=5), num_batches=1)
    assert len(batch["image_name"]) == 5


def test_a_seed_decides_order_and_augmentation(tmp_path):
    spec = tiny_dataset.write(tmp_path, images_of(*[(20, 30)] * 6), num_shards=3)
    options = InputOptions(crop_size=(9, 11))

    def batches(seed):
        tf.reset_default_graph()
        return read(training(spec, options, seed=seed), num_batches=8)

    first, again, other = batches(3), batches(3), batches(4)
    for one, two in zip(first, again, strict=True):
        for key, value in one.items():
            np.testing.assert_array_equal(value, two[key])
    assert any((one["image"] != two["image"]).any() for one, two in zip(first, other, strict=True))
    assert any(
        (one["image"] != two["image"]).any()
        for one, two in zip(batches(None), batches(None), strict=True)
    )


def test_crops_of_the_same_image_differ_over_epochs(tmp_path):
    spec = tiny_dataset.write(tmp_path, images_of((40, 40)))
    batches = read(training(spec, batch_size=1, seed=0), num_batches=6)
    assert len({batch["image"].tobytes() for batch in batches}) == 6


def test_every_id_is_valid_with_256_classes(tmp_path):
    image, _ = tiny_dataset.random_image(0, 16, 16)
    mask = np.arange(256, dtype=np.uint8).reshape(16, 16)
    spec = tiny_dataset.write(tmp_path, [("all ids", image, mask)])
    palette = tuple((index,) * 3 for index in range(256))
    spec = dataclasses.replace(spec, class_names=tuple(map(str, range(256))), palette=palette)
    (batch,) = read(evaluation(spec, InputOptions(crop_size=(16, 16)), batch_size=1))
    np.testing.assert_array_equal(batch["label"][0, ..., 0], mask)


def test_missing_splits_shards_and_records_are_refused(tmp_path):
    spec = tiny_dataset.write(tmp_path, images_of((9, 9)), num_shards=2)
    with pytest.raises(ValueError, match="has no split 'val'; it has train"):
        input_pipeline.training_batches(
            spec, "val", PLAIN, batch_size=1, mean_pixel=MEAN_PIXEL, with_laplacian=False
        )
    for path in spec.shard_paths("train"):
        open(path, "w").close()
    for make in (training, evaluation):
        with pytest.raises(ValueError, match=r"'train' of dataset 'tiny' .* holds no images"):
            make(spec)
    (tmp_path / "train-00001-of-00002.tfrecord").unlink()
    with pytest.raises(ValueError, match=r"train-00001-of-00002\.tfrecord is missing"):
        training(spec)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"crop_size": (0, 5)}, "crop size is"),
        ({"crop_size": (5,)}, "crop size is"),
        ({"crop_size": (5, 5), "max_resize_value": 7}, "min_resize_value is not given"),
        ({"crop_size": (5, 5), "min_scale_factor": 3.0}, "min_scale_factor is 3.0"),
    ],
)
def test_impossible_input_options_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        InputOptions(**arguments)


def test_impossible_batches_are_refused(tmp_path):
    spec = tiny_dataset.write(tmp_path, images_of((9, 9)))
    with pytest.raises(ValueError, match="training needs a crop size"):
        training(spec, InputOptions(crop_size=None))
    with pytest.raises(ValueError, match="batch size is 0"):
        training(spec, batch_size=0)
    with pytest.raises(ValueError, match="batch size is 0"):
        evaluation(spec, batch_size=0)


@pytest.mark.parametrize(
    ("side", "megabytes", "num_calls", "num_prefetched"),
    [
        (500, 4096, tf.data.AUTOTUNE, 2),
        (12_000, 4096, 1, 1),  # 4.6 GB in the making, 2.9 GB in a batch.
        (12_000, 2048, 1, 0),
        (4000, 2048, 4, 2),
    ],
)
def test_huge_images_are_decoded_few_at_once(
    tmp_path, monkeypatch, side, megabytes, num_calls, num_prefetched
):
    monkeypatch.setattr(input_pipeline.os, "cpu_count", lambda: 16)
    spec = tiny_dataset.write(tmp_path, images_of((5, 5)))
    split = dataclasses.replace(spec.split("train"), max_height=side, max_width=side)
    spec = dataclasses.replace(spec, splits={"train": split})
    options = InputOptions(crop_size=None, input_memory_mb=megabytes)
    assert input_pipeline._num_parallel_calls(spec, "train", options) == num_calls
    assert input_pipeline._num_prefetched(spec, "train", options, 1) == num_prefetched
    with pytest.raises(ValueError, match="input_memory_mb is 0; expected 1 or more"):
        InputOptions(crop_size=None, input_memory_mb=0)
