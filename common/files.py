"""Writes files whole or not at all, and clears away what killed writers left.

A file is written under a temporary name in its own folder and renamed when it is complete. The
temporary name tells the host and the process that writes it, so that a later run knows which of
them nobody will ever finish.
"""

import contextlib
import os
import re
import socket
import threading
import time
from collections.abc import Iterator

from common.texts import printable

# Of the name that a temporary file is for; with the rest it stays below the 255 bytes of a name.
_MAX_NAME_BYTES = 120
# A host that is not ours may still be writing, but nobody writes one file for that long.
_MAX_AGE_SECS = 24 * 3600

# Attribute of errors whose message names their file already.
_NAMED = "names_its_file"

_HOST = re.sub(r"[^A-Za-z0-9]", "", socket.gethostname())[:40] or "host"
_TEMPORARY_NAME = re.compile(r"\..*\.(?P<host>[A-Za-z0-9]+)-(?P<pid>\d+)-\d+\.tmp", re.DOTALL)

_lock = threading.Lock()
_num_temporaries = 0
_in_progress: set[str] = set()


def write(path: str, content: bytes) -> None:
    """Writes a file whole; a file of that name is replaced.

    Raises:
      OSError: it cannot be written; the message names it, and nothing is left behind.
    """
    with replacing(path) as temporary, open(temporary, "wb") as file:
        file.write(content)


@contextlib.contextmanager
def replacing(path: str) -> Iterator[str]:
    """Lets a block write a file under a temporary name, and renames it when the block ends.

    When the block raises, the temporary file is removed and `path` is as it was before.

    Args:
      path: the file.

    Yields:
      The temporary path, in the folder of `path`.

    Raises:
      OSError: it cannot be written; the message names `path`.
    """
    temporary = _temporary_path(path)
    try:
        try:
            yield temporary
            os.replace(temporary, path)
        except OSError as error:
            if error.filename not in (None, temporary) or hasattr(error, _NAMED):
                raise  # It speaks of another file.
            raise _name_file(error, path) from error
        finally:
            with contextlib.suppress(OSError):
                os.remove(temporary)
    finally:
        with _lock:
            _in_progress.discard(os.path.abspath(temporary))


def remove_leftovers(folder: str) -> list[str]:
    """Removes the temporary files in a folder that no living process writes.

    Those of other hosts, which may share the folder, go when they are a day old.

    Returns:
      The paths that were removed.
    """
    removed = []
    with contextlib.suppress(OSError):  # No folder, or not ours to read.
        for name in os.listdir(folder):
            match = _TEMPORARY_NAME.fullmatch(name)
            path = os.path.join(folder, name)
            if match and _is_abandoned(path, match["host"], int(match["pid"])):
                with contextlib.suppress(OSError):
                    os.remove(path)
                    removed.append(path)
    return removed


def _temporary_path(path: str) -> str:
    global _num_temporaries
    folder, name = os.path.split(path)
    with _lock:
        _num_temporaries += 1
        number = _num_temporaries
    name = os.fsdecode(os.fsencode(name)[:_MAX_NAME_BYTES])
    temporary = os.path.join(folder, f".{name}.{_HOST}-{os.getpid()}-{number}.tmp")
    with _lock:
        _in_progress.add(os.path.abspath(temporary))
    return temporary


def _is_abandoned(path: str, host: str, pid: int) -> bool:
    if host != _HOST:
        return time.time() - os.path.getmtime(path) > _MAX_AGE_SECS
    if pid == os.getpid():  # In a container every run may have the same number.
        return os.path.abspath(path) not in _in_progress
    return not is_running(pid)


def is_running(pid: int) -> bool:
    """Returns whether a process of this host runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # Another user's.
    return True


def _name_file(error: OSError, path: str) -> OSError:
    named = type(error)(f"{printable(path)} cannot be written: {error.strerror or error}")
    named.errno = error.errno
    setattr(named, _NAMED, True)
    return named
