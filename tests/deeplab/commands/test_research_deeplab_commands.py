"""The commands of research/deeplab's guides parse here, and mean the network that they mean there.

Guides of 2018 repeat list flags, those of 2019 separate by commas; both are here.
"""

import dataclasses

import pytest

from deeplab.commands import checkpoint_run, export_model, network_flags
from deeplab.commands.export_model_flags import ExportOptions
from deeplab.options import InputOptions, ObjectiveOptions
from tests.support import command_calls, tiny_dataset
from training.options import OptimizerOptions, TrainOptions

VOC_NETWORK = [
    "--model_variant=xception_65",
    *("--atrous_rates=6", "--atrous_rates=12", "--atrous_rates=18"),
    "--output_stride=16",
    "--decoder_output_stride=4",
]
ADE_SIZES = ["--min_resize_value=513", "--max_resize_value=513", "--resize_factor=16"]
# Every flag of the scripts of December 2019 that says how a network is built, with its default.
DEFAULTS_OF_2019 = [
    "--model_variant=mobilenet_v2",
    "--logits_kernel_size=1",
    "--add_image_level_feature=true",
    "--image_pooling_stride=1,1",
    "--aspp_with_batch_norm=true",
    "--aspp_with_separable_conv=true",
    "--depth_multiplier=1.0",
    "--decoder_use_separable_conv=true",
    "--merge_method=max",
    "--prediction_with_upsampled_logits=true",
    "--dense_prediction_cell_json=",
    "--nas_stem_output_num_conv_filters=20",
    "--nas_use_classification_head=false",
    "--nas_remove_os32_stride=false",
    "--use_bounded_activation=false",
    "--aspp_with_concat_projection=true",
    "--aspp_with_squeeze_and_excitation=false",
    "--aspp_convs_filters=256",
    "--decoder_use_sum_merge=false",
    "--decoder_filters=256",
    "--decoder_output_is_logits=false",
    "--image_se_uses_qsigmoid=false",
    "--batch_norm_decay=0.9997",
    "--keep_aspect_ratio=true",
    "--quantize_delay_step=-1",
]
XCEPTION = {
    "model_variant": "xception_65",
    "output_stride": 16,
    "atrous_rates": (6, 12, 18),
    "decoder_output_stride": (4,),
    "add_image_level_feature": True,
    "aspp_with_separable_conv": True,
    "decoder_use_gradient": False,
}
MOBILENET = {"model_variant": "mobilenet_v2", "atrous_rates": None, "decoder_output_stride": ()}

TRAIN = {
    "voc 2018": (
        [
            "--logtostderr",
            "--train_split=train",
            *VOC_NETWORK,
            *("--train_crop_size=513", "--train_crop_size=513"),
            "--train_batch_size=4",
            "--training_number_of_steps=10",
            "--fine_tune_batch_norm=true",
            "--dataset=pascal_voc_seg",
            "--tf_initial_checkpoint=xception/model.ckpt",
            "--train_logdir=exp/train",
            "--dataset_dir=pascal_voc_seg/tfrecord",
        ],
        {
            **XCEPTION,
            "crop_size": (513, 513),
            "train_batch_size": 4,
            "training_number_of_steps": 10,
            "fine_tune_batch_norm": True,
            "initial_checkpoint": "xception/model.ckpt",
            "base_learning_rate": 1e-4,
            "learning_power": 0.9,
            "momentum": 0.9,
            "weight_decay": 4e-5,
            "min_scale_factor": 0.5,
            "max_scale_factor": 2.0,
            "scale_factor_step_size": 0.25,
        },
    ),
    "cityscapes 2019": (
        [
            "--logtostderr",
            "--training_number_of_steps=90000",
            "--train_split=train_fine",
            "--model_variant=xception_71",
            "--atrous_rates=6,12,18",
            "--output_stride=16",
            "--decoder_output_stride=4",
            "--train_crop_size=769,769",
            "--train_batch_size=1",
            "--dataset=cityscapes",
        ],
        {**XCEPTION, "model_variant": "xception_71", "crop_size": (769, 769)},
    ),
    "ade20k": (
        [
            "--train_split=train",
            *VOC_NETWORK,
            "--train_crop_size=513,513",
            *ADE_SIZES,
            "--dataset=ade20k",
        ],
        {**XCEPTION, "min_resize_value": 513, "max_resize_value": 513, "resize_factor": 16},
    ),
    "all defaults of 2019": (
        [
            *DEFAULTS_OF_2019,
            "--drop_path_keep_prob=1.0",
            "--upsample_logits=true",
            "--hard_example_mining_step=0",
            "--top_k_percent_pixels=1.0",
            "--initialize_last_layer=true",
            "--last_layers_contain_logits_only=false",
            "--last_layer_gradient_multiplier=1.0",
            "--learning_policy=poly",
            "--optimizer=momentum",
            "--adam_learning_rate=0.001",
            "--adam_epsilon=1e-08",
            "--slow_start_step=0",
            "--slow_start_learning_rate=1e-4",
            "--decay_steps=0",
            "--end_learning_rate=0.0",
            "--learning_rate_decay_factor=0.1",
            "--learning_rate_decay_step=2000",
            "--save_summaries_images=false",
            "--save_interval_secs=1200",
            "--save_summaries_secs=600",
            "--log_steps=10",
            *("--num_clones=1", "--clone_on_cpu=false", "--num_replicas=1"),
            *("--startup_delay_steps=15", "--num_ps_tasks=0", "--task=0", "--master="),
        ],
        {**MOBILENET, "crop_size": (513, 513), "image_pooling_stride": (1, 1)},
    ),
    "mobilenet v3": (
        [
            "--model_variant=mobilenet_v3_large_seg",
            "--image_pooling_crop_size=769,769",
            "--image_pooling_stride=4,5",
            "--add_image_level_feature=1",
            "--aspp_convs_filters=128",
            "--aspp_with_concat_projection=0",
            "--aspp_with_squeeze_and_excitation=1",
            "--decoder_use_sum_merge=1",
            "--decoder_filters=19",
            "--decoder_output_is_logits=1",
            "--image_se_uses_qsigmoid=1",
            "--decoder_output_stride=8",
            "--output_stride=32",
            "--dataset=cityscapes",
            "--train_crop_size=769,769",
        ],
        {
            "model_variant": "mobilenet_v3_large_seg",
            "image_pooling_crop_size": (769, 769),
            "image_pooling_stride": (4, 5),
            "aspp_with_squeeze_and_excitation": True,
            "decoder_output_is_logits": True,
            "decoder_filters": 19,
            "atrous_rates": None,
        },
    ),
}
EVALUATE = {
    "voc 2018": (
        [
            "--logtostderr",
            *VOC_NETWORK,
            *("--{0}_crop_size=513", "--{0}_crop_size=513"),
            "--dataset=pascal_voc_seg",
            "--checkpoint_dir=train",
            "--{0}_logdir=logs",
        ],
        {**XCEPTION, "crop_size": (513, 513)},
    ),
    "ade20k sizes, os 8": (
        [
            "--model_variant=xception_65",
            "--atrous_rates=12,24,36",
            "--output_stride=8",
            "--decoder_output_stride=4",
            "--{0}_crop_size=513,513",
            *ADE_SIZES,
            "--eval_scales=0.5,1.0,1.75",
            "--add_flipped_images=true",
            "--dataset=pascal_voc_seg",
            "--checkpoint_dir=train",
        ],
        {**XCEPTION, "output_stride": 8, "atrous_rates": (12, 24, 36), "resize_factor": 16},
    ),
    "all defaults of 2019": (
        [
            *DEFAULTS_OF_2019,
            "--{0}_batch_size=1",
            "--{0}_crop_size=513,513",
            "--eval_interval_secs=300",
            "--eval_scales=1.0",
            "--{0}_split=val",
            "--dataset=pascal_voc_seg",
            "--master=",
            "--checkpoint_dir=train",
        ],
        {**MOBILENET, "crop_size": (513, 513)},
    ),
}
EXPORT = {
    "voc 2018": (
        [
            "--logtostderr",
            "--export_path=exp/export/frozen_inference_graph.pb",
            *VOC_NETWORK,
            "--num_classes=21",
            *("--crop_size=513", "--crop_size=513"),
            "--inference_scales=1.0",
        ],
        {**XCEPTION, "num_classes": 21, "crop_size": (513, 513)},
    ),
    "all defaults of 2019": (
        [
            *DEFAULTS_OF_2019,
            "--export_path=graph.pb",
            "--num_classes=21",
            *("--crop_size=513", "--crop_size=513"),
            "--inference_scales=1.0",
            "--save_inference_graph=false",
        ],
        # 8: the scripts of training and evaluation have 16.
        {**MOBILENET, "output_stride": 8, "crop_size": (513, 513)},
    ),
}


def train_options(arguments: list[str]) -> dict:
    flags = command_calls.flags("train", *arguments)
    parts = [
        network_flags.model_options(flags, 19, has_gradient=False),
        flags.options(InputOptions, crop_size=flags.value("train_crop_size")),
        flags.options(ObjectiveOptions),
        flags.options(OptimizerOptions),
        flags.options(TrainOptions, exclude_scopes=(), last_layer_scopes=()),
    ]
    return {name: value for part in parts for name, value in dataclasses.asdict(part).items()}


def evaluation_options(script: str, arguments: list[str]) -> dict:
    flags = command_calls.flags(script, *arguments)
    split, crop_size = flags.value(f"{script}_split"), flags.value(f"{script}_crop_size")
    _, network, inputs = checkpoint_run.resolve(flags, "train", split, crop_size)
    return {**dataclasses.asdict(network), **dataclasses.asdict(inputs)}


def export_options(arguments: list[str]) -> dict:
    flags = command_calls.flags("export_model", *arguments)
    options = flags.options(ExportOptions)
    description, _ = export_model.describe(flags, options, "train/model.ckpt-1")
    crop_size = export_model.choose_crop_size(options, description)
    return {**dataclasses.asdict(description.model), "crop_size": crop_size}


def check(found: dict, expected: dict) -> None:
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize("case", TRAIN)
def test_train(case):
    arguments, expected = TRAIN[case]
    check(train_options(arguments), expected)


@pytest.mark.parametrize("script", ["eval", "vis"])
@pytest.mark.parametrize("case", EVALUATE)
def test_eval_and_vis(tmp_path, script, case):
    """On records as research/deeplab's converter leaves them: without a description."""
    tiny_dataset.write(tmp_path, [("image", *tiny_dataset.random_image(0, 20, 30))], split="val")
    (tmp_path / "dataset.json").unlink()
    arguments, expected = EVALUATE[case]
    arguments = [argument.format(script) for argument in arguments]
    arguments.append(f"--dataset_dir={tmp_path}")
    check(evaluation_options(script, arguments), {**expected, "num_classes": 21})


@pytest.mark.parametrize("case", EXPORT)
def test_export(case):
    arguments, expected = EXPORT[case]
    check(export_options(arguments), expected)


def test_a_network_that_does_not_exist_here_is_refused_with_the_reason():
    for flag, message in (
        ("--model_variant=nas_hnasnet", "value should be one of"),
        ("--quantize_delay_step=0", "training for 8 bits"),
        ("--nas_use_classification_head", "architecture search"),
    ):
        with pytest.raises(Exception, match=message):
            train_options([flag])
