"""What the commands that train share: a process's place in a cluster, resuming, and the log."""

import dataclasses
import os
import sys
import textwrap
from collections.abc import Callable, Mapping
from typing import Any

from commands.flags import Flags
from commands.shared_options import ClusterOptions
from common import dataset_files
from common.dataset_origin import Trained
from common.texts import printable
from datasets.records import origin
from datasets.records.origin import PlacedDataset
from deployment import servers
from deployment.cluster import Cluster, read_cluster
from deployment.config import DeploymentConfig
from deployment.servers import ServerLostError
from training import checkpoints, published_checkpoints, run_folder

# A decay follows within 1 / (1 - decay) steps. A tenth of the training run is soon enough for the
# statistics to suit its last weights, and long enough to be smooth.
_SHARE_OF_STEPS = 0.1
_DECAYS = (0.9, 0.9997)
# What names a dataset; not every task has all of them.
_DATASET_FLAGS = ("dataset_dir", "dataset", "input_file_pattern")
_CLUSTER_FLAGS = ("master", "task", "num_replicas", "num_ps_tasks")


def train(flags: Flags, train_here: Callable[[DeploymentConfig, str], int]) -> int:
    """Trains in this process, or serves variables to those who do.

    Args:
      flags: of the command: `DeploymentConfig` and `ClusterOptions` among them.
      train_here: trains, given the deployment and TensorFlow's session target.

    Returns:
      The exit status.
    """
    cluster = _read_cluster(flags)
    deployment = flags.options(DeploymentConfig)
    if cluster is None:
        return train_here(deployment, flags.options(ClusterOptions).master)
    try:
        return cluster.take_part(
            lambda master: train_here(_worker(cluster, deployment), master),
            report=lambda line: print(line, flush=True),
        )
    except ServerLostError as error:
        servers.end_process(error)


def _worker(cluster: Cluster, flags: DeploymentConfig) -> DeploymentConfig:
    place = cluster.deployment(flags.num_clones, flags.clone_on_cpu)
    return dataclasses.replace(place, prefetch_to_clones=flags.prefetch_to_clones, nccl=flags.nccl)


def _read_cluster(flags: Flags) -> Cluster | None:
    cluster = read_cluster(os.environ)
    given = [f"--{name}" for name in _CLUSTER_FLAGS if flags.is_given(name)]
    if cluster is not None and given:
        raise ValueError(
            f"{', '.join(given)} and the environment variable TF_CONFIG both say where this "
            "process stands in a cluster; give one of them."
        )
    num_ps_tasks = flags.value("num_ps_tasks")
    if num_ps_tasks and not flags.value("master"):
        raise ValueError(
            f"num_ps_tasks is {num_ps_tasks} without a --master; give the address of this "
            "worker's TensorFlow server, or describe the cluster in TF_CONFIG instead."
        )
    return cluster


def batch_norm_decay(num_steps: int) -> float:
    """Returns a decay of batch norm's moving statistics that suits the length of a training run."""
    lowest, highest = _DECAYS
    return min(highest, max(lowest, 1 - 1 / (_SHARE_OF_STEPS * num_steps)))


def check_same_flags(
    stored: Mapping[str, Any],
    given: Mapping[str, Any],
    train_logdir: str,
    advice: str = "Omit the flag to resume that training run, or choose another --train_logdir.",
) -> None:
    """Refuses (ValueError) to resume a training run with other options than it was begun with.

    Args:
      stored: its options by name.
      given: values of flags by the names of options.
      train_logdir: its folder.
      advice: what to do.
    """
    for name, value in given.items():
        # No rates and no decoder can be said in two ways: None and ().
        if (value or None) != (stored[name] or None):
            raise ValueError(
                f"--{name} is {value}, but {train_logdir} was trained with {stored[name]}. {advice}"
            )


def advise_another_folder(train_logdir: str) -> str:
    """Says how a training run that cannot go on is followed by another: a sentence."""
    return (
        f"Choose another --train_logdir, such as {run_folder.suggest_another(train_logdir)}; with "
        f"--tf_initial_checkpoint={train_logdir} it begins with what that one has learned."
    )


def resumed(flags: Flags, read_description: Callable[[str], Trained]) -> Trained | None:
    """Returns what describes the training run that `train_logdir` resumes; None if it names none.

    What is wrong with a description is told where it is compared with the flags.
    """
    folder = flags.value("train_logdir")
    if not folder or not checkpoints.latest_checkpoint(folder):
        return None
    try:
        return read_description(folder)
    except (OSError, ValueError):
        return None


def check_same_dataset(
    flags: Flags, spec: PlacedDataset, split: str, stored: Trained, train_logdir: str
) -> None:
    """Refuses to resume a training run on another dataset, unless flags name that and the run.

    Where the flags do, where earlier versions have begun the run, or where the dataset has another
    number of examples than before, it is told on standard error.

    Args:
      flags: of the command.
      spec, split: what would be trained on.
      stored: describes the training run.
      train_logdir: its folder.

    Raises:
      ValueError: it is another dataset; names both, and what to do.
    """
    if not stored.dataset_name:  # Of weights that another program has trained.
        return
    former, now = stored.dataset_origin, origin.origin_of(spec, split)
    other = origin.describe_other(spec, split, stored)
    if other is None:
        if former.num_examples not in (0, now.num_examples):
            _warn(
                f"{train_logdir} was trained on {former.num_examples} examples of {spec.name}, and "
                f"split {split} of {spec.directory} has {now.num_examples} now, for further steps."
            )
        return
    line = f"{train_logdir} was trained on {other}, and this is {spec.name!r} of {now.place}"
    is_data_named = any(
        flags.is_given(name) for name in _DATASET_FLAGS if name in flags.definitions
    )
    if former.place and not (is_data_named and flags.is_given("train_logdir")):
        found = former.find_records()
        is_elsewhere = found is not None and dataset_files.is_other(
            former.records_dir, now.records_dir
        )
        own = f", or its own dataset with --dataset_dir={found}" if is_elsewhere else ""
        raise ValueError(
            f"{line}: choose another folder with --train_logdir{own}. To resume that training run "
            f"on this dataset, name both: --train_logdir={train_logdir} "
            f"--dataset_dir={spec.directory}"
        )
    _warn(f"{line}: it goes on with this one.")


def _warn(line: str) -> None:
    print(f"warning: {printable(line)}", file=sys.stderr, flush=True)


def encoder_of_start(flags: Flags) -> dict[str, Any]:
    """Returns the encoder's options where `tf_initial_checkpoint` names published weights.

    They hold where `model_variant` is not given, and are told on standard output.

    Args:
      flags: of the command: `ModelOptions` of a task and `TrainOptions` among them.

    Returns:
      `model_variant`, and `depth_multiplier` unless its flag is given; {} where the command line
      says which encoder it wants, or no published weights are named.

    Raises:
      ValueError: the task does not have the encoder.
    """
    start = flags.value("tf_initial_checkpoint")
    if not start or flags.is_given("model_variant") or flags.value("continue_checkpoint"):
        return {}
    weights = published_checkpoints.meant(start)
    if weights is None:
        return {}
    variant = weights.model_variant
    if variant not in flags.definitions["model_variant"].option.choices:
        raise ValueError(
            f"--tf_initial_checkpoint={start} holds the encoder {variant}, which this "
            "task does not have; name other weights (python -m scripts.weights list)."
        )
    options: dict[str, Any] = {"model_variant": variant}
    if not flags.is_given("depth_multiplier"):
        options["depth_multiplier"] = weights.depth_multiplier
    told = " ".join(f"--{name}={value}" for name, value in options.items())
    print(f"encoder as in {weights.name}: {told}")
    return options


def listed(effective: Any) -> str:
    """Returns the fields of a dataclass of options that are not as by default, for the log."""
    title = type(effective).__name__.removesuffix("Options").removesuffix("Config").lower()
    fields = " ".join(
        f"{field.name}={value!r}"
        for field in dataclasses.fields(effective)
        if (value := getattr(effective, field.name)) != field.default
    )
    text = f"{title}: {fields or 'all by default'}"
    return textwrap.fill(text, width=100, subsequent_indent="  ")


def trains_batch_norm(flags: Flags) -> bool:
    """Returns whether batch norm is trained: if only parts of a network are, only if it is asked.

    Its statistics belong to all of the network: they would change in what is not trained.
    """
    name = "fine_tune_batch_norm"
    return flags.value(name) if flags.is_given(name) else not flags.value("trainable_scopes")
