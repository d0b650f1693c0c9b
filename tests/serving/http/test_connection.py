"""Clients that stand still, read slowly, or do not speak HTTP, against uvicorn."""

import asyncio
import contextlib
import json

import pytest
import uvicorn

from serving.http import connection, server
from serving.http.connection import Connection

BODY = bytes(12 << 20)


async def large_answer(scope, receive, send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": BODY})


@contextlib.asynccontextmanager
async def client(limit: int = 1 << 16):
    """Yields reader and writer of a connection to a server, and all connections that it has.

    Args:
      limit: bytes that the reader takes before it is asked.
    """
    config = uvicorn.Config(large_answer, http=Connection, lifespan="off", log_config=None, port=0)
    running_server = server._Server(config)
    running = asyncio.create_task(running_server.serve())
    while not running_server.started:
        await asyncio.sleep(0.01)
    try:
        port = running_server.servers[0].sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=limit)
        yield reader, writer, running_server.server_state.connections
        writer.close()
    finally:
        running_server.should_exit = running_server.force_exit = True
        await running


@pytest.fixture(autouse=True)
def short_limits(monkeypatch):
    monkeypatch.setattr(connection, "_STALL_SECS", 0.5)
    monkeypatch.setattr(connection, "_HEAD_SECS", 0.5)


async def _ended(connections) -> bool:
    for _ in range(500):
        if not connections:
            return True
        await asyncio.sleep(0.01)
    return False


def test_a_client_that_does_not_read_its_answer_is_cut_off():
    async def run():
        async with client(limit=1 << 10) as (_, writer, connections):
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            while not connections:
                await asyncio.sleep(0.01)
            assert await _ended(connections)

    asyncio.run(run())


def test_a_client_that_reads_slowly_gets_all_of_it():
    async def run():
        async with client(limit=1 << 10) as (reader, writer, _):
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            num_read, start = 0, asyncio.get_running_loop().time()
            while chunk := await reader.read(1 << 19):
                num_read += len(chunk)
                await asyncio.sleep(len(chunk) / (8 << 20))
            assert num_read > len(BODY)
            assert asyncio.get_running_loop().time() - start > 0.5

    asyncio.run(run())


@pytest.mark.parametrize("sent", [b"", b"GET / HT"])
def test_a_client_that_asks_for_nothing_is_cut_off(sent):
    async def run():
        async with client() as (reader, writer, connections):
            writer.write(sent)
            with contextlib.suppress(ConnectionError):
                assert await asyncio.wait_for(reader.read(), 10) == b""
            assert await _ended(connections)

    asyncio.run(run())


def test_what_is_not_http_is_answered_as_json():
    async def run():
        async with client() as (reader, writer, _):
            writer.write(b"\x16\x03\x01 hello\r\n\r\n")
            head, body = (await asyncio.wait_for(reader.read(), 10)).split(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 400")
            assert json.loads(body) == {"error": "this is not a request of HTTP/1.1."}

    asyncio.run(run())
