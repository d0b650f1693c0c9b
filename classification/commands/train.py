"""Trains a classifier on TFRecords: train.py. `train_flags` has its words and flags."""

import dataclasses
import functools
import os
import sys
from collections.abc import Sequence

import tensorflow.compat.v1 as tf

from classification import run_description
from classification.commands.checkpoint_logits import explain_one_off, last_layer_scopes
from classification.commands.dataset_choice import check_labels_offset, read_dataset
from classification.commands.train_flags import (
    DEFAULT_EPOCHS,
    ClassifierOptimizerOptions,
    ClassifierTrainOptions,
    DecayTypeOptions,
    TrainingDataOptions,
    WarmStartOptions,
)
from classification.evaluation.validation import SPLIT
from classification.options import (
    AugmentationOptions,
    ModelOptions,
    ObjectiveOptions,
    ViewOptions,
)
from classification.run_description import RunDescription
from classification.task import ClassificationTask
from commands import epochs, training_command
from commands.flags import Flags
from commands.shared_options import ClusterOptions, DatasetOptions
from common.run_options import OPTIONS_FILE, RUNS_ROOT
from common.texts import first_few
from datasets.classification.specs import ClassificationSpec
from datasets.records import origin, shard_check
from deployment.config import DeploymentConfig
from training import checkpoints, loop
from training.validation import find_chosen

_SHARE_OF_SLOW_START = 1 / 20
# research/slim, train_image_classifier.py: num_epochs_per_decay.
_EPOCHS_PER_DECAY = 2


def main(flags: Flags, arguments: list[str]) -> int:
    """Turns flags into options and trains, or serves variables to those who do."""
    del arguments
    tf.disable_v2_behavior()
    tf.logging.set_verbosity(tf.logging.ERROR)  # slim's lines repeat ours
    return training_command.train(flags, functools.partial(_train, flags))


def _train(flags: Flags, deployment: DeploymentConfig, master: str) -> int:
    data = flags.options(TrainingDataOptions)
    resumed = training_command.resumed(flags, run_description.read_description)
    spec = read_dataset(flags.options(DatasetOptions), resumed)
    shard_check.complete_shards(spec, data.train_split)
    train_logdir = flags.value("train_logdir") or os.path.join(RUNS_ROOT, spec.name)
    description = _describe(flags, spec, data.train_split, train_logdir)
    num_images = spec.split(data.train_split).num_examples
    batch_size = flags.value("train_batch_size")
    epoch = epochs.count_steps(num_images, batch_size * deployment.num_replicas)
    num_steps = flags.value_or("training_number_of_steps", DEFAULT_EPOCHS * epoch)
    options = flags.options(
        ClassifierTrainOptions,
        train_logdir=train_logdir,
        exclude_scopes=flags.options(WarmStartOptions).checkpoint_exclude_scopes,
        excludes_by_flag=True,
        last_layer_scopes=last_layer_scopes(description.model),
        bias_gradient_multiplier=1.0,
        training_number_of_steps=num_steps,
        validate_every=flags.value_or("validate_every", epoch if SPLIT in spec.splits else 0),
    )
    for split in (data.train_split, *([SPLIT] if options.validate_every else [])):
        check_labels_offset(spec, split, description.view.labels_offset)
    if options.initial_checkpoint and not checkpoints.latest_checkpoint(train_logdir):
        checkpoint = find_chosen(options.initial_checkpoint)
        note = explain_one_off(checkpoint, description.model, description.view.labels_offset)
        if note:
            print(f"note: {note}", file=sys.stderr)
    optimizer_options = flags.options(
        ClassifierOptimizerOptions,
        learning_rate_decay_step=flags.value_or(
            "learning_rate_decay_step", _EPOCHS_PER_DECAY * epoch
        ),
        slow_start_step=flags.value_or("slow_start_step", round(_SHARE_OF_SLOW_START * num_steps)),
        **flags.options(DecayTypeOptions).changes(flags.given(ClassifierOptimizerOptions)),
    )
    objective = flags.options(
        ObjectiveOptions,
        fine_tune_batch_norm=training_command.trains_batch_norm(flags),
        batch_norm_decay=flags.value_or(
            "batch_norm_decay", training_command.batch_norm_decay(num_steps)
        ),
    )
    augmentation = flags.options(AugmentationOptions)
    print(
        f"dataset {spec.name} in {spec.directory}: {spec.num_classes} classes, {num_images} images "
        f"in split {data.train_split}; an epoch is {epoch} {'step' if epoch == 1 else 'steps'}"
    )
    model, view = description.model, description.view
    for each in (model, view, augmentation, objective, optimizer_options, options, deployment):
        print(training_command.listed(each))
    task = ClassificationTask(
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


def _difference(trained: Sequence[str], found: Sequence[str]) -> str:
    """Says how two lists of classes differ, however many there are."""
    pairs = enumerate(zip(trained, found, strict=False))
    first = next((f"class {i} was {a!r} and is {b!r}" for i, (a, b) in pairs if a != b), None)
    numbers = f"{len(trained)} ({first_few(trained)}) became {len(found)} ({first_few(found)})"
    return f"{numbers}; {first}" if first else numbers


def _describe(
    flags: Flags, spec: ClassificationSpec, train_split: str, train_logdir: str
) -> RunDescription:
    """Returns what is trained: the flags say it, or options.json if the folder has a checkpoint.

    Raises:
      ValueError: flags contradict each other, or flags or dataset contradict options.json.
    """
    place = origin.origin_of(spec, train_split)
    has_options = os.path.exists(os.path.join(train_logdir, OPTIONS_FILE))
    if has_options and checkpoints.latest_checkpoint(train_logdir):
        stored = run_description.read_description(train_logdir)
        names = spec.class_names[stored.view.labels_offset :]
        if names != stored.class_names:
            raise ValueError(
                f"{train_logdir} was trained on {stored.dataset_name}, and dataset {spec.name} in "
                f"{spec.directory} has other classes: {_difference(stored.class_names, names)}. "
                f"{training_command.advise_another_folder(train_logdir)}"
            )
        training_command.check_same_dataset(flags, spec, train_split, stored, train_logdir)
        given = {**flags.given(ModelOptions), **flags.given(ViewOptions)}
        training_command.check_same_flags(
            {**vars(stored.model), **vars(stored.view)}, given, train_logdir
        )
        return dataclasses.replace(stored, dataset_name=spec.name, dataset_origin=place)
    view = flags.options(ViewOptions)
    if view.labels_offset and spec.num_classes - view.labels_offset < 2:
        raise ValueError(
            f"labels_offset is {view.labels_offset}, which leaves less than 2 of the "
            f"{spec.num_classes} classes of dataset {spec.name}; expected at most "
            f"{max(0, spec.num_classes - 2)}."
        )
    model = flags.options(
        ModelOptions,
        num_classes=spec.num_classes - view.labels_offset,
        **training_command.encoder_of_start(flags),
    )
    facts = model.encoder.classifier
    view = dataclasses.replace(
        view,
        image_size=view.image_size or facts.image_size,
        preprocessing=view.preprocessing or facts.preprocessing,
    )
    names = spec.class_names[view.labels_offset :]
    description = RunDescription(model, view, spec.name, names, place)
    description.validate()
    return description
