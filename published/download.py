"""Downloads a file over HTTP, and goes on where an earlier attempt ended.

    PATH        what has arrived
    PATH.json   of which file, so that parts of two are never put together

PATH.json is there as long as PATH is not complete.
"""

import contextlib
import dataclasses
import http.client
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

from tqdm import tqdm

from common import files, json_files
from common.texts import printable

# No published file has a third of it.
MAX_BYTES = 1 << 31
# Attempts that bring nothing new, before it is given up.
MAX_ATTEMPTS = 5
FIRST_PAUSE_SECS = 1.0
# That a server may be silent.
SILENCE_SECS = 30

_CHUNK_BYTES = 1 << 18
_PARTIAL, _UNSATISFIABLE = 206, 416
# Of those that the same request will meet again.
_REFUSALS = (401, 403, 404, 410, 451)
_RANGE = re.compile(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)")


class DownloadError(ValueError):
    """A file cannot be downloaded; the message says why, as the end of a sentence."""


class RefusedError(DownloadError):
    """The server does not have the file, or does not give it: trying again will not help."""


class _InterruptedError(Exception):
    """A download ended too early; the message says how."""


class _ChangedError(_InterruptedError):
    """The server has another file than the one whose beginning is there, which is removed."""


@dataclasses.dataclass(frozen=True)
class _Origin:
    """What a part of a file is of: its address, and what the server said of it."""

    address: str
    num_bytes: int | None = None
    validator: str | None = None


def download(
    address: str, path: str, num_bytes: int | None = None, shows_progress: bool = True
) -> None:
    """Downloads a file; what an attempt brought before it was interrupted is kept for the next.

    Args:
      address: http:// or https://.
      path: of the file; `path`.json is used, too.
      num_bytes: size of the file, where it is known.
      shows_progress: whether a bar on standard error shows what arrives.

    Raises:
      DownloadError: the server cannot be reached, refuses (RefusedError), or sends another file.
      OSError: the file cannot be written; names it.
    """
    num_attempts, most, has_begun = 0, _size(path), False
    while True:
        try:
            _attempt(address, path, num_bytes, shows_progress)
            break
        except _InterruptedError as error:
            size = _size(path)
            num_attempts = 1 if size > most else num_attempts + 1
            if isinstance(error, _ChangedError):
                most = 0
            elif num_attempts == MAX_ATTEMPTS or not (has_begun or size > most):
                raise DownloadError(str(error)) from None
            else:
                has_begun, most = True, max(most, size)
                time.sleep(FIRST_PAUSE_SECS * 2 ** (num_attempts - 1))
    _remove(_state_path(path))


def forget(path: str) -> None:
    """Removes what attempts have brought."""
    _remove(path)
    _remove(_state_path(path))


def _attempt(address: str, path: str, num_bytes: int | None, shows_progress: bool) -> None:
    """Goes on with a download; raises _InterruptedError where another attempt may bring more."""
    origin = _read_state(path)
    if origin is None or origin.address != address:
        forget(path)
        origin = None
    start = _size(path)
    # A coding of the content would have places of its own.
    headers = {"User-Agent": "deeplab-weights", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
        if origin is not None and origin.validator is not None:
            headers["If-Range"] = origin.validator
    with _naming_failures("the server cannot be reached"):
        try:
            response = urllib.request.urlopen(
                urllib.request.Request(address, headers=headers), timeout=SILENCE_SECS
            )
        except urllib.error.HTTPError as error:
            if error.code == _UNSATISFIABLE and start:
                if origin is not None and origin.num_bytes == start:
                    return
                forget(path)
                raise _ChangedError from None
            raise
    with response:
        start, total = _place(response, start)
        _check_size(total, num_bytes)
        if start and origin is not None and origin.num_bytes not in (None, total):
            forget(path)
            raise _ChangedError
        if not start:
            forget(path)
        fields = dataclasses.asdict(_Origin(address, total, _validator(response)))
        json_files.write(_state_path(path), fields)
        with tqdm(
            total=total,
            initial=start,
            unit="B",
            unit_scale=True,
            desc=address.rpartition("/")[2],
            disable=not shows_progress,
        ) as bar:
            received = _receive(response, path, start, bar)
    if total is not None and received < total:
        raise _InterruptedError(f"the connection ended after {received} of {total} bytes")
    _check_size(received, num_bytes)


def _receive(response: http.client.HTTPResponse, path: str, start: int, bar: tqdm) -> int:
    """Writes what arrives behind the first `start` bytes of a file; returns its size."""
    size = start
    try:
        with open(path, "ab") as file:
            while True:
                with _naming_failures("the connection broke off"):
                    chunk = response.read1(_CHUNK_BYTES)
                if not chunk:
                    return size
                size += len(chunk)
                _check_size(size, None)
                file.write(chunk)
                bar.update(len(chunk))
    except OSError as error:
        raise files.cannot_write(printable(path), error) from error


def _place(response: http.client.HTTPResponse, wanted: int) -> tuple[int, int | None]:
    """Returns where in the file an answer begins, and the file's size if the server says it."""
    if response.status != _PARTIAL:
        length = response.headers.get("Content-Length", "")
        return 0, int(length) if length.isdecimal() else None
    found = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if found is None or found[1] is None or int(found[1]) != wanted:
        raise DownloadError("the server sends another part of the file than the one asked for")
    return wanted, int(found[2]) if found[2] != "*" else None


def _check_size(num_bytes: int | None, expected: int | None) -> None:
    if num_bytes is None:
        return
    if num_bytes > MAX_BYTES:
        raise DownloadError(f"the file has more than {MAX_BYTES >> 20} MiB, as none of these has")
    if expected is not None and num_bytes != expected:
        raise DownloadError(f"the server's file has {num_bytes} bytes; expected {expected}")


def _validator(response: http.client.HTTPResponse) -> str | None:
    """Returns what tells a file on a server from a later one; None if the server does not say."""
    tag = response.headers.get("ETag", "")
    return tag if tag.startswith('"') else response.headers.get("Last-Modified")


@contextlib.contextmanager
def _naming_failures(what: str) -> Iterator[None]:
    """Turns what may go wrong with a connection into `DownloadError` or `_InterruptedError`.

    Args:
      what: what is said of failures that have no words of their own here.
    """
    try:
        yield
    except urllib.error.HTTPError as error:
        kind = RefusedError if error.code in _REFUSALS else DownloadError
        raise kind(f"the server answers {error.code} ({printable(str(error.reason))})") from None
    except (http.client.HTTPException, OSError, ValueError) as error:
        cause = getattr(error, "reason", error)
        if isinstance(cause, TimeoutError):
            raise _InterruptedError(f"the server is silent for {SILENCE_SECS} s") from None
        text = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
        raise _InterruptedError(f"{what} ({printable(' '.join(text.split()))})") from None


def _read_state(path: str) -> _Origin | None:
    try:
        return json_files.to_record(_Origin, json_files.read_object(_state_path(path)), path)
    except (OSError, ValueError):
        return None


def _state_path(path: str) -> str:
    return f"{path}.json"


def _size(path: str) -> int:
    return os.path.getsize(path) if os.path.exists(path) else 0


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.remove(path)
