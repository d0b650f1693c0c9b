"""The files of checkpoints: finding, naming and removing them, whatever their path.

    FOLDER/checkpoint                        names the newest checkpoint, and those before it
    FOLDER/model.ckpt-N.index                a checkpoint: which variables it has,
    FOLDER/model.ckpt-N.data-00000-of-00001  and their values

TensorFlow takes the paths by which it finds and removes checkpoints as patterns: in a folder whose
name has brackets it finds nothing, and for a training in `run?` it would remove the checkpoints of
`run1`. Nothing here does.
"""

import os
import re
import shutil
from collections.abc import Sequence

from google.protobuf import text_format
from tensorflow.python.training.checkpoint_state_pb2 import CheckpointState

from common import files

STATE_FILE = "checkpoint"

_ENDING = re.compile(r"\.(index|meta|data-\d{5}-of-\d{5})\Z")
# What a writer leaves that was killed: that of one file, that of several (TensorFlow's Saver of
# earlier versions), and what writes the file `checkpoint`.
_LEFTOVER = re.compile(
    r".+\.(index|data-\d{5}-of-\d{5})\.tempstate\d+|.+_temp(_[0-9a-f]+)?|checkpoint\.tmp[0-9a-f]+",
    re.DOTALL,
)
_MAX_STATE_BYTES = 1 << 24


def exists(prefix: str) -> bool:
    """Returns whether there is a checkpoint."""
    return os.path.isfile(f"{prefix}.index")


def find_all(directory: str) -> list[str]:
    """Returns the prefixes of the checkpoints in a folder, by step; [] if there is no folder."""
    try:
        names = os.listdir(directory)
    except OSError:
        return []
    indexes = (name for name in names if name.endswith(".index"))
    prefixes = [os.path.join(directory, prefix_of(name)) for name in indexes]
    return sorted(filter(exists, prefixes), key=lambda prefix: (_step_in_name(prefix), prefix))


def latest(directory: str) -> str | None:
    """Returns the prefix of the newest checkpoint in a folder, or None.

    The file `checkpoint` there decides; without it, as in downloads, or where it names none that is
    there, the highest step does.
    """
    found = read_state(directory) or find_all(directory)
    return found[-1] if found else None


def read_state(directory: str) -> list[str]:
    """Returns the prefixes of the checkpoints that the file `checkpoint` names, the newest last.

    A folder may have been copied, or moved to another machine: a checkpoint that the file names
    with another folder is taken from this one if it is here. Those that do not exist are left out;
    [] if the newest does not, or the file is missing or makes no sense.
    """
    try:
        with open(os.path.join(directory, STATE_FILE), "rb") as file:
            content = file.read(_MAX_STATE_BYTES)
        state = text_format.Parse(content, CheckpointState())
    except (OSError, ValueError, text_format.ParseError):
        return []
    newest = _find_named(directory, state.model_checkpoint_path)
    if newest is None:
        return []
    named = [_find_named(directory, path) for path in state.all_model_checkpoint_paths]
    before = [prefix for prefix in dict.fromkeys(named) if prefix not in (None, newest)]
    return [*before, newest]


def write_state(directory: str, prefixes: Sequence[str]) -> None:
    """Writes the file `checkpoint`: checkpoints in its folder, the newest last.

    The paths are relative, so that the folder can be moved.
    """
    names = list(map(os.path.basename, prefixes))
    state = CheckpointState(model_checkpoint_path=names[-1], all_model_checkpoint_paths=names)
    content = text_format.MessageToString(state)
    files.write(os.path.join(directory, STATE_FILE), content.encode())


def prefix_of(path: str) -> str:
    """Returns the prefix of the checkpoint that a file belongs to; the path if it is of none."""
    return _ENDING.sub("", path)


def files_of(prefix: str) -> list[str]:
    """Returns the paths of a checkpoint's files, the index last."""
    directory, name = os.path.split(prefix)
    found = [
        os.path.join(directory, entry)
        for entry in os.listdir(directory or ".")
        if entry != name and prefix_of(entry) == name
    ]
    return sorted(found, key=lambda path: (path.endswith(".index"), path))


def remove(prefix: str) -> None:
    """Removes the files of a checkpoint, the index first: while it is there, all others are."""
    for path in reversed(files_of(prefix)):
        os.remove(path)


def remove_leftovers(directory: str) -> list[str]:
    """Removes what killed writers left where nobody writes now; returns the removed paths."""
    removed = files.remove_leftovers(directory)
    for path in _matching(directory, _LEFTOVER):
        if os.path.isdir(path) and not os.path.islink(path):
            if not all(part.startswith("part-") for part in os.listdir(path)):
                continue  # A folder of somebody else's.
            shutil.rmtree(path)
        else:
            os.remove(path)
        removed.append(path)
    return removed


def remove_without_index(directory: str, name: str) -> list[str]:
    """Removes data files of checkpoints `name`-N without an index; returns their paths."""
    data = re.compile(rf"{re.escape(name)}-\d+\.data-\d{{5}}-of-\d{{5}}")
    removed = [path for path in _matching(directory, data) if not exists(prefix_of(path))]
    for path in removed:
        os.remove(path)
    return removed


def _matching(directory: str, pattern: re.Pattern[str]) -> list[str]:
    names = os.listdir(directory)
    return [os.path.join(directory, name) for name in names if pattern.fullmatch(name)]


def _step_in_name(prefix: str) -> int:
    """Returns the step that a checkpoint's name ends with; -1 if there is none."""
    match = re.search(r"-(\d{1,18})$", prefix)
    return int(match[1]) if match else -1


def _find_named(directory: str, path: str) -> str | None:
    """Returns the prefix of a checkpoint that the file `checkpoint` names, if it exists."""
    here = os.path.join(directory, os.path.basename(path))
    candidates = (here, path) if os.path.isabs(path) else (os.path.join(directory, path), here)
    return next((each for each in candidates if path and exists(each)), None)
