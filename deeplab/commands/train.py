"""Trains DeepLabV3+ on TFRecords: `python train.py --num_clones 4`.

Without flags it trains on the dataset that was built last. `--help` lists the flags; they are those
of research/deeplab's `train.py`.
"""

import dataclasses
import os
import textwrap
from typing import Any

import tensorflow.compat.v1 as tf
from absl import flags

from commands.option_flags import from_flags
from common import memory
from datasets.records import shard_check
from datasets.segmentation import specs
from datasets.segmentation.specs import DatasetSpec
from deeplab import run_description
from deeplab.commands import network_flags, train_flags  # noqa: F401
from deeplab.data import crop_sizes
from deeplab.network import transfer
from deeplab.options import RESIZE_OPTIONS, InputOptions, ObjectiveOptions
from deeplab.run_description import RunDescription
from deeplab.task import SegmentationTask
from deployment import servers
from deployment.cluster import Cluster, read_cluster
from deployment.config import DeploymentConfig
from deployment.servers import ServerLostError
from training import checkpoints, loop
from training.options import OptimizerOptions, TrainOptions

FLAGS = flags.FLAGS

_CLUSTER_FLAGS = ("master", "task", "num_replicas", "num_ps_tasks")
# Of a batch: RGB as float32, and class ids.
_BYTES_PER_PIXEL = 3 * 4 + 1


def main(arguments: list[str]) -> int:
    """Turns flags into options and trains, or serves variables to those who do."""
    del arguments
    tf.disable_v2_behavior()
    tf.logging.set_verbosity(tf.logging.ERROR)  # slim's lines repeat ours

    cluster = _read_cluster()
    if cluster is None:
        deployment = DeploymentConfig(
            num_clones=FLAGS.num_clones,
            clone_on_cpu=FLAGS.clone_on_cpu,
            replica_id=FLAGS.task,
            num_replicas=FLAGS.num_replicas,
            num_ps_tasks=FLAGS.num_ps_tasks,
        )
        return _train(deployment, FLAGS.master)
    try:
        return cluster.take_part(
            lambda master: _train(cluster.deployment(FLAGS.num_clones, FLAGS.clone_on_cpu), master),
            report=lambda line: print(line, flush=True),
        )
    except ServerLostError as error:
        servers.end_process(error)


def _train(deployment: DeploymentConfig, master: str) -> int:
    spec = _read_dataset()
    deployment = dataclasses.replace(
        deployment, prefetch_to_clones=FLAGS.prefetch_to_clones, nccl=FLAGS.nccl
    )
    shard_check.complete_shards(spec, FLAGS.train_split)
    train_logdir = FLAGS.train_logdir or os.path.join("runs", spec.name)
    description = _describe(spec, train_logdir)
    network = description.model
    last_layers = transfer.last_layer_scopes(network, FLAGS.last_layers_contain_logits_only)
    inputs = from_flags(InputOptions, **_input_sizes(description))
    objective = from_flags(ObjectiveOptions)
    optimizer_options = from_flags(OptimizerOptions)
    train_options = from_flags(
        TrainOptions,
        train_logdir=train_logdir,
        initial_checkpoint=FLAGS.tf_initial_checkpoint,
        exclude_scopes=() if FLAGS.initialize_last_layer else last_layers,
        last_layer_scopes=last_layers,
    )
    print(
        f"dataset {spec.name} in {spec.directory}: {spec.num_classes} classes, "
        f"{spec.split(FLAGS.train_split).num_examples} images in split {FLAGS.train_split}"
    )
    for each in (network, inputs, objective, optimizer_options, train_options, deployment):
        print(_listed(each))

    task = SegmentationTask(
        spec, FLAGS.train_split, description, inputs, objective, deployment.num_clones
    )
    result = loop.train(
        task,
        train_options,
        optimizer_options,
        deployment,
        master=master,
        startup_delay_steps=FLAGS.startup_delay_steps,
    )
    return result.exit_status


def _read_cluster() -> Cluster | None:
    cluster = read_cluster(os.environ)
    given = [f"--{name}" for name in _CLUSTER_FLAGS if FLAGS[name].present]
    if cluster is not None and given:
        raise ValueError(
            f"{', '.join(given)} and the environment variable TF_CONFIG both say where this "
            "process stands in a cluster; give one of them."
        )
    if FLAGS.num_ps_tasks and not FLAGS.master:
        raise ValueError(
            f"num_ps_tasks is {FLAGS.num_ps_tasks} without a --master; give the address of this "
            "worker's TensorFlow server, or describe the cluster in TF_CONFIG instead."
        )
    return cluster


def _read_dataset() -> DatasetSpec:
    directory = FLAGS.dataset_dir
    if directory is None and FLAGS.dataset is not None:
        directory = os.path.join(specs.DATASETS_ROOT, FLAGS.dataset)
    return specs.read_spec(directory or specs.find_last_dataset(), FLAGS.dataset)


def _describe(spec: DatasetSpec, train_logdir: str) -> RunDescription:
    """Returns what is trained: the flags say it, or options.json if the folder has a checkpoint.

    Raises:
      ValueError: flags contradict each other, or flags or dataset contradict options.json.
    """
    sizes = {
        "train_crop_size": tuple(FLAGS.train_crop_size),
        **{name: FLAGS[name].value for name in RESIZE_OPTIONS},
    }
    has_options = os.path.exists(os.path.join(train_logdir, run_description.OPTIONS_FILE))
    if has_options and checkpoints.latest_checkpoint(train_logdir):
        stored = run_description.read_description(train_logdir)
        given_sizes = {name: value for name, value in sizes.items() if FLAGS[name].present}
        _check_same_classes(spec, stored, train_logdir)
        _check_same_flags(
            {**vars(stored), **vars(stored.model)},
            {**network_flags.given_values(), **given_sizes},
            train_logdir,
        )
        description = dataclasses.replace(stored, dataset_name=spec.name, palette=spec.palette)
    else:
        description = RunDescription(
            model=network_flags.model_options(spec.num_classes, spec.has_gradient),
            dataset_name=spec.name,
            class_names=spec.class_names,
            palette=spec.palette,
            ignore_label=spec.ignore_label,
            **sizes,
        )
    crop_sizes.check(description.train_crop_size, description.model.output_stride)
    _check_memory(description.train_crop_size)
    return description


def _check_memory(crop_size: tuple[int, int]) -> None:
    """Refuses crops that do not even fit into memory themselves, before anything is built."""
    height, width = crop_size
    memory.check(
        FLAGS.train_batch_size * height * width * _BYTES_PER_PIXEL,
        f"A batch of {FLAGS.train_batch_size} crops of {height},{width}",
        "Lower --train_crop_size or --train_batch_size.",
    )


def _input_sizes(description: RunDescription) -> dict[str, Any]:
    return {
        "crop_size": description.train_crop_size,
        **{name: getattr(description, name) for name in RESIZE_OPTIONS},
    }


def _check_same_classes(spec: DatasetSpec, stored: RunDescription, train_logdir: str) -> None:
    for what, here, there in (
        ("classes", spec.class_names, stored.class_names),
        ("ignore label", spec.ignore_label, stored.ignore_label),
    ):
        if here != there:
            raise ValueError(
                f"dataset {spec.name} in {spec.directory} has the {what} {here}, but "
                f"{train_logdir} was trained on {stored.dataset_name} with {there}. "
                "Choose another --train_logdir."
            )


def _check_same_flags(stored: dict[str, Any], given: dict[str, Any], train_logdir: str) -> None:
    for name, value in given.items():
        # No rates and no decoder can be said in two ways: None and ().
        if (value or None) != (stored[name] or None):
            raise ValueError(
                f"--{name} is {value}, but {train_logdir} was trained with {stored[name]}. Leave "
                "the flag away to go on with that training, or choose another --train_logdir."
            )


def _listed(effective: Any) -> str:
    """Words the fields of a dataclass, for the log."""
    title = type(effective).__name__.removesuffix("Options").removesuffix("Config").lower()
    fields = " ".join(f"{name}={value!r}" for name, value in vars(effective).items())
    return textwrap.fill(f"{title}: {fields}", width=100, subsequent_indent="  ")
