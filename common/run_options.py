"""`options.json`: what was trained, beside its checkpoints. Each task has fields of its own in it.

Commands read it so that nobody repeats what training was told.
"""

import os
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, TypeVar

from common import json_files
from common.texts import printable, shorten

OPTIONS_FILE = "options.json"
FORMAT_VERSION = 1
# Folder of the folders of training runs.
RUNS_ROOT = "runs"
# The task of files that name none, as those of earlier versions do.
DEFAULT_TASK = "deeplab"


class Validated(Protocol):
    """A dataclass that knows which of its values can be."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    def validate(self) -> None:
        """Raises ValueError that names a field and its value."""
        ...


_Record = TypeVar("_Record", bound=Validated)


def write(directory: str, task: str, fields: Mapping[str, Any]) -> str:
    """Writes `options.json` into a folder, whole or not at all, and returns its path."""
    path = os.path.join(directory, OPTIONS_FILE)
    json_files.write(path, {"format_version": FORMAT_VERSION, "task": task, **fields})
    return path


def read(directory: str, task: str) -> dict[str, Any]:
    """Reads the fields that a task wrote into the `options.json` of a folder.

    Raises:
      FileNotFoundError: there is none.
      ValueError: it is damaged, or of another version or task; the message names it.
    """
    path = os.path.join(directory, OPTIONS_FILE)
    content = json_files.read_object(path)
    version = content.pop("format_version", None)
    if version != FORMAT_VERSION:
        raise ValueError(
            f"{path} has format_version {version!r:.60}; this program reads {FORMAT_VERSION}."
        )
    trained = content.pop("task", DEFAULT_TASK)
    if trained != task:
        raise ValueError(
            f"{path} has the task {json_files.shown(trained)}, not {task}: name another folder, or "
            f"give --task={trained if isinstance(trained, str) and trained.isidentifier() else '…'}"
            "."
        )
    return content


def read_record(directory: str, task: str, kind: type[_Record], alternative: str = "") -> _Record:
    """Reads what a task wrote into the `options.json` of a folder.

    Args:
      directory: of a training run.
      task: of the training run.
      kind: the dataclass that describes it.
      alternative: what can be done instead of naming a folder, as the end of a sentence.

    Raises:
      ValueError: the file is missing, damaged or of another task; the message names it and, where
        one is to blame, the key and its value.
    """
    path = os.path.join(directory, OPTIONS_FILE)
    try:
        content = read(directory, task)
    except FileNotFoundError:
        raise ValueError(
            f"{path} is missing: train.py writes it beside its checkpoints. Name the train_logdir "
            f"of a training run{alternative}."
        ) from None
    return to_record(kind, content, path)


def to_record(kind: type[_Record], content: Mapping[str, Any], source: str) -> _Record:
    """Makes a record of its fields as JSON has them, and validates it.

    Raises:
      ValueError: a field is unknown or missing, or has a value that no training run writes; the
        message names the file (`source`), the field and the value.
    """
    record = json_files.to_record(kind, content, source)
    try:
        record.validate()
    except ValueError as error:
        raise ValueError(f"{printable(source)}: {printable(shorten(str(error)))}") from None
    return record


def read_task(directory: str) -> str | None:
    """Returns the task of the training run in a folder; None where no `options.json` tells it."""
    return task_in(os.path.join(directory, OPTIONS_FILE))


def task_in(path: str) -> str | None:
    """Returns what a JSON file calls its task; None where there is no such file, or it is damaged.

    Whoever reads the whole file says what is wrong with it.
    """
    try:
        task = json_files.read_object(path).get("task", DEFAULT_TASK)
    except (OSError, ValueError):
        return None
    return task if isinstance(task, str) else None
