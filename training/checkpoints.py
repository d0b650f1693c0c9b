"""Checkpoints: finding, reading and comparing them."""

import os
import re
from collections.abc import Sequence

import tensorflow.compat.v1 as tf

from common import checkpoint_files, checkpoint_reader
from common.checkpoint_files import latest as latest_checkpoint
from common.texts import printable
from training import foreign_files

CHECKPOINT_NAME = "model.ckpt"
RUNS_ROOT = "runs"
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
# A list of every variable of an encoder fills a screen and says no more than its first few.
_MOST_DIFFERENCES_SHOWN = 5


def find_checkpoint(path: str, run: str | None = None) -> str:
    """Returns the prefix of the checkpoint that a user means.

    Args:
      path: a prefix (`model.ckpt-100`), one of its files (`model.ckpt-100.index`), a folder, whose
        newest checkpoint is taken, or "latest" or "best" for a checkpoint of `run`.
      run: folder of a training run; None for the newest one.

    Raises:
      ValueError: there is none.
    """
    if path in (BEST, LATEST):
        run = run or find_newest_run()
        if path == BEST and latest_checkpoint(os.path.join(run, BEST_FOLDER)) is None:
            raise ValueError(
                f"{run} has no best checkpoint yet: python eval.py with {run} as checkpoint_dir "
                f"scores its checkpoints and keeps the best in {os.path.join(run, BEST_FOLDER)}."
            )
        path = run if path == LATEST else os.path.join(run, BEST_FOLDER)
    if os.path.isdir(path):
        newest = latest_checkpoint(path)
        if newest is None:
            raise ValueError(foreign_files.explain(path))
        return newest
    prefix = re.sub(r"\.(index|meta|data-\d+-of-\d+)$", "", path)
    if checkpoint_files.exists(prefix):
        return prefix
    foreign = foreign_files.explain(path)
    if foreign is not None and prefix == path:
        raise ValueError(foreign)
    nearby = checkpoint_files.find_all(os.path.dirname(prefix) or ".")
    hint = f" There is {printable(nearby[-1])}." if nearby else ""
    raise ValueError(
        f"checkpoint {printable(path)} does not exist (no file {printable(prefix)}.index).{hint}"
    )


def find_newest_run(root: str = RUNS_ROOT) -> str:
    """Returns the folder below `root` that holds the most recently written checkpoint.

    Raises:
      ValueError: there is none.
    """
    found = []
    for name in os.listdir(root) if os.path.isdir(root) else []:
        directory = os.path.join(root, name)
        checkpoint = latest_checkpoint(directory)
        if checkpoint:
            found.append((os.path.getmtime(f"{checkpoint}.index"), directory))
    if not found:
        raise ValueError(f"there is no training run in {root}: run python train.py.")
    return max(found)[1]


class Reader(checkpoint_reader.Reader):
    """The variables of a checkpoint, of which it knows which are weights."""

    @property
    def weights(self) -> list[str]:
        """The names of its variables without what only a training run keeps of them."""
        return sorted(
            name
            for name in self.shapes
            # Whatever the optimizer was, its slots lie below the name of their variable.
            if not _is_of_optimizer(name) and os.path.dirname(name) not in self.shapes
        )

    @property
    def averages(self) -> dict[str, str]:
        """The name of the moving average of each variable that has one."""
        return {
            name.removesuffix(AVERAGE_SUFFIX): name
            for name in self.shapes
            if name.endswith(AVERAGE_SUFFIX)
        }


def _is_of_optimizer(name: str) -> bool:
    return name in _OPTIMIZER_NAMES or name.endswith(_OPTIMIZER_SUFFIXES)


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

    Args:
      checkpoint: prefix.
      variables: all that the training run needs, its optimizer's included.

    Raises:
      ValueError: it does not; names variables and shapes.
    """
    reader = Reader(checkpoint)
    wanted = {each.op.name: tuple(each.shape.as_list()) for each in variables}
    there = {name: reader.shapes[name] for name in sorted(wanted) if name in reader.shapes}
    differences = [
        f"{name} is {list(shape)} there and {list(wanted[name])} here"
        for name, shape in there.items()
        if shape != wanted[name]
    ]
    differences += [f"{name} is missing" for name in sorted(wanted) if name not in there]
    if differences:
        shown = "; ".join(differences[:_MOST_DIFFERENCES_SHOWN])
        more = len(differences) - _MOST_DIFFERENCES_SHOWN
        raise ValueError(
            f"checkpoint {checkpoint} belongs to another network or optimizer: {shown}"
            + (f"; and {more} more" if more > 0 else "")
            + ". Train in a new folder, or with the options of this one."
        )
    for name in wanted:
        reader.value(name)
