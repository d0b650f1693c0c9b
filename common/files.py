"""Writes files whole or not at all, clears away what killed writers left, and reads text.

A file is written under a temporary name in its own folder and renamed when it is complete. The
temporary name tells the host and the process that writes it, so that a later run knows which of
them nobody will ever finish.
"""

import codecs
import contextlib
import os
import re
import socket
import threading
import time
from collections.abc import Iterable, Iterator

from common.texts import printable

# Of the name that a temporary file is for; with the rest it stays below the 255 bytes of a name.
_MAX_NAME_BYTES = 120
# A host that is not ours may still be writing, but nobody writes one file for that long.
_MAX_AGE_SECS = 24 * 3600

_HOST = re.sub(r"[^A-Za-z0-9]", "", socket.gethostname())[:40] or "host"
_TEMPORARY_NAME = re.compile(r"\..*\.(?P<host>[A-Za-z0-9]+)-(?P<pid>\d+)-\d+\.tmp", re.DOTALL)

# UTF-32 first: its mark begins as that of UTF-16 does.
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}

_lock = threading.Lock()
_num_temporaries = 0
_in_progress: set[str] = set()


def write(path: str, content: bytes | memoryview) -> None:
    """Writes a file whole; a file of that name is replaced.

    Raises:
      OSError: it cannot be written; the message names it, and nothing is left behind.
    """
    with replacing(path) as temporary, open(temporary, "wb") as file:
        file.write(content)


def read_text(path: str) -> str:
    """Reads a text file that a user wrote: UTF-8, or UTF-16 or UTF-32 with a byte order mark.

    Raises:
      OSError: it cannot be read.
      ValueError: it is in another encoding, or not text; the message names the file and what
        to do.
    """
    with open(path, "rb") as file:
        data = file.read()
    marks = (encoding for mark, encoding in _BYTE_ORDER_MARKS.items() if data.startswith(mark))
    encoding = next(marks, "utf-8-sig")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        reason = "it is cut off"
        if encoding == "utf-8-sig":
            line = data.count(b"\n", 0, error.start) + 1
            reason = f"byte 0x{data[error.start]:02x} in line {line} is not UTF-8"
        raise ValueError(_describe_encoding(path, reason)) from None
    if "\0" in text:  # UTF-16 without its mark, or no text at all.
        raise ValueError(_describe_encoding(path, "it holds zero bytes"))
    return text


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
            if error.filename not in (None, temporary) or _is_named(error):
                raise  # It speaks of another file.
            raise _name_file(error, path) from error
        finally:
            with contextlib.suppress(OSError):
                os.remove(temporary)
    finally:
        with _lock:
            _in_progress.discard(os.path.abspath(temporary))


@contextlib.contextmanager
def set_aside(paths: Iterable[str]) -> Iterator[list[str]]:
    """Takes files away while a block runs, for good when it ends; when it raises, they come back.

    For files that must not be there beside what the block writes.

    Args:
      paths: the files; those that do not exist are skipped.

    Yields:
      The paths of those that existed.

    Raises:
      OSError: one cannot be renamed; the message names it.
    """
    moved: list[tuple[str, str]] = []
    try:
        for path in paths:
            if os.path.lexists(path):
                temporary = _temporary_path(path)
                try:
                    os.replace(path, temporary)
                except OSError as error:
                    raise _name_file(error, path) from error
                moved.append((path, temporary))
        yield [path for path, _ in moved]
    except BaseException:
        for path, temporary in moved:
            with contextlib.suppress(OSError):
                os.replace(temporary, path)
        raise
    finally:
        for _, temporary in moved:
            with contextlib.suppress(OSError):
                os.remove(temporary)
            with _lock:
                _in_progress.discard(os.path.abspath(temporary))


def remove_leftovers(folder: str, former: re.Pattern[str] | None = None) -> list[str]:
    """Removes the temporary files in a folder that no living process writes.

    Those of other hosts, which may share the folder, go when they are a day old.

    Args:
      folder: the folder.
      former: what earlier versions called such files; its group "pid" is the process.

    Returns:
      The paths that were removed.
    """
    removed = []
    with contextlib.suppress(OSError):  # No folder, or not ours to read.
        for name in os.listdir(folder):
            match = _TEMPORARY_NAME.fullmatch(name) or (former and former.fullmatch(name))
            path = os.path.join(folder, name)
            if match and _is_abandoned(
                path, match.groupdict().get("host", _HOST), int(match["pid"])
            ):
                with contextlib.suppress(OSError):
                    os.remove(path)
                    removed.append(path)
    return removed


def _describe_encoding(path: str, reason: str) -> str:
    return f"{printable(path)}: not a text file in UTF-8 ({reason}). Save it as UTF-8."


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
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True  # Another user's.
    return True


def _is_named(error: OSError) -> bool:
    """Whether `_name_file` made an error: the system's own have its words, others no number."""
    return error.errno is not None and error.strerror is None


def _name_file(error: OSError, path: str) -> OSError:
    named = type(error)(f"{printable(path)} cannot be written: {error.strerror or error}")
    named.errno = error.errno
    return named
