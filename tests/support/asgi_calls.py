"""Calls an ASGI application without a network, from ordinary tests."""

import asyncio
import dataclasses
import json
import threading
from collections.abc import Callable, Coroutine, Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class Answer:
    """What came back; `headers` has lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> str:
        """The message of an error, which is all that it has."""
        value = self.json
        assert list(value) == ["error"]
        return value["error"]


class Loop:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine, timeout: float = 60) -> Any:
        """Returns what a coroutine returns."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout)

    def call(self, function: Callable, *arguments: Any) -> Any:
        """Calls a function on the loop."""

        async def run() -> Any:
            return function(*arguments)

        return self.run(run())

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def request(
    app: Callable,
    method: str,
    target: str,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    chunk_size: int = 1 << 16,
    pause: float = 0,
) -> Answer:
    """Sends a request.

    Args:
      app: of ASGI.
      method, target: as in a request's first line.
      body: it arrives in chunks of `chunk_size` bytes, with `pause` seconds between.
      headers: of the request.
    """
    path, _, query = target.partition("?")
    given = {"content-length": str(len(body)), **(headers or {})}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in given.items()],
        "client": ("127.0.0.1", 1234),
        "server": ("127.0.0.1", 8000),
    }
    chunks = [body[i : i + chunk_size] for i in range(0, len(body), chunk_size)] or [b""]
    sent: list[dict] = []

    async def receive() -> dict:
        if not chunks:
            await asyncio.sleep(3600)
        await asyncio.sleep(pause)
        chunk = chunks.pop(0)
        return {"type": "http.request", "body": chunk, "more_body": bool(chunks)}

    async def send(message: dict) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start, *rest = sent
    return Answer(
        start["status"],
        {name.decode(): value.decode() for name, value in start["headers"]},
        b"".join(each.get("body", b"") for each in rest),
    )
