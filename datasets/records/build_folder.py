"""The folder that a dataset is built into: its lock, and what is remembered of its shards.

Beside the shards lies the folder `.build` with a small JSON file for each finished shard, by which
the next build knows what it may keep. Shards that are written while a check is reading their
examples lie in `.build/ahead`, with such files of their own.
"""

import contextlib
import dataclasses
import os
import shutil
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from common import dataset_files, files, json_files, locks
from common.dataset_files import DATASET_FILE
from datasets.records import shard_names, tfrecords

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


_STATE_DIR = ".build"
# Whose shards these are, which `dataset.json` does not say before the end, and what they are of.
_OWNER_FILE = "owner.json"
_AHEAD_DIR = "ahead"

_Note = TypeVar("_Note", bound="DataclassInstance")


@contextlib.contextmanager
def sole_build(output_dir: str) -> Iterator[None]:
    """Makes this process the only one that builds into a folder, which is created if need be.

    Plan within the block: an older plan may count on shards that another build has replaced. Where
    the block fails and has kept nothing, folders that were made for it go again.

    Raises:
      FolderInUseError: another process builds into it; the message names both.
      OSError: the folder cannot be written to.
    """
    check_writable(output_dir)
    made = _missing_folders(output_dir)
    os.makedirs(os.path.join(output_dir, _STATE_DIR), exist_ok=True)
    advice = "Wait until that one has ended, or choose another output_dir."
    with locks.sole_writer(output_dir, "another build of a dataset", advice, _STATE_DIR):
        try:
            yield
        except BaseException:
            _remove_unused(made)  # While the lock, which is in one of them, is still this build's.
            raise


def was_begun(output_dir: str) -> bool:
    """Returns whether a build, finished, stopped or still running, has created a folder."""
    return os.path.isdir(os.path.join(output_dir, _STATE_DIR))


def check_writable(output_dir: str) -> None:
    """Raises OSError if a folder cannot be written to or made: before images are read."""
    obstacle = files.find_obstacle(output_dir)
    if obstacle is not None:
        path, problem = obstacle
        kind = PermissionError if os.path.isdir(path) else NotADirectoryError
        raise kind(f"output_dir {output_dir}: {path} {problem}. Choose another with --output_dir.")


def prepare(output_dir: str, shards: Collection[str], *, is_finished: bool) -> None:
    """Removes from a folder what killed builds left, and earlier ones that had other shards.

    Args:
      shards: the paths of all shards there will be.
      is_finished: whether these are there already.
    """
    state_dir = os.path.join(output_dir, _STATE_DIR)
    os.makedirs(state_dir, exist_ok=True)
    tfrecords.remove_temporary_files(output_dir)
    files.remove_leftovers(state_dir)
    kept = {
        locks.LOCK_FILE,
        _OWNER_FILE,
        _AHEAD_DIR,
        *(os.path.basename(_note_path(path)) for path in shards),
    }
    stale = [path for path in shard_names.list_ours(output_dir) if path not in shards]
    stale += [os.path.join(state_dir, name) for name in {*os.listdir(state_dir)} - kept]
    if stale or not is_finished:
        # Until all shards fit together again they must not be taken for a dataset.
        _remove(os.path.join(output_dir, DATASET_FILE))
    for path in stale:
        os.remove(path)


def remember_owner(output_dir: str, task: str, name: str, data_dir: str | None) -> None:
    """Writes down which dataset is built into a folder.

    Args:
      output_dir: the folder.
      task, name: of the dataset.
      data_dir: folder of the images that it is built of; None where that is not known.
    """
    directory = os.path.join(output_dir, _STATE_DIR)
    os.makedirs(directory, exist_ok=True)
    fields = {"task": task, "name": name, "data_dir": dataset_files.absolute(data_dir)}
    json_files.write(os.path.join(directory, _OWNER_FILE), fields)


def recall_owner(output_dir: str) -> tuple[str, str] | None:
    """Returns task and name of the dataset that was built into a folder last; None if unknown."""
    fields = _read_owner(output_dir)
    task, name = fields.get("task"), fields.get("name")
    return (task, name) if isinstance(task, str) and isinstance(name, str) else None


def recall_data_dir(output_dir: str) -> str:
    """Returns the absolute path of the folder whose images were built into another one last.

    Returns:
      The path; "" where it is not known, as for records of earlier versions and other programs.
    """
    data_dir = _read_owner(output_dir).get("data_dir")
    return data_dir if isinstance(data_dir, str) else ""


def _read_owner(output_dir: str) -> dict[str, Any]:
    try:
        return json_files.read_object(os.path.join(output_dir, _STATE_DIR, _OWNER_FILE))
    except (OSError, ValueError):
        return {}


def list_foreign(output_dir: str, ending: str) -> list[str]:
    """Returns shards that no build has written into a folder: of other programs, or copied there.

    A shard whose note is lost is known by those of the others of its split.

    Args:
      ending: of the names of the shards that builds write there.
    """
    paths = shard_names.list_ours(output_dir)
    noted = {_set_of(path) for path in paths if os.path.exists(_note_path(path))}
    return [
        path for path in paths if os.path.splitext(path)[1] != ending or _set_of(path) not in noted
    ]


def _set_of(shard_path: str) -> tuple[str, ...]:
    """Returns what the shards of a split have in common: its name, their number and ending."""
    split, _, rest = os.path.basename(shard_path).rpartition("-of-")
    return split.rpartition("-")[0], rest


def remember(shard_path: str, note: "DataclassInstance") -> None:
    """Writes down a dataclass that says that a shard is finished.

    Call it just before the shard appears, so that an interrupted build never shows a shard that the
    next one would write again; without the shard's file the note does not count.
    """
    json_files.write(_note_path(shard_path), dataclasses.asdict(note))


def recall(shard_path: str, kind: type[_Note]) -> _Note:
    """Returns what is remembered of a shard; an OSError or ValueError where nothing usable is."""
    path = _note_path(shard_path)
    return json_files.to_record(kind, json_files.read_object(path), path)


def remember_failure(shard_path: str, message: str) -> None:
    """Writes down why a shard cannot be written, where an exception would not reach the caller."""
    files.write(_failure_path(shard_path), message.encode(errors="backslashreplace"))


def recall_failure(shard_path: str) -> str | None:
    """Returns why a shard could not be written, or None; `prepare` forgets it."""
    try:
        with open(_failure_path(shard_path), encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return None


def make_ahead(output_dir: str) -> None:
    """Makes the folder for shards that are written while a check is reading, or tidies it up."""
    directory = os.path.join(output_dir, _STATE_DIR, _AHEAD_DIR)
    os.makedirs(os.path.join(directory, _STATE_DIR), exist_ok=True)
    tfrecords.remove_temporary_files(directory)


def path_ahead(shard_path: str) -> str:
    """Returns where a shard lies as long as its examples are being checked."""
    directory, name = os.path.split(shard_path)
    return os.path.join(directory, _STATE_DIR, _AHEAD_DIR, name)


def bring(shard_path: str) -> None:
    """Brings a shard and what is remembered of it from where it was written ahead to its place."""
    discard(shard_path)
    ahead = path_ahead(shard_path)
    os.replace(_note_path(ahead), _note_path(shard_path))
    os.replace(ahead, shard_path)


def remove_ahead(output_dir: str) -> None:
    """Removes the shards that were written ahead and not brought to their places."""
    shutil.rmtree(os.path.join(output_dir, _STATE_DIR, _AHEAD_DIR), ignore_errors=True)


def discard(shard_path: str) -> None:
    """Removes what an earlier build left of a shard that has to be written again."""
    _remove(shard_path)
    _remove(_note_path(shard_path))  # Last: a shard without a note is taken for another program's.


def _note_path(shard_path: str) -> str:
    directory, name = os.path.split(shard_path)
    return os.path.join(directory, _STATE_DIR, name.removesuffix(tfrecords.SHARD_ENDING) + ".json")


def _failure_path(shard_path: str) -> str:
    return _note_path(shard_path).removesuffix(".json") + ".failed"


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.remove(path)


def _missing_folders(output_dir: str) -> list[str]:
    """Returns the folders that `sole_build` makes, those that are in others first."""
    missing = []
    path = os.path.join(os.path.abspath(output_dir), _STATE_DIR)
    while not os.path.exists(path):
        missing.append(path)
        path = os.path.dirname(path)
    return missing


def _remove_unused(made: Sequence[str]) -> None:
    """Removes folders that were made for a build which has kept nothing.

    Args:
      made: see `_missing_folders`.
    """
    with contextlib.suppress(OSError):  # Something is in them.
        for path in made:
            if os.path.basename(path) == _STATE_DIR and os.listdir(path) == [locks.LOCK_FILE]:
                os.remove(os.path.join(path, locks.LOCK_FILE))
            os.rmdir(path)
