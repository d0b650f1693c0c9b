"""Checkpoints: finding, reading and comparing them."""

import os
from collections.abc import Sequence

import tensorflow.compat.v1 as tf

from common import checkpoint_files, checkpoint_reader, saved_weights
from common.checkpoint_files import latest as latest_checkpoint
from common.run_options import RUNS_ROOT
from common.texts import printable
from published import catalogue
from training import foreign_files, published_checkpoints

CHECKPOINT_NAME = "model.ckpt"
# Folder, in that of a training run, of its best checkpoint (`training.best_checkpoint`).
BEST_FOLDER = "best"
# What follows a variable's name in that of its moving average (`training.ema`).
AVERAGE_SUFFIX = "/ExponentialMovingAverage"
# What a user may say instead of a checkpoint's path.
BEST, LATEST = "best", "latest"

# Names that optimizers give to what they keep of a variable, and to their own counters.
_OPTIMIZER_SUFFIXES = (
    *("/Momentum", "/Adam", "/Adam_1", "/RMSProp", "/RMSProp_1", "/Adagrad"),
    AVERAGE_SUFFIX,
)
_OPTIMIZER_NAMES = ("global_step", "beta1_power", "beta2_power")


def find_checkpoint(path: str, run: str | None = None) -> str:
    """Returns the prefix of the checkpoint that a user means.

    Args:
      path: a prefix (`model.ckpt-100`), one of its files (`model.ckpt-100.index`), a folder, whose
        newest checkpoint is taken, "latest" or "best" for a checkpoint of `run`, or the name of
        published weights, which are downloaded.
      run: folder of a training run; None for the newest one.

    Raises:
      ValueError: there is none.
    """
    published = published_checkpoints.named(path)
    if published is not None:
        return published_checkpoints.find(published)
    if path == LATEST:
        path = run or find_newest_run()
    elif path == BEST:
        run = run or find_newest_run()
        path = os.path.join(run, BEST_FOLDER)
        if latest_checkpoint(path) is None:
            raise ValueError(
                f"{run} has no best checkpoint yet: python eval.py with {run} as checkpoint_dir "
                f"scores its checkpoints and keeps the best in {path}."
            )
    if os.path.isdir(path):
        newest = latest_checkpoint(path)
        if newest is None:
            raise ValueError(foreign_files.explain(path))
        return newest
    prefix = checkpoint_files.prefix_of(path)
    if checkpoint_files.exists(prefix):
        return prefix
    foreign = foreign_files.explain(path)
    if foreign is not None and prefix == path:
        raise ValueError(foreign)
    nearby = checkpoint_files.find_all(os.path.dirname(prefix) or ".")
    hint = f" There is {printable(nearby[-1])}." if nearby else ""
    if not nearby and not os.path.dirname(path):
        hint += (
            f" Those of the newest training run are {BEST!r} and {LATEST!r}. No published weights "
            f"have this name: {catalogue.explain_missing(path)}"
        )
    raise ValueError(
        f"checkpoint {printable(path)} does not exist (no file {printable(prefix)}.index).{hint}"
    )


def find_newest_run(root: str = RUNS_ROOT) -> str:
    """Returns the folder below `root` that holds the most recently written checkpoint."""
    names = os.listdir(root) if os.path.isdir(root) else []
    found = {run: latest_checkpoint(run) for run in (os.path.join(root, name) for name in names)}
    times = {run: os.path.getmtime(f"{newest}.index") for run, newest in found.items() if newest}
    if not times:
        raise ValueError(f"there is no training run in {root}: run python train.py.")
    return max(times, key=lambda run: (times[run], run))


class Reader(checkpoint_reader.Reader):
    """The variables of a checkpoint, of which it knows which are weights."""

    @property
    def weights(self) -> list[str]:
        """The names of its variables without what only a training run keeps of them."""
        return sorted(
            name
            for name in self.shapes
            # Whatever the optimizer was, its slots lie below the name of their variable.
            if name not in _OPTIMIZER_NAMES
            and not name.endswith(_OPTIMIZER_SUFFIXES)
            and os.path.dirname(name) not in self.shapes
        )

    @property
    def averages(self) -> dict[str, str]:
        """The name of the moving average of each variable that has one."""
        return {
            name.removesuffix(AVERAGE_SUFFIX): name
            for name in self.shapes
            if name.endswith(AVERAGE_SUFFIX)
        }


def read_step(checkpoint: str) -> int:
    """Returns the step count of a checkpoint; 0 if it has none.

    Raises:
      ValueError: it cannot be read, or its step count is not a number of steps.
    """
    reader = Reader(checkpoint)
    if "global_step" not in reader.shapes:
        return 0
    value = reader.value("global_step")
    if value.shape or value.dtype.kind not in "iu" or value < 0:
        raise ValueError(
            f"checkpoint {printable(checkpoint)} has the step count {value!r}; expected a number "
            "of 0 or more. Take another checkpoint."
        )
    return int(value)


def check_restorable(checkpoint: str, variables: Sequence[tf.Variable]) -> None:
    """Makes sure that a checkpoint holds every variable in its shape, undamaged.

    Reads all of it, because a file that ends too early is otherwise found in the middle of the
    restore.

    Raises:
      ValueError: it does not; names variables and shapes.
    """
    reader = Reader(checkpoint)
    wanted = {each.op.name: each.shape.as_list() for each in variables}
    differences = saved_weights.describe_differences(wanted, reader.shapes)
    if differences:
        raise ValueError(
            f"checkpoint {checkpoint} belongs to another network or optimizer: {differences}. "
            "Train in a new folder, or with the options of this one."
        )
    for name in wanted:
        reader.value(name)
