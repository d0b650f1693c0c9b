"""The command train.py of captioning: its words and its flags."""

import dataclasses

from captioning.commands.shared_options import PatternOptions
from captioning.options import AugmentationOptions, ModelOptions, ObjectiveOptions, ViewOptions
from commands import unknown_flags
from commands.command import Command
from commands.flags import Flags
from commands.shared_options import ClusterOptions, DatasetOptions
from common.option_fields import DATA, START, change, changed, option
from deployment import config
from training.options import OptimizerOptions, TrainOptions

# Epochs of a training run whose length is not given.
DEFAULT_EPOCHS = 20
# Rate of Adam where no schedule is asked for.
ADAM_LEARNING_RATE = 1e-3


@dataclasses.dataclass(frozen=True)
class TrainingDataOptions:
    """What of a dataset is trained on."""

    train_split: str = option("train", "Split to train on.", DATA, aliases=("split",))


@dataclasses.dataclass(frozen=True)
class WarmStartOptions:
    """What `tf_initial_checkpoint` sets."""

    checkpoint_exclude_scopes: tuple[str, ...] = option(
        (),
        "Starts of the names of variables that tf_initial_checkpoint does not set.",
        START,
    )


CaptioningTrainOptions = changed(
    TrainOptions,
    train_logdir=change(
        dataclasses.MISSING,
        synonyms=("train_dir",),
        computed_default="runs/<name of the dataset>, with _self_critical for that objective",
    ),
    training_number_of_steps=change(
        1,
        flag_default=None,
        computed_default=f"{DEFAULT_EPOCHS} epochs",
        synonyms=("number_of_steps",),
    ),
    train_batch_size=change(32, synonyms=("batch_size",)),
    initial_checkpoint=change(None, synonyms=("inception_checkpoint_file",)),
    clip_gradient_norm=change(5.0, synonyms=("clip_gradients",)),
    log_steps=change(10, synonyms=("log_every_n_steps",)),
    trainable_scopes=change((), computed_default="the decoder's; all with train_encoder"),
    validate_every=change(
        0, flag_default=None, computed_default="an epoch, if there is a split val"
    ),
)

CaptioningOptimizerOptions = changed(
    OptimizerOptions,
    optimizer=change(
        "adam",
        help="Optimizer. research/im2txt's is sgd with base_learning_rate 2, learning_policy "
        "step, factor 0.5 and 8 epochs between the falls.",
    ),
    learning_policy=change("cosine"),
    base_learning_rate=change(
        2.0,
        help="Learning rate at the start of the schedule. Adam has a schedule where this is given.",
        computed_default=f"Adam: none, constant {ADAM_LEARNING_RATE}; other optimizers: 2",
        synonyms=("initial_learning_rate",),
    ),
    learning_rate_decay_factor=change(0.5),
    learning_rate_decay_step=change(1, flag_default=None, computed_default="8 epochs, as im2txt"),
    adam_learning_rate=change(
        None,
        help="Learning rate of Adam, constant: there is no schedule then.",
        computed_default=f"{ADAM_LEARNING_RATE}, or 0.00005 with objective=self_critical; with "
        "base_learning_rate that of the schedule",
    ),
)


def _explain_unknown(name: str, value: str, flags: Flags) -> str | None:
    if name in ("vocab_file", "word_counts_file", "vocabulary"):
        return (
            f"there is no flag --{name}; the words are those of the dataset: give "
            "--word_counts_file to datasets.build_tfrecords."
        )
    return unknown_flags.explain_epochs(name, value, flags)


COMMAND = Command(
    description="""\
Trains a network that describes images on TFRecords: python train.py --task=captioning

Without flags it trains on the dataset that was built last, for 20 epochs, and scores a checkpoint
on the split val after each, by CIDEr; the best one is kept in best/ in the folder of the training
run. Give --tf_initial_checkpoint, the checkpoint of a classifier, for the encoder, which is not
trained unless --train_encoder says so. Names of flags are research/im2txt's where it has them;
docs/captioning.md shows how to start.""",
    main="captioning.commands.train",
    options=(
        DatasetOptions,
        PatternOptions,
        TrainingDataOptions,
        ViewOptions,
        AugmentationOptions,
        ModelOptions,
        WarmStartOptions,
        CaptioningTrainOptions,
        CaptioningOptimizerOptions,
        ObjectiveOptions,
        config.DeploymentConfig,
        ClusterOptions,
    ),
    keeps_memory=True,
    explain_unknown=_explain_unknown,
)
