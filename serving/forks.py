"""Refuses what would hang forever: TensorFlow in a process that was forked after it had run.

A fork copies the memory of a process but only one of its threads. A session of TensorFlow then
waits for threads that do not exist; so does one made after the fork, since sessions share their
threads. OpenVINO and LiteRT have the same problem with threads of their own.
"""

import os


class ForkedProcessError(RuntimeError):
    """A model was to be used in a process forked from one that had loaded a model."""


# Process in which the first model was loaded.
_loaded_in: int | None = None


def note_loading() -> None:
    """Remembers that this process has loaded a model; `check` comes before."""
    global _loaded_in
    _loaded_in = os.getpid()


def is_forked() -> bool:
    """Returns whether this process was forked from one that had loaded a model."""
    return _loaded_in is not None and _loaded_in != os.getpid()


def check() -> None:
    """Raises ForkedProcessError if this process was forked from one that had loaded a model."""
    if is_forked():
        raise ForkedProcessError(
            f"process {os.getpid()} was forked from process {_loaded_in} after a model had been "
            "loaded there, and its engine would hang in it. Load the model in each worker and none "
            'before the fork, or start workers with multiprocessing\'s "spawn"; docs/serving.md '
            "shows how for gunicorn and Celery."
        )
