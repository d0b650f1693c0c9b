"""The command train.py: its words and its flags."""

import dataclasses
import glob
import os

from commands.command import Command
from commands.flags import Flags
from common import json_files
from common.option_fields import DATA, HARDWARE, START, option, refused
from deeplab.commands.shared_options import DatasetOptions, RefusedOptions, explain_classes
from deeplab.options import InputOptions, ModelOptions, ObjectiveOptions
from deployment.config import DeploymentConfig
from training.options import OptimizerOptions, TrainOptions

_EPOCHS = ("epochs", "num_epochs", "max_epochs", "n_epochs")


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
class ClusterOptions:
    """This worker's place in a cluster that runs already."""

    master: str = option(
        "",
        "Address (grpc://host:port) of this worker's TensorFlow server in a cluster that runs "
        "already. With the environment variable TF_CONFIG neither this nor task, num_replicas and "
        "num_ps_tasks are needed.",
        HARDWARE,
    )
    startup_delay_steps: int = option(
        15, "Steps of the chief that the other workers wait for.", HARDWARE
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
    """Explains `--epochs`: training is counted in steps."""
    if name not in _EPOCHS:
        return explain_classes(name)
    batch_size = flags.value("train_batch_size")
    steps = f"an epoch is the number of images / train_batch_size ({batch_size}) steps"
    found = _find_dataset(flags)
    if found is not None and batch_size > 0:
        dataset, num_images = found
        epoch = -(-num_images // batch_size)
        steps = (
            f"an epoch of dataset {dataset} ({num_images} images) is {epoch} "
            f"{'step' if epoch == 1 else 'steps'} of {batch_size} images"
        )
        if value.isdecimal() and int(value):
            epochs = "1 epoch is" if int(value) == 1 else f"{value} epochs are"
            steps += f", so {epochs} --training_number_of_steps={int(value) * epoch}"
    return (
        f"there is no flag --{name}; training is counted in steps (--training_number_of_steps): "
        f"{steps}."
    )


def _find_dataset(flags: Flags) -> tuple[str, int] | None:
    """Returns name and images of the dataset that would be used; None where it cannot be read."""
    built = os.path.join("data", "tfrecords", flags.value("dataset") or "*")
    found = glob.glob(os.path.join(flags.value("dataset_dir") or built, "dataset.json"))
    try:
        dataset = json_files.read_object(max(found, key=os.path.getmtime))
        num_images = dataset["splits"][flags.value("train_split")]["num_examples"]
        return dataset["name"], int(num_images)
    except (OSError, ValueError, KeyError, TypeError):
        return None


COMMAND = Command(
    description="""\
Trains DeepLabV3+ on TFRecords: python train.py --num_clones 4

Without flags it trains on the dataset that was built last. Names and defaults of flags are those of
research/deeplab's train.py; docs/flags.md lists what differs.""",
    main="deeplab.commands.train",
    options=(
        DatasetOptions,
        TrainingDataOptions,
        InputOptions,
        ModelOptions,
        LastLayerOptions,
        TrainOptions,
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
