"""Reads the bodies of requests, within the limits on bytes, memory and time."""

import asyncio
import dataclasses
import time
from collections.abc import AsyncGenerator

from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive

from serving.http.budget import Lease
from serving.http.refusals import Refusal

_MULTIPART = "multipart/form-data"
_OCTETS = "application/octet-stream"
# What curl's --data-binary says of every body.
_OF_CURL = "application/x-www-form-urlencoded"
# So that a client that only reads after it has written gets its answer; more is cut off.
_MAX_DISCARDED_BYTES = 64 << 20
_MAX_DISCARD_SECS = 5.0
_MAX_FIELDS = 20


@dataclasses.dataclass(frozen=True)
class ImageBody:
    """An image file of a request, and the fields of its form, if it had one."""

    data: bytes
    fields: dict[str, str]


async def read(request: Request, max_bytes: int, lease: Lease) -> bytes:
    """Returns a body.

    Raises:
      Refusal: 413 for a larger one, 415 for a compressed one, 429 if others have the memory.
    """
    encoding = request.headers.get("content-encoding", "identity")
    if encoding.lower() != "identity":
        raise Refusal(415, f"content-encoding is {encoding[:40]!r}; send the body as it is.")
    stated = request.headers.get("content-length", "")
    if stated.isdecimal() and int(stated) > max_bytes:
        raise _too_large(max_bytes)
    chunks: list[bytes] = []
    num_bytes = 0
    try:
        async for chunk in request.stream():
            num_bytes += len(chunk)
            if num_bytes > max_bytes:
                raise _too_large(max_bytes)
            lease.take(2 * len(chunk))  # Once more when they are joined.
            chunks.append(chunk)
    except ClientDisconnect:
        raise Refusal(400, "the connection ended before the body did.") from None
    return b"".join(chunks)


class TrackedBody:
    """ASGI's `receive` of a request, which knows whether the body has begun, and is over."""

    def __init__(self, receive: Receive):
        self._receive = receive
        self.has_begun = False
        self.is_over = False

    async def __call__(self) -> Message:
        self.has_begun = True
        message = await self._receive()
        self.is_over |= message["type"] != "http.request" or not message.get("more_body", False)
        return message

    async def discard(self) -> bool:
        """Reads what is left; returns whether it came to the end.

        A client that writes all of its body before it reads would not see an early answer.
        """
        deadline = time.monotonic() + _MAX_DISCARD_SECS
        num_bytes = 0
        while not self.is_over and num_bytes <= _MAX_DISCARDED_BYTES:
            try:
                left = max(0.0, deadline - time.monotonic())
                message = await asyncio.wait_for(self(), left)
            except asyncio.TimeoutError:
                break
            num_bytes += len(message.get("body", b""))
        return self.is_over


def _too_large(max_bytes: int) -> Refusal:
    return Refusal(
        413, f"the body has more than {max_bytes} bytes, which are taken at most (--max_bytes)."
    )


def media_type(request: Request) -> str:
    """Returns the content type without its parameters; "" for none."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def read_image(request: Request, max_bytes: int, lease: Lease) -> ImageBody:
    """Returns the image file that is a body, or that is in a form.

    Raises:
      Refusal: see `read`; 415 for a body of another type, 400 for a form without an image.
    """
    kind = media_type(request)
    if kind == _MULTIPART:
        data = await read(request, max_bytes, lease)
        return await _of_form(request.headers, data)
    if not (kind.startswith("image/") or kind in ("", _OCTETS, _OF_CURL)):
        raise Refusal(
            415,
            f"content-type is {kind[:60]!r}; expected image/… or {_OCTETS} with the bytes of an "
            f"image file, or {_MULTIPART} with one file.",
        )
    data = await read(request, max_bytes, lease)
    if not data:
        raise Refusal(400, "the body is empty; expected the bytes of an image file.")
    return ImageBody(data, {})


async def _of_form(headers: Headers, data: bytes) -> ImageBody:
    async def stream() -> AsyncGenerator[bytes]:
        yield data
        yield b""

    try:
        parser = MultiPartParser(
            headers, stream(), max_files=2, max_fields=_MAX_FIELDS, max_part_size=1 << 16
        )
        # What is over this size would go to a file on the disk.
        parser.spool_max_size = len(data) + 1
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError, UnicodeError) as error:
        reason = getattr(error, "message", "") or "it has no boundary, or is damaged"
        raise Refusal(400, f"the form cannot be read: {reason.rstrip('.')}.") from None
    try:
        files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
        fields = {key: value for key, value in form.multi_items() if isinstance(value, str)}
        if len(files) != 1:
            raise Refusal(400, f"the form has {len(files)} files; expected one, the image.")
        content = await files[0].read()
    finally:
        await form.close()
    if not content:
        raise Refusal(400, "the file in the form is empty; expected an image file.")
    return ImageBody(content, fields)
