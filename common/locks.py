"""Keeps two processes from writing into one folder."""

import contextlib
import fcntl
import io
import json
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

LOCK_FILE = ".lock"

# Files whose locks this process holds.
_held: set[io.FileIO] = set()


class FolderInUseError(ValueError):
    """Another process writes into a folder."""


@contextlib.contextmanager
def sole_writer(folder: str, what: str, advice: str, lock_folder: str = "") -> Iterator[None]:
    """Makes this process the only one that writes into a folder while a block runs.

    The lock is the operating system's and ends with the process, however that ends; the file, which
    stays, only tells others who holds it. File systems without locks are used without one.

    Args:
      folder: an existing folder.
      what: what the other process would be doing, for the error: "a training run".
      advice: what the user can do about it, for the error.
      lock_folder: an existing folder within it that holds the file; "" for itself.

    Raises:
      FolderInUseError: another process holds the lock; names the folder and the process.
      OSError: the folder cannot be written to.
    """
    path = os.path.join(folder, lock_folder, LOCK_FILE)
    # Unbuffered, so that a full disk, which only keeps the holder from being told, is not met again
    # when the file is closed.
    with open(path, "ab", buffering=0) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FolderInUseError(
                f"{folder} is in use by {what}{_describe_holder(path)}. {advice}"
            ) from None
        except OSError:  # Some network file systems have no locks.
            yield
            return
        holder = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": time.strftime("%Y-%m-%d %H:%M:%S"),
            "command": " ".join(sys.argv),
        }
        with contextlib.suppress(OSError):
            file.truncate(0)
            file.write(json.dumps(holder).encode())
        _held.add(file)
        try:
            yield
        finally:
            _held.discard(file)


@contextlib.contextmanager
def sole_writer_in_turn(
    folder: str, what: str, report: Callable[[str], None], pause_secs: float = 0.2
) -> Iterator[None]:
    """Is `sole_writer`, but waits for another process to end, and says so once.

    Args:
      folder, what: see `sole_writer`.
      report: is told for whom this process waits.
      pause_secs: between two looks whether it has ended.
    """
    with contextlib.ExitStack() as stack:
        is_told = False
        while True:
            try:
                stack.enter_context(sole_writer(folder, what, "Waiting for it to end."))
                break
            except FolderInUseError as error:
                if not is_told:
                    report(str(error))
                is_told = True
                time.sleep(pause_secs)
        yield


def _forget_in_child() -> None:
    """Closes what a forked process inherits, so that its locks end with its parent."""
    for file in _held:
        file.close()
    _held.clear()


os.register_at_fork(after_in_child=_forget_in_child)


def _describe_holder(path: str) -> str:
    """Says who holds a lock, as far as its file tells."""
    holder = _read_holder(path)
    if holder is None:
        return ""
    return (
        f", process {holder['pid']} on {holder['host']}, since {holder['since']} "
        f"({holder['command']})"
    )


def _read_holder(path: str) -> dict[str, Any] | None:
    """Returns what the file of a lock says; None where it does not say all."""
    try:
        with open(path, encoding="utf-8") as file:
            holder = json.load(file)
        return {name: holder[name] for name in ("pid", "host", "since", "command")}
    except (OSError, ValueError, KeyError, TypeError):
        return None
