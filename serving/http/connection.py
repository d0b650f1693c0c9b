"""A client's connection: uvicorn's, with errors as JSON, and limits on clients that stand still."""

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from serving.http import endpoints

# A client that takes fewer bytes of an answer in so many seconds is cut off: the answer is held in
# memory until it is taken.
_STALL_SECS = 30.0
_MIN_STALL_BYTES = 30 << 10
# From the connection to the end of its first request's head.
_HEAD_SECS = 30.0


class Connection(H11Protocol):
    """See uvicorn's class. All methods run in the event loop."""

    _watch: asyncio.TimerHandle | None = None
    _head_limit: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins to wait for the first request."""
        super().connection_made(transport)
        self._head_limit = self.loop.call_later(_HEAD_SECS, self._end_without_request)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops all watches."""
        self._stop_watch()
        if self._head_limit is not None:
            self._head_limit.cancel()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The client has not taken what was sent: begins to watch it."""
        super().pause_writing()
        if self._watch is None:
            self._look_later()

    def resume_writing(self) -> None:
        """The client has taken most of it."""
        self._stop_watch()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Answers what is not HTTP, as JSON, and closes the connection."""
        if self.conn.our_state is not h11.IDLE and self.conn.our_state is not h11.SEND_RESPONSE:
            self.transport.abort()  # In the middle of an answer there is no place for another.
            return
        answer = endpoints.error_response(400, "this is not a request of HTTP/1.1.")
        headers = [*answer.raw_headers, (b"connection", b"close")]
        for event in (
            h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
            h11.Data(data=bytes(answer.body)),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _look_later(self) -> None:
        before = self.transport.get_write_buffer_size()
        self._watch = self.loop.call_later(_STALL_SECS, self._look, before)

    def _look(self, before: int) -> None:
        if before - self.transport.get_write_buffer_size() < _MIN_STALL_BYTES:
            self._watch = None
            self.transport.abort()
        else:
            self._look_later()

    def _stop_watch(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def _end_without_request(self) -> None:
        if self.cycle is None:
            self.transport.abort()
