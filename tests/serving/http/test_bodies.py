"""Bodies of requests beyond what tests of the endpoints send."""

import asyncio

import pytest
from starlette.requests import Request

from serving.http import bodies
from serving.http.budget import Budget
from serving.http.refusals import Refusal


def read(messages, headers=(), max_bytes=100):
    pending = list(messages)

    async def receive():
        return pending.pop(0)

    async def run():
        scope = {"type": "http", "method": "POST", "path": "/", "headers": list(headers)}
        with Budget(10_000).lease() as lease:
            return await bodies.read(Request(scope, receive), max_bytes, lease)

    return asyncio.run(run())


def chunk(body: bytes, more: bool = False) -> dict:
    return {"type": "http.request", "body": body, "more_body": more}


def test_chunks_are_joined():
    assert read([chunk(b"ab", more=True), chunk(b"", more=True), chunk(b"c")]) == b"abc"


def test_a_body_without_a_length_is_bounded_too():
    with pytest.raises(Refusal) as refused:
        read([chunk(b"x" * 60, more=True)] * 2)
    assert refused.value.status == 413


def test_a_stated_length_is_refused_before_anything_is_read():
    with pytest.raises(Refusal) as refused:
        read([], headers=[(b"content-length", b"101")])
    assert refused.value.status == 413


def test_a_connection_that_ends_early_is_the_clients_fault():
    with pytest.raises(Refusal) as refused:
        read([chunk(b"x", more=True), {"type": "http.disconnect"}])
    assert refused.value.status == 400
