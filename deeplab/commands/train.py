"""Trains DeepLabV3+ on TFRecords: train.py. `train_flags` has its words and flags."""

import dataclasses
import functools
import os
from typing import Any

import tensorflow.compat.v1 as tf

from commands import training_command
from commands.flags import Flags
from commands.shared_options import ClusterOptions
from common import memory
from common.run_options import OPTIONS_FILE, RUNS_ROOT
from datasets.records import origin, shard_check
from datasets.segmentation.specs import DatasetSpec
from deeplab import run_description
from deeplab.commands import network_flags, train_recipe
from deeplab.commands.dataset_choice import read_dataset
from deeplab.commands.shared_options import DatasetOptions
from deeplab.commands.train_flags import (
    LastLayerOptions,
    SegmentationTrainOptions,
    TrainingDataOptions,
)
from deeplab.data import crop_sizes
from deeplab.network import transfer
from deeplab.objective import losses
from deeplab.options import InputOptions, ObjectiveOptions, ResizeOptions
from deeplab.run_description import RunDescription
from deeplab.task import SegmentationTask
from deployment.config import DeploymentConfig
from training import checkpoints, loop, pace, run_folder, tracking
from training.options import OptimizerOptions, TrainOptions

# Of a batch: RGB as float32, and class ids.
_BYTES_PER_PIXEL = 3 * 4 + 1


def main(flags: Flags, arguments: list[str]) -> int:
    """Turns flags into options and trains, or serves variables to those who do."""
    del arguments
    tf.disable_v2_behavior()
    tf.logging.set_verbosity(tf.logging.ERROR)  # slim's lines repeat ours

    return training_command.train(flags, functools.partial(_train, flags))


@dataclasses.dataclass(frozen=True)
class _Plan:
    """A training run that flags describe."""

    task: SegmentationTask
    train_options: TrainOptions
    optimizer_options: OptimizerOptions
    shown: tuple[Any, ...]  # the options that the log shows


def _train(flags: Flags, deployment: DeploymentConfig, master: str) -> int:
    train_recipe.read(flags)
    tracking.check(flags.value("track") or ())  # Before a download, and minutes of measuring.
    train_split = flags.options(TrainingDataOptions).train_split
    resumed = training_command.resumed(flags, run_description.read_description)
    spec = read_dataset(flags.options(DatasetOptions), resumed)
    shard_check.complete_shards(spec, train_split)
    train_logdir = flags.value("train_logdir") or os.path.join(RUNS_ROOT, spec.name)
    train_recipe.check_classes(flags, spec)
    if deployment.is_chief:
        run_folder.check_writable(train_logdir)  # Before minutes go into choosing and measuring.

    def plan(flags: Flags, recipe: str = "") -> tuple[_Plan, DeploymentConfig]:
        # A recipe may have decided how many clones there are.
        place = deployment
        if not deployment.is_distributed:
            place = dataclasses.replace(deployment, num_clones=flags.value("num_clones"))
        place.clone_batch_size(flags.value("train_batch_size"))
        return _plan(flags, spec, train_split, train_logdir, place, recipe), place

    def measure() -> float:
        trial, place = plan(flags)
        return pace.measure(trial.task, trial.train_options, trial.optimizer_options, place)

    recipe = ""
    begins = not checkpoints.latest_checkpoint(train_logdir)
    if begins and train_recipe.is_automatic(flags, deployment.is_distributed):
        recipe = train_recipe.choose(flags, spec, train_split, plan, measure)
    else:
        if not begins:
            train_recipe.resume(flags, train_logdir)
    chosen, place = plan(flags, recipe)
    if not recipe and flags.is_given("hours"):
        print(
            f"--hours={flags.value('hours'):g} decides the number of steps of a training run that "
            "begins with --recipe=auto; the steps of this one are "
            f"--training_number_of_steps={flags.value('training_number_of_steps')}"
        )
    print(
        f"dataset {spec.name} in {spec.directory}: {spec.num_classes} classes, "
        f"{spec.split(train_split).num_examples} images in split {train_split}"
    )
    for each in (*chosen.shown, place):
        print(training_command.listed(each))
    result = loop.train(
        chosen.task,
        chosen.train_options,
        chosen.optimizer_options,
        place,
        master=master,
        startup_delay_steps=flags.options(ClusterOptions).startup_delay_steps,
    )
    return result.exit_status


def _plan(
    flags: Flags,
    spec: DatasetSpec,
    train_split: str,
    train_logdir: str,
    deployment: DeploymentConfig,
    recipe: str,
) -> _Plan:
    """Returns what the flags say of a training run; `recipe` is written down beside it.

    Raises:
      ValueError: flags contradict each other, or what was trained before.
    """
    last = flags.options(LastLayerOptions)
    description = _describe(flags, spec, train_split, train_logdir)
    network = description.model
    last_layers = transfer.last_layer_scopes(network, last.last_layers_contain_logits_only)
    inputs = flags.options(
        InputOptions, crop_size=description.train_crop_size, **description.resize_values()
    )
    objective = flags.options(
        ObjectiveOptions, fine_tune_batch_norm=training_command.trains_batch_norm(flags)
    )
    losses.check(objective, network.num_classes)
    optimizer_options = flags.options(OptimizerOptions)
    train_options = flags.options(
        SegmentationTrainOptions,
        train_logdir=train_logdir,
        exclude_scopes=() if last.initialize_last_layer else last_layers,
        last_layer_scopes=last_layers,
    )
    task = SegmentationTask(
        spec,
        train_split,
        description,
        inputs,
        objective,
        deployment.num_clones,
        has_averages=train_options.ema_decay > 0,
        recipe=recipe,
    )
    shown = (network, inputs, objective, optimizer_options, train_options)
    return _Plan(task, train_options, optimizer_options, shown)


def _describe(
    flags: Flags, spec: DatasetSpec, train_split: str, train_logdir: str
) -> RunDescription:
    """Returns what is trained: the flags say it, or options.json if the folder has a checkpoint.

    Raises:
      ValueError: flags contradict each other, or flags or dataset contradict options.json.
    """
    sizes = {
        "train_crop_size": flags.value("train_crop_size"),
        **vars(flags.options(ResizeOptions)),
    }
    has_options = os.path.exists(os.path.join(train_logdir, OPTIONS_FILE))
    if has_options and checkpoints.latest_checkpoint(train_logdir):
        stored = run_description.read_description(train_logdir)
        given_sizes = {name: value for name, value in sizes.items() if flags.is_given(name)}
        _check_same_classes(spec, stored, train_logdir)
        training_command.check_same_dataset(flags, spec, train_split, stored, train_logdir)
        training_command.check_same_flags(
            {**vars(stored), **vars(stored.model)},
            {**network_flags.given_values(flags), **given_sizes},
            train_logdir,
        )
        description = dataclasses.replace(
            stored,
            dataset_name=spec.name,
            palette=spec.palette,
            dataset_origin=origin.origin_of(spec, train_split),
        )
    else:
        description = RunDescription(
            model=network_flags.model_options(
                flags,
                spec.num_classes,
                spec.has_gradient,
                encoder=training_command.encoder_of_start(flags),
            ),
            dataset_name=spec.name,
            class_names=spec.class_names,
            palette=spec.palette,
            ignore_label=spec.ignore_label,
            dataset_origin=origin.origin_of(spec, train_split),
            **sizes,
        )
    crop_sizes.check(description.train_crop_size, description.model.output_stride)
    _check_memory(flags.value("train_batch_size"), description.train_crop_size)
    return description


def _check_memory(batch_size: int, crop_size: tuple[int, int]) -> None:
    """Refuses crops that do not even fit into memory themselves, before anything is built."""
    height, width = crop_size
    memory.check(
        batch_size * height * width * _BYTES_PER_PIXEL,
        f"A batch of {batch_size} crops of {height},{width}",
        "Lower --train_crop_size or --train_batch_size.",
    )


def _check_same_classes(spec: DatasetSpec, stored: RunDescription, train_logdir: str) -> None:
    for what, here, there in (
        ("classes", spec.class_names, stored.class_names),
        ("ignore label", spec.ignore_label, stored.ignore_label),
    ):
        if here != there:
            raise ValueError(
                f"dataset {spec.name} in {spec.directory} has the {what} {here}, but "
                f"{train_logdir} was trained on {stored.dataset_name} with {there}. "
                f"{training_command.advise_another_folder(train_logdir)}"
            )
