"""The command train.py: its words and its flags."""

import dataclasses

from commands import unknown_flags
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
        "defaults; another name is that of a file in recipes/.",
        SCHEDULE,
        is_common=True,
        computed_default="auto; research_deeplab where several processes train together",
        aliases=("config", "preset", "cfg"),
    )


SegmentationTrainOptions = changed(
    TrainOptions,
    hours=change(
        None,
        help="Hours that the training run is to take. The recipe auto takes as many steps as there "
        "is time for; otherwise a longer one is warned of after its first steps.",
        computed_default="1 with the recipe auto",
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


def _explain_unknown(name: str, value: str, flags: Flags) -> str | None:
    return unknown_flags.explain_epochs(name, value, flags) or explain_classes(name)


COMMAND = Command(
    description="""\
Trains DeepLabV3+ on TFRecords: python train.py --num_clones 4

It trains on the dataset that was built last, and chooses what an expert would for flags that are
not given (--recipe=auto), from published weights or --tf_initial_checkpoint, for --hours. The
defaults below are those of research/deeplab's train.py, as its names are: --recipe=research_deeplab
has them; docs/flags.md lists what differs.""",
    main="deeplab.commands.train",
    options=(
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
    ),
    keeps_memory=True,
    explain_unknown=_explain_unknown,
)
