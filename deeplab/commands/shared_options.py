"""Options that several commands of segmentation share, and flags of research/deeplab's scripts."""

import dataclasses

from commands import shared_options, unknown_flags
from commands.shared_options import CheckpointOptions, WeightsOptions
from common.option_fields import COMPATIBILITY, NETWORK, change, changed, option, refused
from deeplab.options import MemoryOptions, ModelOptions, ResizeOptions

# The keys of `specs.PUBLISHED_DATASETS`, whose module imports TensorFlow.
PUBLISHED_DATASETS = ("ade20k", "cityscapes", "pascal_voc_seg")

_NO_NAS = (
    "the networks found by neural architecture search (nas_pnasnet, nas_hnasnet) are not part of "
    "this project; omit the flag"
)


def explain_classes(name: str) -> str | None:
    """Explains flags such as `--num_classes`, which a command that reads a dataset lacks."""
    return unknown_flags.explain_classes(
        name, "classes.json beside the images names them; see docs/datasets.md"
    )


DatasetOptions = changed(
    shared_options.DatasetOptions,
    dataset=change(
        None,
        help="Name of the dataset. For records made by research/deeplab's converters: "
        "pascal_voc_seg, cityscapes or ade20k.",
    ),
)


@dataclasses.dataclass(frozen=True)
class InferenceOptions:
    """How a trained network looks at an image, in evaluation and export."""

    add_flipped_images: bool = option(
        False, "Whether the network also sees the mirror image; takes twice the time.", NETWORK
    )


@dataclasses.dataclass(frozen=True)
class RefusedOptions:
    """Flags of research/deeplab for what does not exist here; its scripts pass the defaults."""

    nas_stem_output_num_conv_filters: int = refused(20, _NO_NAS)
    nas_use_classification_head: bool = refused(False, _NO_NAS)
    nas_remove_os32_stride: bool = refused(False, _NO_NAS)
    quantize_delay_step: int = refused(
        -1,
        "training for 8 bits (tf.contrib.quantize) is gone from TensorFlow; train in float, and "
        "quantize the exported graph when you convert it",
    )


@dataclasses.dataclass(frozen=True)
class IgnoredTrainingOptions:
    """Flags of a training run that research/deeplab's other commands accept, too."""

    label_weights: tuple[float, ...] | None = option(
        None, "A training flag, accepted for compatibility and ignored.", COMPATIBILITY
    )
    batch_norm_decay: float | None = option(
        None, "A training flag, accepted for compatibility and ignored.", COMPATIBILITY
    )


@dataclasses.dataclass(frozen=True)
class EvaluationOptions:
    """How eval.py and vis.py run checkpoints."""

    eval_scales: tuple[float, ...] = option(
        (1.0,),
        "Scales at which the network sees each image; their probabilities are averaged. Each takes "
        "its own time.",
        NETWORK,
        is_common=True,
        aliases=("scales",),
    )
    master: str = refused("", "scoring and drawing run in this process; omit the flag")


# Of eval.py and vis.py, besides each command's own.
DATASET_OF_EVALUATION = {
    "dataset_dir": (
        "data/tfrecords/NAME, with the name of --dataset or of the dataset that was trained on; "
        "otherwise the dataset built last"
    )
}
ALL_OF_EVALUATION = (
    DatasetOptions,
    CheckpointOptions,
    WeightsOptions,
    EvaluationOptions,
    InferenceOptions,
    ResizeOptions,
    MemoryOptions,
    ModelOptions,
    IgnoredTrainingOptions,
    RefusedOptions,
)
