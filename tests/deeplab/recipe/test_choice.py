"""recipe.choice: what is chosen for which data, machine and start."""

import dataclasses

import pytest

from deeplab.recipe import choice
from deeplab.recipe.data_facts import DataFacts
from deeplab.recipe.machine_facts import MachineFacts
from deeplab.recipe.start_facts import StartFacts

STREETS = DataFacts(367, 101, 360, 480, (0.5, 1.0, 3.0), ("pole",), ())
FEW = DataFacts(24, 6, 480, 640, (0.8, 1.2), (), ())
LAPTOP = MachineFacts(num_gpus=0, num_cores=2, free_memory_gb=20.0)
SERVER = MachineFacts(num_gpus=4, num_cores=64, free_memory_gb=200.0)
MOBILE = StartFacts("x/model.ckpt", "mobilenet_v2", 0.5)


def test_a_machine_decides_network_crop_and_batch():
    small = choice.choose(STREETS, LAPTOP, None).flags
    large = choice.choose(STREETS, SERVER, None).flags
    assert (small["model_variant"], large["model_variant"]) == ("xception_tiny", "xception_65")
    narrow = choice.choose(STREETS, LAPTOP, None, {"depth_multiplier": 0.5}).flags
    assert narrow["model_variant"] == "mobilenet_v2"
    assert (small["train_batch_size"], large["train_batch_size"]) == (8, 32)
    assert (small["train_crop_size"], large["train_crop_size"]) == ((257, 337), (369, 481))
    assert large["num_clones"] == 4
    assert large["base_learning_rate"] == 4 * small["base_learning_rate"]
    assert "num_clones" not in small
    assert "recompute_activations" not in small


def test_a_batch_is_divided_among_the_clones_that_are_given():
    assert choice.choose(STREETS, SERVER, None, {"num_clones": 2}).flags["train_batch_size"] == 16
    assert choice.choose(STREETS, LAPTOP, None, {"num_clones": 3}).flags["train_batch_size"] == 9


def test_little_memory_halves_the_batch():
    tight = MachineFacts(num_gpus=0, num_cores=2, free_memory_gb=3.0)
    flags = choice.choose(STREETS, tight, None).flags
    assert flags["train_batch_size"] == 4


def test_a_checkpoint_decides_the_encoder_and_lowers_the_rate():
    warm = choice.choose(STREETS, SERVER, MOBILE).flags
    assert (warm["model_variant"], warm["depth_multiplier"]) == ("mobilenet_v2", 0.5)
    assert (
        warm["base_learning_rate"]
        < choice.choose(STREETS, SERVER, None).flags["base_learning_rate"]
    )


@pytest.mark.parametrize(
    ("size", "crop", "resized"),
    [
        ((360, 480), (257, 337), None),
        ((120, 160), (129, 161), None),
        ((3000, 4000), (257, 337), (400, 533)),
        ((2160, 3840), (225, 385), (400, 711)),
        # A long image is not scaled down further because it is long, nor are its crops narrow.
        ((600, 3000), (161, 545), (400, 2000)),
        ((3000, 100), (673, 129), (129, 3870)),
        # Small ones would be padding and a pixel or two to the encoder.
        ((20, 20), (129, 129), (129, 129)),
    ],
)
def test_crops_have_the_shape_of_the_images(size, crop, resized):
    data = DataFacts(100, 20, *size, (1.0, 1.0), (), ())
    flags = choice.choose(data, LAPTOP, MOBILE).flags
    assert flags["train_crop_size"] == crop
    limits = flags.get("min_resize_value"), flags.get("max_resize_value")
    assert limits == (resized or (None, None))


def test_longer_images_than_the_median_keep_their_size_too():
    data = DataFacts(100, 20, 3000, 4000, (1.0, 1.0), (), (), elongation=2.0)
    flags = choice.choose(data, LAPTOP, MOBILE).flags
    assert (flags["min_resize_value"], flags["max_resize_value"]) == (400, 800)


def test_many_cores_take_larger_crops():
    large = choice.choose(STREETS, dataclasses.replace(LAPTOP, num_cores=16), None).flags
    assert large["train_crop_size"] == (369, 481)


def test_thin_classes_have_a_finer_decoder_where_there_is_time_for_it():
    assert choice.choose(STREETS, SERVER, MOBILE).flags["decoder_output_stride"] == (4, 2)
    assert choice.choose(FEW, SERVER, MOBILE).flags["decoder_output_stride"] == (4,)
    assert choice.choose(STREETS, LAPTOP, MOBILE).flags["decoder_output_stride"] == (4,)


def test_label_weights_are_for_data_that_need_them():
    assert choice.choose(STREETS, LAPTOP, None).flags["label_weights"] == (0.5, 1.0, 3.0)
    assert "label_weights" not in choice.choose(FEW, LAPTOP, None).flags


def test_the_mean_iou_is_trained_on():
    assert choice.choose(FEW, LAPTOP, None).flags["losses"] == ("cross_entropy", "lovasz_softmax")


def test_there_are_as_many_steps_as_there_is_time_for_and_no_more_than_help():
    recipe = choice.choose(STREETS, LAPTOP, MOBILE)
    hour = choice.with_steps(recipe, STREETS, 1.0, step_secs=0.8, validation_secs=20.0)
    assert hour.flags["training_number_of_steps"] == (3600 - 60 - 200) / 0.8
    assert (hour.flags["batch_norm_decay"], hour.flags["ema_decay"]) == (0.95, 0.9952)
    assert (hour.flags["validate_every"], hour.flags["patience"]) == (418, 7)
    assert "what 1 h allows at 0.8 s a step" in hour.parts[-3][1]
    days = choice.with_steps(recipe, STREETS, 1000.0, step_secs=0.8, validation_secs=20.0)
    assert days.flags["training_number_of_steps"] == 300 * 46
    few = choice.with_steps(
        choice.choose(FEW, LAPTOP, MOBILE), FEW, 100.0, step_secs=0.8, validation_secs=2.0
    )
    assert few.flags["training_number_of_steps"] == 1500
    nothing = choice.with_steps(recipe, STREETS, 0.001, step_secs=0.8, validation_secs=20.0)
    assert nothing.flags["training_number_of_steps"] == 1
    assert "patience" not in nothing.flags
    assert choice.warning(nothing, STREETS).startswith("too few steps to learn from (1), so")
    assert choice.warning(hour, STREETS) is None
    unseen = choice.with_decays(recipe, STREETS, 0, {"validate_every": 0})
    assert "patience" not in unseen.flags
    assert unseen.parts[-1][1] == "soon enough for so many steps"
    assert unseen.flags["ema_decay"] == 0
    alone = choice.with_decays(recipe, STREETS, 4000, {"ema_decay": 0.0})
    assert alone.flags["batch_norm_decay"] == 0.995
    short = choice.with_decays(recipe, STREETS, 250)
    assert short.flags["batch_norm_decay"] == short.flags["ema_decay"] == 0.92


def test_images_are_not_resized_again_where_their_size_is_given():
    large = DataFacts(100, 20, 3000, 4000, (1.0, 1.0), (), ())
    flags = choice.choose(large, LAPTOP, MOBILE, {"min_resize_value": 1000}).flags
    assert "min_resize_value" not in flags
    assert flags["train_crop_size"] == (257, 337)
    small = choice.choose(large, LAPTOP, MOBILE, {"min_resize_value": 120}).flags
    assert small["train_crop_size"] == (129, 161)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({}, "mobilenetv2_coco_voc_trainaug"),
        ({"model_variant": "xception_65"}, "xception65_coco_voc_trainaug"),
        (
            {"model_variant": "mobilenet_v2", "depth_multiplier": 0.5},
            "mobilenetv2_dm05_coco_voc_trainaug",
        ),
        ({"model_variant": "xception_41"}, "xception_41_imagenet"),
        ({"model_variant": "xception_tiny"}, None),
    ],
)
def test_weights_are_those_of_the_network_that_is_given(given, name):
    assert choice.published_weights(LAPTOP, given) == name


def test_without_a_split_val_nothing_is_validated():
    alone = DataFacts(100, 0, 360, 480, (1.0, 1.0), (), ())
    recipe = choice.choose(alone, LAPTOP, None)
    flags = choice.with_steps(recipe, alone, 1.0, step_secs=0.8, validation_secs=0.0).flags
    assert "validate_every" not in flags
    assert "patience" not in flags
