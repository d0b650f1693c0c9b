"""Trains on TFRecords: train.py. `train_flags` has its words and flags."""

import dataclasses
import functools
import os

import tensorflow.compat.v1 as tf

from captioning import run_description
from captioning.commands.dataset_choice import read_dataset
from captioning.commands.train_flags import (
    DEFAULT_EPOCHS,
    CaptioningOptimizerOptions,
    CaptioningTrainOptions,
    TrainingDataOptions,
    WarmStartOptions,
)
from captioning.evaluation.validation import SPLIT
from captioning.network import network
from captioning.options import AugmentationOptions, ModelOptions, ObjectiveOptions, ViewOptions
from captioning.run_description import RunDescription
from captioning.task import CaptioningTask
from commands import epochs, training_command
from commands.flags import Flags
from commands.shared_options import ClusterOptions, DatasetOptions
from common.run_options import OPTIONS_FILE, RUNS_ROOT
from datasets.captioning.specs import CaptioningSpec
from datasets.records import shard_check
from deployment.config import DeploymentConfig
from training import checkpoints, loop

# research/im2txt, configuration.py: num_epochs_per_decay.
_EPOCHS_PER_DECAY = 8


def main(flags: Flags, arguments: list[str]) -> int:
    """Turns flags into options and trains, or serves variables to those who do."""
    del arguments
    tf.disable_v2_behavior()
    tf.logging.set_verbosity(tf.logging.ERROR)  # slim's lines repeat ours
    return training_command.train(flags, functools.partial(_train, flags))


def _train(flags: Flags, deployment: DeploymentConfig, master: str) -> int:
    data = flags.options(TrainingDataOptions)
    spec = read_dataset(flags.options(DatasetOptions))
    shard_check.complete_shards(spec, data.train_split)
    train_logdir = flags.value("train_logdir") or os.path.join(RUNS_ROOT, spec.name)
    description = _describe(flags, spec, train_logdir)
    split = spec.split(data.train_split)
    epoch = epochs.count_steps(
        split.num_examples, flags.value("train_batch_size") * deployment.num_replicas
    )
    num_steps = flags.value_or("training_number_of_steps", DEFAULT_EPOCHS * epoch)
    objective = flags.options(
        ObjectiveOptions,
        batch_norm_decay=flags.value_or(
            "batch_norm_decay", training_command.batch_norm_decay(num_steps)
        ),
        scheduled_sampling_steps=flags.value_or("scheduled_sampling_steps", num_steps),
    )
    scopes = network.decoder_scopes(description.model)
    options = flags.options(
        CaptioningTrainOptions,
        train_logdir=train_logdir,
        exclude_scopes=flags.options(WarmStartOptions).checkpoint_exclude_scopes,
        excludes_by_flag=True,
        last_layer_scopes=scopes,
        bias_gradient_multiplier=1.0,
        training_number_of_steps=num_steps,
        trainable_scopes=flags.value("trainable_scopes")
        or (() if objective.train_encoder else scopes),
        validate_every=flags.value_or("validate_every", epoch if SPLIT in spec.splits else 0),
    )
    optimizer_options = flags.options(
        CaptioningOptimizerOptions,
        learning_rate_decay_step=flags.value_or(
            "learning_rate_decay_step", _EPOCHS_PER_DECAY * epoch
        ),
    )
    augmentation = flags.options(AugmentationOptions)
    print(
        f"dataset {spec.name} in {spec.directory}: {len(spec.words)} words, {split.num_examples} "
        f"records with {split.num_captions} captions in split {data.train_split}; an epoch is "
        f"{epoch} {'step' if epoch == 1 else 'steps'}"
    )
    model, view = description.model, description.view
    for each in (model, view, augmentation, objective, optimizer_options, options, deployment):
        print(training_command.listed(each))
    task = CaptioningTask(
        spec,
        data.train_split,
        description,
        augmentation,
        objective,
        deployment.num_clones,
        has_averages=options.ema_decay > 0,
    )
    result = loop.train(
        task,
        options,
        optimizer_options,
        deployment,
        master=master,
        startup_delay_steps=flags.options(ClusterOptions).startup_delay_steps,
    )
    return result.exit_status


def _describe(flags: Flags, spec: CaptioningSpec, train_logdir: str) -> RunDescription:
    """Returns what is trained: the flags say it, or options.json if the folder has a checkpoint.

    Raises:
      ValueError: flags contradict each other, or flags or dataset contradict options.json.
    """
    has_options = os.path.exists(os.path.join(train_logdir, OPTIONS_FILE))
    if has_options and checkpoints.latest_checkpoint(train_logdir):
        stored = run_description.read_description(train_logdir)
        stored.vocabulary.check_equal(
            spec.vocabulary, train_logdir, f"dataset {spec.name} in {spec.directory}"
        )
        given = {**flags.given(ModelOptions), **flags.given(ViewOptions)}
        training_command.check_same_flags(
            {**vars(stored.model), **vars(stored.view)}, given, train_logdir
        )
        return dataclasses.replace(stored, dataset_name=spec.name)
    model = flags.options(ModelOptions, num_words=len(spec.words)).completed()
    view = flags.options(ViewOptions)
    view = dataclasses.replace(
        view, image_size=view.image_size or model.encoder.classifier.image_size
    )
    description = RunDescription(model, view, spec.name, spec.words, spec.splitting)
    description.validate()
    return description
