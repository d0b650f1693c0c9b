"""Options that the commands of several tasks have."""

import dataclasses

from common.option_fields import DATA, HARDWARE, START, option

DEFAULT_SPLIT = "val"


@dataclasses.dataclass(frozen=True)
class DatasetOptions:
    """Which records a command reads."""

    dataset_dir: str | None = option(
        None,
        "Folder of the records and their dataset.json.",
        DATA,
        is_common=True,
        computed_default="data/tfrecords/<--dataset>, or the dataset built last",
        aliases=("data_dir", "data", "tfrecords", "dataset_path"),
    )
    dataset: str | None = option(
        None,
        "Name of the dataset, the folder of its records in data/tfrecords.",
        DATA,
        is_common=True,
        aliases=("dataset_name",),
    )


@dataclasses.dataclass(frozen=True)
class CheckpointOptions:
    """Which checkpoints a command runs."""

    checkpoint_dir: str | None = option(
        None,
        "Folder of checkpoints: the train_logdir of a training run.",
        START,
        is_common=True,
        computed_default="the newest training run in runs/",
        aliases=("train_logdir", "logdir", "model_dir"),
    )
    checkpoint_path: str | None = option(
        None,
        "One checkpoint (model.ckpt-1000), used instead of those of checkpoint_dir; or 'best' or "
        "'latest' for that one of checkpoint_dir.",
        START,
        is_common=True,
        aliases=("checkpoint", "ckpt", "weights", "model"),
    )
    eval_interval_secs: int = option(300, "Minimum seconds between evaluations.", HARDWARE)


@dataclasses.dataclass(frozen=True)
class WeightsOptions:
    """Which weights of a checkpoint a command uses."""

    use_ema: bool | None = option(
        None,
        "Whether the moving averages of the weights (train.py --ema_decay) replace the weights.",
        START,
        computed_default="no; for the best checkpoint that eval.py kept, whichever it scored",
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
