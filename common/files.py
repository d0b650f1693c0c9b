"""Writes files and folders whole or not at all, removes what killed writers left, reads text.

A file is written under a temporary name in its own folder and renamed when it is complete. The
temporary name tells the host and the process that writes it, so that a later run knows which of
them nobody will ever finish.
"""

import codecs
import contextlib
import itertools
import os
import re
import shutil
import socket
import tempfile
import time
from collections.abc import Iterable, Iterator

from common.texts import printable

# Of the name that a temporary file is for; with the rest it stays below the 255 bytes of a name.
_MAX_NAME_BYTES = 120
# A host that is not ours may still be writing, but nobody writes one file for that long.
_MAX_AGE_SECS = 24 * 3600

_HOST = re.sub(r"[^A-Za-z0-9]", "", socket.gethostname())[:40] or "host"
_TEMPORARY_NAME = re.compile(
    r"\..*\.(?P<host>[A-Za-z0-9]+)-(?P<pid>\d+)-\d+\.tmp(\.[a-z0-9]+)?", re.DOTALL
)

# UTF-32 first: its mark begins as that of UTF-16 does.
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}

_numbers = itertools.count(1)
_in_progress: set[str] = set()


def write(path: str, content: bytes | memoryview) -> None:
    """Writes a file whole, in place of one of that name. An OSError names the file."""
    with replacing(path) as temporary, open(temporary, "wb") as file:
        file.write(content)


def read_text(path: str) -> str:
    """Reads a text file that a user wrote: UTF-8, or UTF-16 or UTF-32 with a byte order mark.

    Raises:
      ValueError: it is in another encoding, or not text; names the file and what to do.
    """
    with open(path, "rb") as file:
        data = file.read()
    marks = (encoding for mark, encoding in _BYTE_ORDER_MARKS.items() if data.startswith(mark))
    encoding = next(marks, "utf-8-sig")
    reason = "it holds zero bytes"  # UTF-16 without its mark, or no text at all.
    try:
        text = data.decode(encoding)
        if "\0" not in text:
            return text
    except UnicodeDecodeError as error:
        reason = "it is cut off"
        if encoding == "utf-8-sig":
            line = data.count(b"\n", 0, error.start) + 1
            reason = f"byte 0x{data[error.start]:02x} in line {line} is not UTF-8"
    raise ValueError(f"{printable(path)}: not a text file in UTF-8 ({reason}). Save it as UTF-8.")


@contextlib.contextmanager
def replacing(path: str, ending: str = "") -> Iterator[str]:
    """Yields a temporary path beside `path`, which takes the place of `path` when the block ends.

    When the block raises, the temporary file is removed and `path` is as it was before. An OSError
    that cannot be about another file names `path`.

    Args:
      path: the file.
      ending: what the temporary path ends with, for writers that choose a format by it: ".mp4".
    """
    with _temporary(path, ending) as temporary:
        try:
            yield temporary
            os.replace(temporary, path)
        except OSError as error:
            # The system's own errors have its words, those of `cannot_write` do not.
            is_named = error.errno is not None and error.strerror is None
            if is_named or error.filename not in (None, temporary):
                raise
            raise cannot_write(printable(path), error) from error


@contextlib.contextmanager
def replacing_folder(path: str) -> Iterator[str]:
    """Yields an empty folder beside `path`, which takes the place of `path` when the block ends.

    When the block raises, it is removed, and `path` is as it was before. An OSError of the change
    names `path`.
    """
    with _temporary(path) as temporary:
        try:
            os.makedirs(temporary)
        except OSError as error:
            raise cannot_write(printable(path), error) from error
        yield temporary
        with set_aside([path]):
            try:
                os.replace(temporary, path)
            except OSError as error:
                raise cannot_write(printable(path), error) from error


@contextlib.contextmanager
def set_aside(paths: Iterable[str]) -> Iterator[list[str]]:
    """Takes files away while a block runs, for good when it ends; when it raises, they come back.

    For files, and whole folders, that must not be there beside what the block writes. Yields the
    paths of those that existed. An OSError names the one that cannot be renamed.
    """
    moved: dict[str, str] = {}
    with contextlib.ExitStack() as stack:
        try:
            for path in filter(os.path.lexists, paths):
                temporary = stack.enter_context(_temporary(path))
                try:
                    os.replace(path, temporary)
                except OSError as error:
                    raise cannot_write(printable(path), error) from error
                moved[path] = temporary
            yield list(moved)
        except BaseException:
            for path, temporary in moved.items():
                with contextlib.suppress(OSError):
                    os.replace(temporary, path)
            raise


def remove_leftovers(folder: str, former: re.Pattern[str] | None = None) -> list[str]:
    """Removes the temporary files in a folder that no living process writes; returns their paths.

    Temporary folders, too. Those of other hosts, which may share the folder, go when they are a
    day old.

    Args:
      folder: where they are.
      former: what earlier versions called such files; its group "pid" is the process.
    """
    removed = []
    with contextlib.suppress(OSError):  # No folder, or not ours to read.
        for name in os.listdir(folder):
            match = _TEMPORARY_NAME.fullmatch(name) or (former and former.fullmatch(name))
            if match and _is_abandoned(os.path.join(folder, name), **match.groupdict()):
                with contextlib.suppress(OSError):
                    _remove(os.path.join(folder, name))
                    removed.append(os.path.join(folder, name))
    return removed


@contextlib.contextmanager
def _temporary(path: str, ending: str = "") -> Iterator[str]:
    """Yields a temporary path for a file; what is there when the block ends is removed."""
    folder, name = os.path.split(path)
    # Without the bytes that are not UTF-8: some writers take only names that are.
    name = os.fsencode(name)[:_MAX_NAME_BYTES].decode(errors="ignore")
    name = f".{name}.{_HOST}-{os.getpid()}-{next(_numbers)}.tmp{ending}"
    temporary = os.path.join(folder, name)
    absolute = os.path.abspath(temporary)
    _in_progress.add(absolute)
    try:
        yield temporary
    finally:
        with contextlib.suppress(OSError):
            _remove(temporary)
        _in_progress.discard(absolute)


def _remove(path: str) -> None:
    """Removes a file, or a folder with all that is in it."""
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        os.remove(path)


def _is_abandoned(path: str, pid: str, host: str = _HOST) -> bool:
    if host != _HOST:
        return time.time() - os.path.getmtime(path) > _MAX_AGE_SECS
    if int(pid) == os.getpid():  # In a container every run may have the same number.
        return os.path.abspath(path) not in _in_progress
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:
        pass  # It runs, as another user.
    return False


def find_obstacle(folder: str) -> tuple[str, str] | None:
    """Finds what keeps a folder from being written to, or from being made where it is missing.

    Returns:
      (path, what is wrong with it, such as "is not a folder"); None where nothing is.
    """
    existing = os.path.abspath(folder)
    while not os.path.lexists(existing):
        existing = os.path.dirname(existing)
    if not os.path.isdir(existing):
        return existing, "is not a folder"
    if not os.access(existing, os.W_OK | os.X_OK):
        return existing, "cannot be written to"
    if not os.path.isdir(folder):
        try:  # What the access rights promise root does not hold everywhere, in /proc for one.
            with tempfile.TemporaryDirectory(prefix=".", suffix=".tmp", dir=existing):
                pass
        except OSError as error:
            return existing, f"cannot be written to ({reason(error)})"
    return None


def cannot_write(what: str, error: OSError) -> OSError:
    """Returns an error of the same kind as another one, which names what cannot be written."""
    named = type(error)(f"{what} cannot be written: {reason(error)}")
    named.errno = error.errno
    return named


def describe_error(error: OSError | ValueError) -> str:
    """Returns what an error says; of one of the system's the file and the reason, as a sentence."""
    if isinstance(error, OSError) and error.errno and error.filename:
        return f"{error.filename}: {reason(error)}."
    return str(error)


def reason(error: OSError) -> object:
    """Returns what the system says of an error, without its number and path."""
    return os.strerror(error.errno) if error.errno else error
