"""The command train.py of classification: its words and its flags."""

import dataclasses

from classification.commands.shared_options import explain_classes
from classification.options import (
    AugmentationOptions,
    ModelOptions,
    ObjectiveOptions,
    ViewOptions,
)
from commands import unknown_flags
from commands.command import Command
from commands.flags import Flags
from commands.shared_options import ClusterOptions, DatasetOptions
from common.option_fields import DATA, START, change, changed, option
from deployment.config import DeploymentConfig
from training.options import OptimizerOptions, TrainOptions

# Epochs of a training run whose length is not given.
DEFAULT_EPOCHS = 30


@dataclasses.dataclass(frozen=True)
class TrainingDataOptions:
    """What of a dataset is trained on."""

    train_split: str = option("train", "Split to train on.", DATA, aliases=("split",))


@dataclasses.dataclass(frozen=True)
class WarmStartOptions:
    """What `tf_initial_checkpoint` sets."""

    checkpoint_exclude_scopes: tuple[str, ...] = option(
        (),
        "Starts of the names of variables that tf_initial_checkpoint does not set. Logits of "
        "another number of classes start anew without it.",
        START,
    )


ClassifierTrainOptions = changed(
    TrainOptions,
    training_number_of_steps=change(
        1,
        flag_default=None,
        computed_default=f"{DEFAULT_EPOCHS} epochs",
    ),
    train_batch_size=change(32),
    validate_every=change(
        0, flag_default=None, computed_default="an epoch, if there is a split val"
    ),
)

ClassifierOptimizerOptions = changed(
    OptimizerOptions,
    learning_policy=change("cosine"),
    base_learning_rate=change(
        0.05,
        help="Learning rate at the start of the schedule. 0.05 suits training from scratch at "
        "batch size 32, 0.01 a warm start.",
    ),
    learning_rate_decay_factor=change(0.94),
    learning_rate_decay_step=change(
        1, flag_default=None, computed_default="2 epochs, as research/slim"
    ),
    slow_start_step=change(
        0, flag_default=None, computed_default="a twentieth of the training run"
    ),
    slow_start_learning_rate=change(0.0),
    slow_start_policy=change("linear"),
    nesterov=change(True),
    adam_learning_rate=change(
        None,
        help="Learning rate of Adam, constant: there is no schedule then.",
        computed_default="that of the schedule",
    ),
)


def _explain_unknown(name: str, value: str, flags: Flags) -> str | None:
    return unknown_flags.explain_epochs(name, value, flags) or explain_classes(name)


COMMAND = Command(
    description="""\
Trains a classifier on TFRecords: python train.py --task=classification --num_clones 4

Without flags it trains on the dataset that was built last, for 30 epochs, and scores a checkpoint
on the split val after each; the best one is kept in best/ in the folder of the training run. Names
of flags are research/deeplab's and research/slim's; docs/classification.md shows how to start.""",
    main="classification.commands.train",
    options=(
        DatasetOptions,
        TrainingDataOptions,
        ViewOptions,
        AugmentationOptions,
        ModelOptions,
        WarmStartOptions,
        ClassifierTrainOptions,
        ClassifierOptimizerOptions,
        ObjectiveOptions,
        DeploymentConfig,
        ClusterOptions,
    ),
    keeps_memory=True,
    explain_unknown=_explain_unknown,
)
