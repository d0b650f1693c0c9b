"""Addresses on the web: an image is downloaded, a video is left to the reader of videos."""

import base64
import contextlib
import dataclasses
import http.client
import io
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator

from PIL import Image, UnidentifiedImageError

from common import image_files, video_files
from common.texts import printable
from serving.video import sources
from serving.video.sources import Source

# That an image may take in all.
_MAX_DOWNLOAD_SECS = 120
_MAX_IMAGE_BYTES = 256 << 20
_CHUNK_BYTES = 1 << 16
# Bytes that show the kind of an image.
_HEAD_BYTES = 4096
_VIDEO_FILE = "video/"
# Kinds of content that do not begin as a video file does, and may go on without an end: images one
# by one, and playlists, whose own length says nothing.
_ENDLESS = (
    "multipart/x-mixed-replace",
    *("application/vnd.apple.mpegurl", "application/x-mpegurl", "audio/mpegurl"),
)


def resolve(source: Source, folder: str) -> Source | str:
    """Finds out what an address leads to, and downloads it if it is an image.

    Args:
      source: the address.
      folder: where the image goes.

    Returns:
      The path of the image; for a video, the source with what its server says of it.

    Raises:
      ValueError: there is neither, the server refuses or is silent, or the image is too large or
        too slow; the message names the address.
    """
    with _explaining(source), _open(str(source.address)) as response:
        kind = response.headers.get_content_type().lower()
        has_length = response.headers.get("Content-Length") is not None
        if kind.startswith(_VIDEO_FILE) and has_length:
            return source
        if kind.startswith((_VIDEO_FILE, *_ENDLESS)):
            return dataclasses.replace(source, may_be_live=True)
        chunks = _chunks(response, source)
        head = b""
        while len(head) < _HEAD_BYTES and (chunk := next(chunks, b"")):
            head += chunk
        if video_files.is_video(head):
            return dataclasses.replace(source, may_be_live=not has_length)
        if not _is_image(head):
            what = image_files.describe_kind("", head) or f"content of type {printable(kind)}"
            raise ValueError(f"{source.shown}: neither an image nor a video ({what}).")
        path = os.path.join(folder, str(len(os.listdir(folder))))
        with open(path, "wb") as file:
            file.write(head)
            file.writelines(chunks)
        return path


def _open(address: str) -> http.client.HTTPResponse:
    parts = urllib.parse.urlsplit(address)
    host = parts.netloc.rpartition("@")[2]
    # Without the fragment, and with what an address may hold and a request may not, encoded.
    path = urllib.parse.quote(parts.path, safe="/%:@!$&'()*+,;=~")
    query = urllib.parse.quote(parts.query, safe="/%:@!$&'()*+,;=~?")
    host = host.encode("idna").decode() if not host.isascii() else host
    request = urllib.request.Request(
        urllib.parse.urlunsplit((parts.scheme, host, path, query, "")),
        headers={"User-Agent": "infer.py"},
    )
    if parts.username is not None:
        user = urllib.parse.unquote(parts.username)
        password = urllib.parse.unquote(parts.password or "")
        token = base64.b64encode(f"{user}:{password}".encode()).decode()
        request.add_unredirected_header("Authorization", f"Basic {token}")
    return urllib.request.urlopen(request, timeout=sources.SILENCE_SECS)


@contextlib.contextmanager
def _explaining(source: Source) -> Iterator[None]:
    """Turns what may go wrong with a connection into a ValueError that names the address."""
    try:
        yield
    except urllib.error.HTTPError as error:
        reason = f"the server answers {error.code} ({printable(str(error.reason))})"
    except (http.client.HTTPException, OSError, UnicodeError) as error:
        cause = getattr(error, "reason", error)
        if isinstance(error, OSError) and error.filename is not None:
            raise  # About our own file.
        if isinstance(cause, TimeoutError):
            reason = f"the server does not answer within {sources.SILENCE_SECS} s"
        else:
            text = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
            reason = f"it cannot be read ({printable(' '.join(text.split()))})"
    else:
        return
    raise ValueError(f"{source.shown}: {reason}.")


def _is_image(head: bytes) -> bool:
    """Returns whether Pillow knows the format of a file by its first bytes."""
    try:
        Image.open(io.BytesIO(head), formats=image_files.FORMATS).close()
    except UnidentifiedImageError:
        return False
    except Exception:  # Of a known format, but its head is longer than these bytes, or damaged.
        return True
    return True


def _chunks(response: http.client.HTTPResponse, source: Source) -> Iterator[bytes]:
    """Yields what a server sends; raises as `resolve` does."""
    end = time.monotonic() + _MAX_DOWNLOAD_SECS
    num_bytes = 0
    while chunk := response.read1(_CHUNK_BYTES):
        num_bytes += len(chunk)
        if num_bytes > _MAX_IMAGE_BYTES:
            raise ValueError(
                f"{source.shown}: the image has more than {_MAX_IMAGE_BYTES >> 20} MB; download it "
                "yourself and give the file."
            )
        if time.monotonic() > end:
            raise ValueError(
                f"{source.shown}: the image takes more than {_MAX_DOWNLOAD_SECS} s; download it "
                "yourself and give the file."
            )
        yield chunk
    expected = response.headers.get("Content-Length")
    if expected is not None and expected.isdecimal() and num_bytes < int(expected):
        raise ValueError(
            f"{source.shown}: the connection ended after {num_bytes} of {expected} bytes."
        )
