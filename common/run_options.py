"""`options.json`: what was trained, beside its checkpoints. Each task has fields of its own in it.

Commands read it so that nobody repeats what training was told.
"""

import os
from collections.abc import Mapping
from typing import Any

from common import json_files

OPTIONS_FILE = "options.json"
FORMAT_VERSION = 1
# Folder of the folders of training runs.
RUNS_ROOT = "runs"
# The task of files that name none, as those of earlier versions do.
DEFAULT_TASK = "deeplab"


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
