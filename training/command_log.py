"""`commands.jsonl`: the commands that trained in a folder, one line of JSON for each process."""

import dataclasses
import json
import os
import platform
import shlex
import sys
import time
from collections.abc import Mapping

import numpy as np
import tensorflow.compat.v1 as tf

from common import json_files, version

LOG_FILE = "commands.jsonl"


@dataclasses.dataclass(frozen=True)
class LoggedCommand:
    """A command that trained.

    Attributes:
      command: as a shell takes it.
      began: when its training began, local time.
      versions: of programs, and the machine, by name.
      folder: in which it ran, and which its relative paths begin in; "" where that is not known.
    """

    command: str
    began: str
    versions: Mapping[str, str]
    folder: str = ""


def this_process() -> LoggedCommand:
    """Returns the command of this process, which begins now."""
    gpus = tf.config.list_physical_devices("GPU")
    devices = f"{len(gpus)} GPUs" if gpus else f"{os.cpu_count()} CPU cores"
    return LoggedCommand(
        shlex.join(sys.argv),
        time.strftime("%Y-%m-%d %H:%M:%S"),
        {
            "DeepLabV3+": f"{version.VERSION} {version.revision()}".rstrip(),
            "TensorFlow": tf.version.VERSION,
            "Python": platform.python_version(),
            "NumPy": np.__version__,
            "machine": f"{platform.system()} {platform.machine()}, {devices}",
        },
        _working_folder(),
    )


def _working_folder() -> str:
    try:
        return os.getcwd()
    except OSError:  # It is gone.
        return ""


def append(folder: str) -> None:
    """Adds the command of this process.

    Raises:
      OSError: the file cannot be written.
    """
    line = json.dumps(dataclasses.asdict(this_process())) + "\n"
    with open(os.path.join(folder, LOG_FILE), "a+b") as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":  # What a full disk has cut off stays alone.
                line = "\n" + line
        file.write(line.encode())


def read(folder: str) -> list[LoggedCommand]:
    """Returns the commands that trained in a folder, the first one first; none without the file.

    Lines that are not whole are left out.
    """
    try:
        with open(os.path.join(folder, LOG_FILE), "rb") as file:
            lines = file.read().splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        try:
            found.append(json_files.to_record(LoggedCommand, json.loads(line), LOG_FILE))
        except ValueError:
            continue
    return found
