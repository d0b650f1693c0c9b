"""Checkpoints: finding, reading and comparing them, and how a training starts."""

import dataclasses
import os
import re
from collections.abc import Mapping, Sequence

import tensorflow.compat.v1 as tf

from common import checkpoint_files, checkpoint_reader
from common.checkpoint_files import latest as latest_checkpoint
from common.texts import printable
from training import foreign_files

CHECKPOINT_NAME = "model.ckpt"
RUNS_ROOT = "runs"
# Folder, in that of a training, of its best checkpoint (`training.best_checkpoint`).
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


@dataclasses.dataclass(frozen=True)
class Start:
    """How a training starts.

    Attributes:
      kind: "resume", "continue", "warm start" or "scratch"; on workers other than the chief, which
        take the variables as they are, "join".
      checkpoint: prefix of the checkpoint that it starts from, or None.
      step: steps done so far.
    """

    kind: str
    checkpoint: str | None
    step: int


def find_start(
    train_logdir: str, continue_checkpoint: str | None, initial_checkpoint: str | None
) -> Start:
    """Decides how a training starts. The order matters: the first that applies is taken.

    Args:
      train_logdir: folder of this training's own checkpoints.
      continue_checkpoint: checkpoint of another training that this one goes on from: weights,
        optimizer and step count.
      initial_checkpoint: checkpoint that weights are taken from, where they fit.

    Raises:
      ValueError: a checkpoint is not there or cannot be read.
    """
    newest = latest_checkpoint(train_logdir)
    if newest:
        return Start("resume", newest, read_step(newest))
    if continue_checkpoint:
        checkpoint = find_checkpoint(continue_checkpoint)
        return Start("continue", checkpoint, read_step(checkpoint))
    if initial_checkpoint:
        return Start("warm start", find_checkpoint(initial_checkpoint), 0)
    return Start("scratch", None, 0)


def find_checkpoint(path: str, run: str | None = None) -> str:
    """Returns the prefix of the checkpoint that a user means.

    Args:
      path: a prefix (`model.ckpt-100`), one of its files (`model.ckpt-100.index`), a folder, whose
        newest checkpoint is taken, or "latest" or "best" for a checkpoint of `run`.
      run: folder of a training; None for the newest one.

    Raises:
      ValueError: there is none.
    """
    if path in (BEST, LATEST):
        run = run or find_newest_run()
        if path == BEST and latest_checkpoint(os.path.join(run, BEST_FOLDER)) is None:
            raise ValueError(
                f"{run} has no best checkpoint yet: python eval.py --checkpoint_dir={run} scores "
                f"its checkpoints and keeps the best in {os.path.join(run, BEST_FOLDER)}."
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
    newest = {}
    for name in os.listdir(root) if os.path.isdir(root) else []:
        directory = os.path.join(root, name)
        checkpoint = latest_checkpoint(directory)
        if checkpoint:
            newest[directory] = os.path.getmtime(f"{checkpoint}.index")
    if not newest:
        raise ValueError(f"there is no training in {root}: run python train.py.")
    return max(newest, key=newest.get)


class Reader(checkpoint_reader.Reader):
    """The variables of a checkpoint, of which it knows which are weights."""

    def weights(self) -> list[str]:
        """Returns the names of its variables without what only a training keeps of them."""
        return sorted(
            name
            for name in self.shapes
            # Whatever the optimizer was, its slots lie below the name of their variable.
            if not is_optimizer_variable(name) and os.path.dirname(name) not in self.shapes
        )


def is_optimizer_variable(name: str) -> bool:
    """Whether a variable of this name belongs to an optimizer, is an average, or counts steps."""
    return name in _OPTIMIZER_NAMES or name.endswith(_OPTIMIZER_SUFFIXES)


def read_step(checkpoint: str) -> int:
    """Returns the step count of a checkpoint; 0 if it has none.

    Raises:
      ValueError: it cannot be read, or its step count is no number of steps.
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
      variables: all that the training needs, its optimizer's included.

    Raises:
      ValueError: it does not; names variables and shapes.
    """
    reader = Reader(checkpoint)
    differences = shape_differences(
        reader.shapes, {variable.op.name: tuple(variable.shape.as_list()) for variable in variables}
    )
    if differences:
        shown = "; ".join(differences[:_MOST_DIFFERENCES_SHOWN])
        more = len(differences) - _MOST_DIFFERENCES_SHOWN
        raise ValueError(
            f"checkpoint {checkpoint} belongs to another network or optimizer: {shown}"
            + (f"; and {more} more" if more > 0 else "")
            + ". Train in a new folder, or with the options of this one."
        )
    for variable in variables:
        reader.value(variable.op.name)


def shape_differences(
    in_checkpoint: Mapping[str, tuple[int, ...]], wanted: Mapping[str, tuple[int, ...]]
) -> list[str]:
    """Words what a checkpoint lacks or has in another shape.

    Args:
      in_checkpoint: its shapes by variable name.
      wanted: shapes of the network's variables.

    Returns:
      One phrase a variable, shapes that differ first.
    """
    differing = [
        f"{name} is {list(in_checkpoint[name])} there and {list(shape)} here"
        for name, shape in sorted(wanted.items())
        if name in in_checkpoint and in_checkpoint[name] != shape
    ]
    missing = [f"{name} is missing" for name in sorted(wanted) if name not in in_checkpoint]
    return differing + missing
