"""The command train.py of classification: its words and its flags."""

import dataclasses
from collections.abc import Collection
from typing import Any

from classification.commands.shared_options import DatasetOptions, explain_classes
from classification.options import (
    AugmentationOptions,
    ModelOptions,
    ObjectiveOptions,
    ViewOptions,
)
from commands import unknown_flags
from commands.command import Command
from commands.flags import Flags
from commands.shared_options import ClusterOptions
from common.option_fields import (
    COMPATIBILITY,
    DATA,
    SCHEDULE,
    START,
    change,
    changed,
    option,
    refused,
)
from deployment import config
from training.options import OptimizerOptions, TrainOptions

# Epochs of a training run whose length is not given.
DEFAULT_EPOCHS = 30


@dataclasses.dataclass(frozen=True)
class TrainingDataOptions:
    """What of a dataset is trained on."""

    train_split: str = option(
        "train",
        "Split to train on.",
        DATA,
        synonyms=("dataset_split_name",),
        aliases=("split",),
    )


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
    train_logdir=change(dataclasses.MISSING, synonyms=("train_dir",)),
    training_number_of_steps=change(
        1,
        flag_default=None,
        computed_default=f"{DEFAULT_EPOCHS} epochs",
        synonyms=("max_number_of_steps",),
    ),
    train_batch_size=change(32, synonyms=("batch_size",)),
    initial_checkpoint=change(None, synonyms=("checkpoint_path",)),
    ema_decay=change(0.0, synonyms=("moving_average_decay",)),
    log_steps=change(10, synonyms=("log_every_n_steps",)),
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
        synonyms=("learning_rate",),
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

DeploymentConfig = changed(
    config.DeploymentConfig, num_replicas=change(1, synonyms=("worker_replicas",))
)


@dataclasses.dataclass(frozen=True)
class DecayTypeOptions:
    """research/slim's words for the schedule."""

    learning_rate_decay_type: str | None = option(
        None,
        "research/slim's words for learning_policy: fixed is the base learning rate throughout, "
        "polynomial a line (poly with learning_power 1) over decay_steps.",
        SCHEDULE,
        choices=("fixed", "exponential", "polynomial"),
    )

    def changes(self, given: Collection[str]) -> dict[str, Any]:
        """Returns the values of `OptimizerOptions` that it stands for.

        Args:
          given: names of the options that the command line gives.

        Raises:
          ValueError: learning_policy is among them, or another one that contradicts.
        """
        kind = self.learning_rate_decay_type
        if kind is None:
            return {}
        if "learning_policy" in given:
            raise ValueError(
                f"learning_rate_decay_type is {kind}, and learning_policy is given, too: omit "
                "either."
            )
        if kind == "exponential":
            return {"learning_policy": "exponential"}
        if kind == "fixed":  # slim's scripts give a factor with this type, too.
            return {"learning_policy": "step", "learning_rate_decay_factor": 1.0}
        if "learning_power" in given:
            return {"learning_policy": "poly"}
        return {"learning_policy": "poly", "learning_power": 1.0}


@dataclasses.dataclass(frozen=True)
class SlimTrainingOptions:
    """Flags of research/slim's train_image_classifier.py for what does not exist here."""

    ignore_missing_vars: bool = option(
        False, "Accepted and ignored: a warm start always takes what fits.", COMPATIBILITY
    )
    num_readers: int = option(
        4, "Accepted and ignored: the input pipeline chooses its threads.", COMPATIBILITY
    )
    num_preprocessing_threads: int = option(
        4, "Accepted and ignored: the input pipeline chooses its threads.", COMPATIBILITY
    )
    adam_beta1: float = refused(0.9, "Adam has its usual betas here; omit the flag")
    adam_beta2: float = refused(0.999, "Adam has its usual betas here; omit the flag")
    sync_replicas: bool = refused(
        False,
        "workers apply their gradients without waiting for each other; for one joint step use "
        "several GPUs of one machine (--num_clones)",
    )
    replicas_to_aggregate: int = refused(
        1, "workers apply their gradients without waiting for each other; omit the flag"
    )
    quantize_delay: int = refused(
        -1,
        "training for 8 bits (tf.contrib.quantize) is gone from TensorFlow; train in float, and "
        "quantize the export (export_model.py --quantize=int8)",
    )
    use_grayscale: bool = refused(False, "networks see colors; omit the flag")


def _explain_unknown(name: str, value: str, flags: Flags) -> str | None:
    if name == "num_epochs_per_decay":
        return (
            f"there is no flag --{name}; give --learning_rate_decay_step, which counts steps: an "
            "epoch is the number of images / train_batch_size steps, and 2 epochs are the default, "
            "as research/slim's."
        )
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
        DecayTypeOptions,
        ObjectiveOptions,
        DeploymentConfig,
        ClusterOptions,
        SlimTrainingOptions,
    ),
    keeps_memory=True,
    explain_unknown=_explain_unknown,
)
