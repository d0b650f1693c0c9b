"""What an argument of a command names besides files: cameras, streams and addresses on the web."""

import dataclasses
import os
import re
import urllib.parse

from common.texts import printable
from serving import results

_CAMERA = re.compile(r"(?:camera:|/dev/video)(\d+)")
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
# OpenCV's FFmpeg has many more, which open files, and pipes to programs, as well.
_WEB = ("http", "https")
_STREAMS = ("rtsp", "rtsps")
# Seconds that a server may be silent.
SILENCE_SECS = 20
# In names of results: what file systems and shells take for something else.
_UNSAFE_LETTERS = re.compile(r"[\x00-\x1f\x7f/\\:*?\"<>|]+")


@dataclasses.dataclass(frozen=True)
class Source:
    """Where frames come from.

    Attributes:
      address: a path, an address with its scheme, or the number of a camera.
      shown: how messages call it: without the password or the token of an address.
      name_path: a path that results are named after, as those of a file are.
      is_live: whether it goes on without an end, and does not wait for a slow reader.
      may_be_live: whether it is if its container does not say how long it is, either.
    """

    address: str | int
    shown: str
    name_path: str
    is_live: bool = False
    may_be_live: bool = False

    @property
    def is_file(self) -> bool:
        return not self.is_camera and not _ADDRESS.match(str(self.address))

    @property
    def is_camera(self) -> bool:
        return isinstance(self.address, int)

    @property
    def is_on_web(self) -> bool:
        return str(self.address).lower().startswith(tuple(f"{each}://" for each in _WEB))


def of_file(path: str) -> Source:
    return Source(path, printable(path), path)


def parse(argument: str) -> Source | None:
    """Returns the camera, stream or web address that an argument names; None for a path.

    Raises:
      ValueError: it is an address that is not read.
    """
    camera = _CAMERA.fullmatch(argument)
    if camera is not None:
        number = int(camera[1])
        return Source(number, argument, os.path.abspath(f"camera{number}"), is_live=True)
    address = _ADDRESS.match(argument)
    if address is None or os.path.lexists(argument):
        return None
    scheme = address[1].lower()
    shown = _hide_secrets(argument)
    if scheme not in (*_WEB, *_STREAMS):
        expected = ", ".join(f"{each}://" for each in (*_WEB, *_STREAMS))
        raise ValueError(
            f"{shown}: addresses with {printable(scheme)}:// are not read; expected {expected}."
        )
    try:
        parts = urllib.parse.urlsplit(argument)
        host, _ = parts.hostname, parts.port  # Either may be a ValueError.
    except ValueError as error:
        raise ValueError(f"{shown}: not an address ({error}).") from None
    if not host:
        raise ValueError(f"{shown}: the address names no host.")
    last = urllib.parse.unquote(parts.path.rstrip("/").rpartition("/")[2], errors="replace")
    name = _UNSAFE_LETTERS.sub("_", last).strip(". ") or _UNSAFE_LETTERS.sub("_", host)
    name_path = os.path.abspath(os.path.join(_UNSAFE_LETTERS.sub("_", host), name))
    return Source(argument, shown, name_path, is_live=scheme in _STREAMS)


def _hide_secrets(address: str) -> str:
    """Returns an address without user, password and query, for messages."""
    scheme, _, rest = address.partition("://")
    end = min([rest.find(sign) for sign in "/?#" if sign in rest], default=len(rest))
    host = rest[:end].rpartition("@")[2]
    path = rest[end:].partition("?")[0].partition("#")[0]
    return printable(f"{scheme}://{host}{path}")


def choose_names(sources: list[Source]) -> list[str]:
    """Returns a different name for the results of each, see `results.choose_names`."""
    return results.choose_names([each.name_path for each in sources])
