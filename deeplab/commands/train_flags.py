"""The command train.py: its words and its flags."""

import dataclasses

from commands import help_pages, unknown_flags
from commands.command import Command
from commands.flags import Flags
from commands.shared_options import ClusterOptions
from common.option_fields import DATA, SCHEDULE, START, change, changed, option, refused
from deeplab.commands.shared_options import DatasetOptions, RefusedOptions, explain_classes
from deeplab.options import InputOptions, ModelOptions, ObjectiveOptions
from deployment.config import DeploymentConfig
from training.options import OptimizerOptions, TrainOptions


@dataclasses.dataclass(frozen=True)
class TrainingDataOptions:
    """What of a dataset is trained on."""

    train_split: str = option("train", "Split to train on.", DATA, aliases=("split",))
    train_crop_size: tuple[int, int] = option(
        (513, 513),
        "height,width of the training crops in pixels, each a multiple of output_stride plus one.",
        DATA,
        is_common=True,
        aliases=("crop_size", "crop", "image_size", "input_size", "size", "img_size"),
    )


@dataclasses.dataclass(frozen=True)
class RecipeOptions:
    """Where the flags come from that are not given."""

    recipe: str | None = option(
        None,
        "Where flags come from that are not given: auto chooses network, crops, batch, rate, steps "
        "and more to suit the data, the machine and the time; research_deeplab has that program's "
        "defaults, in parentheses here; others are files in recipes/.",
        SCHEDULE,
        is_common=True,
        computed_default="auto; research_deeplab where several processes train together",
        aliases=("config", "preset", "cfg"),
    )


SegmentationTrainOptions = changed(
    TrainOptions,
    hours=change(
        None,
        help="Hours that training is to take, for which auto chooses the number of steps; a longer "
        "run is warned of.",
        computed_default="1 with auto",
    ),
)


@dataclasses.dataclass(frozen=True)
class LastLayerOptions:
    """What `tf_initial_checkpoint` sets, and which layers learn at a rate of their own."""

    initialize_last_layer: bool = option(
        True, "Whether tf_initial_checkpoint also sets the layers after the encoder.", START
    )
    last_layers_contain_logits_only: bool = option(
        False,
        "Whether only the logits count as last layers, for initialize_last_layer and "
        "last_layer_gradient_multiplier.",
        START,
    )


@dataclasses.dataclass(frozen=True)
class RefusedTrainingOptions:
    """Flags of research/deeplab's train.py for what does not exist here."""

    drop_path_keep_prob: float = refused(
        1.0,
        "only networks found by neural architecture search have paths to drop; omit the flag",
    )
    profile_logdir: str | None = refused(
        None,
        "the profiler behind it (tf.contrib.tfprof) is gone from TensorFlow; --profile_steps "
        "writes a trace into train_logdir instead",
    )


_OPTIONS = (
    DatasetOptions,
    RecipeOptions,
    TrainingDataOptions,
    InputOptions,
    ModelOptions,
    LastLayerOptions,
    SegmentationTrainOptions,
    OptimizerOptions,
    ObjectiveOptions,
    DeploymentConfig,
    ClusterOptions,
    RefusedOptions,
    RefusedTrainingOptions,
)
# What the recipe auto chooses (`deeplab.recipe.choice`).
CHOSEN = (
    *("model_variant", "depth_multiplier", "output_stride", "atrous_rates"),
    *("decoder_output_stride", "train_crop_size", "min_resize_value", "max_resize_value"),
    *("min_scale_factor", "train_batch_size", "base_learning_rate"),
    *("num_clones", "mixed_precision", "sync_batch_norm"),
    *("losses", "label_weights", "training_number_of_steps", "batch_norm_decay", "ema_decay"),
    *("validate_every", "patience"),
)


def _chosen_defaults() -> dict[str, str]:
    """Words the defaults of flags that are chosen where they are not given."""
    defaults = {}
    for name, definition in Flags(_OPTIONS).definitions.items():
        if name in CHOSEN:
            otherwise = help_pages.shown_default(definition) or "none"
            defaults[name] = f"chosen ({otherwise})"
    return defaults


def _explain_unknown(name: str, value: str, flags: Flags) -> str | None:
    return unknown_flags.explain_epochs(name, value, flags) or explain_classes(name)


COMMAND = Command(
    description="""\
Trains DeepLabV3+ on TFRecords: python train.py --num_clones 4

It trains on the dataset that was built last, and chooses what an expert would for flags that are
not given (--recipe=auto), from published weights or --tf_initial_checkpoint, for --hours. Where a
default is "chosen (16)", --recipe=research_deeplab has the 16 of research/deeplab's train.py, whose
names the flags have; docs/flags.md lists what differs.""",
    main="deeplab.commands.train",
    options=_OPTIONS,
    computed_defaults=_chosen_defaults(),
    keeps_memory=True,
    explain_unknown=_explain_unknown,
)
