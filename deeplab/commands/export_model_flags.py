"""The command export_model.py: its words and its flags."""

import dataclasses

from commands.command import Command
from commands.shared_options import ExportedFileOptions, FormOptions, WeightsOptions
from common.option_fields import DATA, NETWORK, RESULTS, option
from deeplab.commands.network_flags import AS_TRAINED
from deeplab.commands.shared_options import (
    PUBLISHED_DATASETS,
    IgnoredTrainingOptions,
    InferenceOptions,
    RefusedOptions,
)
from deeplab.options import ModelOptions, ResizeOptions


@dataclasses.dataclass(frozen=True)
class ExportOptions(ExportedFileOptions):
    """What is exported, and how."""

    crop_size: tuple[int, int] | None = option(
        None,
        "height,width of the largest image that the graph takes, each a multiple of output_stride "
        "plus one. Every image is padded to it, so smaller is faster.",
        DATA,
        is_common=True,
        computed_default=(
            "as large as the images of the dataset in dataset_dir, or 513,513 where that is missing"
        ),
        aliases=("image_size", "input_size", "size"),
    )
    dataset_dir: str | None = option(
        None,
        "Folder of the records that crop_size is chosen for.",
        DATA,
        computed_default="the training run's dataset, where it still is",
    )
    num_classes: int | None = option(
        None,
        "Number of classes, background included.",
        NETWORK,
        is_common=True,
        computed_default="the checkpoint's",
        aliases=("classes", "n_classes", "num_labels"),
    )
    dataset: str | None = option(
        None,
        "Published dataset that gives names and colors to the classes of a checkpoint without "
        "options.json.",
        DATA,
        is_common=True,
        choices=PUBLISHED_DATASETS,
    )
    inference_scales: tuple[float, ...] = option(
        (1.0,),
        "Scales at which the network sees each image; their probabilities are averaged. Several, "
        "such as 0.75,1.0,1.25, are a little better, and each takes its own time.",
        NETWORK,
        is_common=True,
    )
    static_graph: bool = option(
        False,
        "Whether the graph has neither assertions nor operations whose output size depends on "
        "values, as TensorFlow.js's execute and some converters require: the same class ids, found "
        "a little slower.",
        RESULTS,
        is_common=True,
    )


COMMAND = Command(
    description="""\
Freezes a checkpoint into one .pb for inference: python export_model.py

Without flags it exports the best checkpoint of the newest training run if that has validated itself
(--validate_every), and otherwise the newest one (--checkpoint_path=latest), as it was trained. A
checkpoint of published weights is known by its name: --checkpoint_path=xception65_coco_voc_trainaug
(python -m scripts.weights list). Any other one without options.json beside it needs the flags of
its network:

    python export_model.py --checkpoint_path=deeplabv3_mnv2_pascal/model.ckpt-30000 \\
        --model_variant=mobilenet_v2 --num_classes=21 --dataset=pascal_voc_seg \\
        --export_path=exports/mnv2_pascal/frozen_inference_graph.pb""",
    main="deeplab.commands.export_model",
    options=(
        ExportOptions,
        FormOptions,
        InferenceOptions,
        WeightsOptions,
        ResizeOptions,
        ModelOptions,
        IgnoredTrainingOptions,
        RefusedOptions,
    ),
    computed_defaults=AS_TRAINED,
)
