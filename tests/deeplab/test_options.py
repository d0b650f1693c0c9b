"""Options refuse what no network, input or training can be, and say what is allowed."""

import re

import pytest

from deeplab.options import InputOptions, ModelOptions, ObjectiveOptions

NETWORKS = {
    "output_stride is 12; expected 8, 16 or 32": {"output_stride": 12},
    "aspp_convs_filters is 0; expected at least 1": {"aspp_convs_filters": 0},
    "num_classes is 1; expected at least 2": {"num_classes": 1},
    "decoder_filters is 65537; expected at most 65536": {"decoder_filters": 65537},
    "merge_method is 'sum'; expected 'max' or 'avg'": {"merge_method": "sum"},
    "image_pyramid is (1.0, 0.0); expected scales above 0": {"image_pyramid": (1.0, 0.0)},
    "atrous_rates are (6, 0); expected 1 or more each": {"atrous_rates": (6, 0)},
    "image_pooling_stride is (1,); expected height,width": {"image_pooling_stride": (1,)},
    "divisible_by is 0; expected 1 or more": {
        "model_variant": "mobilenet_v2",
        "divisible_by": 0,
    },
    "depth_multiplier is 0.5, but xception_65 has no such option": {"depth_multiplier": 0.5},
    "multi_grid is (1, 2), but mobilenet_v2 has no such rates": {
        "model_variant": "mobilenet_v2",
        "multi_grid": (1, 2),
    },
    "multi_grid is (1, 2); xception_65 takes 3 rates": {"multi_grid": (1, 2)},
    "needs aspp_with_concat_projection": {
        "atrous_rates": (6,),
        "aspp_with_squeeze_and_excitation": True,
        "aspp_with_concat_projection": False,
    },
    "--noadd_image_level_feature leaves out": {
        "aspp_with_squeeze_and_excitation": True,
        "add_image_level_feature": False,
    },
    "image_se_uses_qsigmoid belongs to": {"image_se_uses_qsigmoid": True},
    "decoder_output_stride is 16; expected at most output_stride 8": {
        "output_stride": 8,
        "decoder_output_stride": (16,),
    },
    "decoder_output_stride is 32, but xception_65 has feature maps at": {
        "decoder_output_stride": (32,)
    },
    "decoder_output_stride is (4, 8); expected coarse to fine": {"decoder_output_stride": (4, 8)},
    "decoder_use_gradient needs a decoder": {"decoder_use_gradient": True},
    "decoder_use_sum_merge has no place for": {
        "decoder_output_stride": (4,),
        "decoder_use_gradient": True,
        "decoder_use_sum_merge": True,
    },
    "decoder_filters is 256, but with decoder_output_is_logits": {
        "decoder_output_stride": (4,),
        "decoder_output_is_logits": True,
    },
    "logits_kernel_size is 3; ": {"logits_kernel_size": 3},
    "logits_kernel_size is 3; without atrous_rates": {
        "logits_kernel_size": 3,
        "aspp_with_batch_norm": False,
    },
}


@pytest.mark.parametrize("message", NETWORKS)
def test_a_network_that_cannot_be_is_refused(message):
    options = ModelOptions(**{"num_classes": 5, **NETWORKS[message]})
    with pytest.raises(ValueError, match=re.escape(message)):
        options.validate()


def test_the_defaults_and_the_heads_of_research_deeplab_are_networks():
    ModelOptions(num_classes=21).validate()
    ModelOptions(num_classes=21, atrous_rates=(6, 12, 18), decoder_output_stride=(4,)).validate()
    ModelOptions(
        num_classes=21, atrous_rates=(6,), aspp_with_batch_norm=False, logits_kernel_size=3
    ).validate()


INPUTS = {
    "crop size is (513,); expected height,width": {"crop_size": (513,)},
    "crop size is (0, 9); expected height,width": {"crop_size": (0, 9)},
    "input_memory_mb is 0; expected 1 or more": {"input_memory_mb": 0},
    "expected 0 < min_scale_factor <= max_scale_factor": {"min_scale_factor": 3.0},
    "scale_factor_step_size is -1": {"scale_factor_step_size": -1},
    "min_resize_value is 0; expected a positive number": {"min_resize_value": 0},
    "max_resize_value and resize_factor need it": {"max_resize_value": 9},
    "nokeep_aspect_ratio needs it": {"keep_aspect_ratio": False},
    "max_resize_value 8 is less than min_resize_value 9": {
        "min_resize_value": 9,
        "max_resize_value": 8,
    },
}


@pytest.mark.parametrize("message", INPUTS)
def test_an_input_that_cannot_be_is_refused(message):
    with pytest.raises(ValueError, match=re.escape(message)):
        InputOptions(**{"crop_size": (33, 33), **INPUTS[message]})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weight_decay": -1.0}, "weight_decay is -1.0; expected 0 or more"),
        ({"batch_norm_decay": 1.0}, "batch_norm_decay is 1.0; expected 0 to less than 1"),
        (
            {"sync_batch_norm": True, "fine_tune_batch_norm": False},
            "sync_batch_norm is set, but batch norm is frozen",
        ),
        ({"losses": ("dise",)}, "losses has 'dise'; expected one of cross_entropy, focal, bound"),
        ({"losses": ()}, "losses is ''; expected one or more losses, each of them once"),
        ({"losses": ("dice", "dice:2")}, "losses is 'dice,dice:2'; expected one or more losses"),
        ({"losses": ("dice:",)}, "losses has 'dice:'; expected a weight above 0 after the colon"),
        ({"losses": ("dice:-1",)}, "losses has 'dice:-1'; expected a weight above 0"),
        ({"losses": ("focal:inf",)}, "losses has 'focal:inf'; expected a weight above 0"),
        (
            {"losses": ("dice", "lovasz_softmax"), "top_k_percent_pixels": 0.25},
            "top_k_percent_pixels is 0.25, but dice and lovasz_softmax are not losses of single",
        ),
        ({"losses": ("focal",), "focal_gamma": -1.0}, "focal_gamma is -1.0; expected 0 or more"),
        ({"focal_gamma": 3.0}, "focal_gamma is 3.0, but losses is cross_entropy; omit the flag"),
        (
            {"losses": ("boundary_cross_entropy",), "boundary_distance": 0},
            "boundary_distance is 0; expected 1..64 pixels",
        ),
        ({"boundary_weight": 2.0}, "or add boundary_cross_entropy to --losses"),
        ({"region_losses_per_image": True}, "or add dice or lovasz_softmax to --losses"),
    ],
)
def test_an_objective_that_cannot_be_is_refused(changes, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        ObjectiveOptions(**changes)


def test_losses_have_a_weight_of_1_unless_they_name_one():
    objective = ObjectiveOptions(losses=("cross_entropy", "dice:0.5", " lovasz_softmax:2 "))
    expected = {"cross_entropy": 1.0, "dice": 0.5, "lovasz_softmax": 2.0}
    assert objective.weights_of_losses() == expected
    assert list(objective.weights_of_losses()) == list(expected)
    assert ObjectiveOptions().weights_of_losses() == {"cross_entropy": 1.0}


def test_an_augmentation_sets_strengths_that_single_flags_change():
    assert not any(InputOptions(crop_size=(9, 9)).strengths().values())
    light = InputOptions(crop_size=(9, 9), augmentation="light", random_hue=0.0, random_rotation=5)
    assert light.strengths()["brightness"] == 0.2
    assert light.strengths()["hue"] == 0.0
    assert light.strengths()["rotation"] == 5.0
    assert light.strengths()["blur"] == 0.0
    assert all(InputOptions(crop_size=(9, 9), augmentation="strong").strengths().values())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"augmentation": "wild"}, "augmentation is 'wild'; expected none, light, strong"),
        ({"random_hue": 0.6}, "random_hue is 0.6; expected 0..0.5"),
        ({"random_brightness": -0.1}, "random_brightness is -0.1; expected 0..0.9"),
        ({"random_jpeg": 100.0}, "random_jpeg is 100.0; expected 0..99"),
        ({"random_rotation": float("nan")}, "random_rotation is nan; expected 0..180"),
    ],
)
def test_an_augmentation_that_cannot_be_is_refused(changes, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        InputOptions(crop_size=(9, 9), **changes)
