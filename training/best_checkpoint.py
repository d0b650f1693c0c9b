"""The best checkpoint of a training run, where no later one replaces it.

    runs/NAME/best_checkpoint      which it is and what it scored, as JSON
    runs/NAME/best/model.ckpt-N.*  a copy of its files
    runs/NAME/best/best_checkpoint the same facts, and beside them what else the folder needs to
                                   stand by itself

Every file is written under a temporary name and renamed, the record last. Whatever ends that half
way, the folder still has a whole checkpoint.
"""

import contextlib
import fcntl
import json
import math
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from common import checkpoint_files, files, json_files
from common.run_options import RUNS_ROOT
from published import cache
from training.checkpoints import BEST_FOLDER

RECORD_FILE = "best_checkpoint"
_FORMAT_VERSION = 1

_CURE = "The record of the best checkpoint is damaged: delete it, and score the checkpoints again."
# What every record has.
_TYPES = {"checkpoint": str, "step": int, "use_ema": bool}


def keep_if_best(
    checkpoint: str,
    metric: str,
    value: float,
    conditions: Mapping[str, Any],
    *,
    step: int,
    use_ema: bool,
    companions: Sequence[str] = (),
    higher_is_better: bool = True,
) -> str:
    """Keeps a checkpoint if it scores higher than the best so far, and returns a line for the user.

    Scores that were taken in different ways do not say which checkpoint is better, so they are not
    compared.

    Args:
      checkpoint: prefix of its files.
      metric, value: name and value of the score. NaN is never the best.
      conditions: how the score was taken; JSON's types.
      step: of the checkpoint.
      use_ema: whether the moving averages of its weights were scored.
      companions: names of files beside the checkpoint that are kept with it.
      higher_is_better: whether the best score is the highest one.

    Raises:
      ValueError: the record is damaged.
      OSError: the checkpoint cannot be copied; the best so far stays.
    """
    training = training_folder(checkpoint)
    if not os.access(training, os.W_OK):
        return f"not kept as the best: {training} cannot be written"
    if math.isnan(value):
        return f"not kept as the best: {metric} is not defined"
    record = {"step": step, metric: value, "use_ema": use_ema, **conditions}
    record = json.loads(json.dumps(record))  # Tuples as lists, to compare.
    directory, path = os.path.join(training, BEST_FOLDER), os.path.join(training, RECORD_FILE)
    with _alone_in(training):
        for folder in (training, directory):
            files.remove_leftovers(folder)
        best = read_record(training)
        reason = best and _reason_to_stay(best, record, metric, conditions, path, higher_is_better)
        if reason:
            return reason
        try:
            _copy(checkpoint, directory, companions)
            _write_records(training, os.path.basename(checkpoint), record)
        except OSError as error:
            if isinstance(error, FileNotFoundError) and not checkpoint_files.exists(checkpoint):
                return (
                    f"the best so far, but not kept: {checkpoint} was deleted meanwhile; raise "
                    "max_checkpoints_to_keep of the training run"
                )
            raise OSError(
                f"{checkpoint} cannot be copied to {directory} ({files.reason(error)}), so the "
                "best checkpoint so far stays. Is the disk full?"
            ) from error
        _remove_others(directory, os.path.basename(checkpoint))
    return f"the best so far, kept in {directory}"


def read_record(directory: str) -> dict[str, Any] | None:
    """Returns the record in a folder, of a training run or of its best checkpoint, if there is one.

    Raises:
      ValueError: it is damaged.
    """
    path = os.path.join(directory, RECORD_FILE)
    if not os.path.exists(path):
        return None
    try:
        record = json_files.read_object(path)
    except ValueError as error:
        raise ValueError(f"{error} {_CURE}") from None
    _check_types(record, _TYPES, path)
    checkpoint = os.path.join(directory, record["checkpoint"])
    return record if os.path.exists(f"{checkpoint}.index") else None


def was_scored_with_averages(checkpoint: str) -> bool:
    """Whether a checkpoint is kept as the best for the score of its averaged weights."""
    directory, name = os.path.split(checkpoint)
    record = read_record(directory)
    return record is not None and record["checkpoint"] == name and record["use_ema"]


def training_folder(checkpoint: str) -> str:
    """Returns the folder of the training run that a checkpoint, also its best one, belongs to.

    Published weights have none; results go to a folder of their name in `RUNS_ROOT`.
    """
    weights = cache.weights_at(checkpoint)
    if weights is not None:
        return os.path.join(RUNS_ROOT, weights.name)
    directory = os.path.dirname(checkpoint) or "."
    parent = os.path.normpath(os.path.join(directory, ".."))
    is_best = os.path.basename(os.path.abspath(directory)) == BEST_FOLDER
    return parent if is_best and os.path.exists(os.path.join(parent, RECORD_FILE)) else directory


def _check_types(record: Mapping[str, Any], types: Mapping[str, type], path: str) -> None:
    missing = sorted(set(types) - set(record))
    if missing:
        raise ValueError(f"{path} lacks {', '.join(missing)}. {_CURE}")
    try:
        for name, expected in types.items():
            json_files.check(record[name], expected, path, name)
    except ValueError as error:
        raise ValueError(f"{error} {_CURE}") from None


def _reason_to_stay(
    best: Mapping[str, Any],
    record: Mapping[str, Any],
    metric: str,
    conditions: Iterable[str],
    path: str,
    higher_is_better: bool,
) -> str | None:
    """Returns why the best checkpoint so far, recorded in `path`, stays the best, if it does."""
    for name in conditions:
        if record[name] != best.get(name):
            return (
                f"not compared with the best so far (step {best['step']}), which was scored with "
                f"{name} {json.dumps(best.get(name))} instead of {json.dumps(record[name])}; to "
                f"start over, delete {path}"
            )
    if metric not in best:
        return None
    _check_types({metric: best[metric]}, {metric: float}, path)
    new, old = record[metric], best[metric]
    if new <= old if higher_is_better else new >= old:
        return f"the best so far: {metric} {old:.4f} at step {best['step']}"
    return None


@contextlib.contextmanager
def _alone_in(directory: str) -> Iterator[None]:
    """Lets evaluations of one training run come one after the other."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some network file systems have no locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _copy(checkpoint: str, directory: str, companions: Sequence[str]) -> None:
    """Copies a checkpoint and its companions into a folder, if they are not there already."""
    source = os.path.dirname(checkpoint) or "."
    os.makedirs(directory, exist_ok=True)
    if os.path.samefile(source, directory):
        return
    paths = [each for each in checkpoint_files.files_of(checkpoint) if ".data-" in each]
    # TensorFlow deletes the index first: while that is there, the data before it were complete.
    paths.append(f"{checkpoint}.index")
    paths += [os.path.join(source, name) for name in companions]
    with contextlib.ExitStack() as stack:
        # The stack unwinds from its end: the data are renamed first, and nothing before all is
        # copied.
        for path in reversed(paths):
            copy = os.path.join(directory, os.path.basename(path))
            shutil.copyfile(path, stack.enter_context(files.replacing(copy)))


def _write_records(training: str, name: str, record: Mapping[str, Any]) -> None:
    """Says in both folders which checkpoint is the best; from then on it is."""
    directory = os.path.join(training, BEST_FOLDER)
    checkpoint_files.write_state(directory, [name])
    for folder, checkpoint in ((directory, name), (training, f"{BEST_FOLDER}/{name}")):
        content = {"format_version": _FORMAT_VERSION, "checkpoint": checkpoint, **record}
        json_files.write(os.path.join(folder, RECORD_FILE), content)


def _remove_others(directory: str, name: str) -> None:
    """Removes the checkpoints before, and what a killed evaluation left half copied."""
    for entry in os.listdir(directory):
        if entry.endswith(".tmp") or checkpoint_files.prefix_of(entry) not in (entry, name):
            os.remove(os.path.join(directory, entry))
