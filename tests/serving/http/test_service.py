"""Starting, draining, time limits, memory and tokens."""

import asyncio
import threading

import numpy as np
import pytest

from serving.http import app, gate
from serving.http.service import Service, ServiceSettings
from tests.support import asgi_calls, toy_export, toy_service

PNG = toy_service.png(toy_export.image(40, 60))


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    return toy_service.write_exports(tmp_path_factory.mktemp("exports"))


def test_before_its_models_are_loaded_it_answers_503(exports):
    service = toy_service.ToyService(exports, ServiceSettings())
    try:
        answer = service.post("/segment", PNG)
        assert (answer.status, answer.error) == (503, "the server is loading its models.")
        assert answer.headers["retry-after"] == "5"
        assert service.get("/metrics").status == 200
        service.load()
        assert service.post("/segment", PNG).status == 200
    finally:
        service.close()


def test_draining_it_answers_503_and_finishes_what_has_begun(exports):
    with toy_service.running(exports) as service:
        hold = threading.Event()
        service.service.models["toy"].batcher.worker.submit(hold.wait, 30)
        begun = asyncio.run_coroutine_threadsafe(
            asgi_calls.request(service.app, "POST", "/segment", PNG), service.loop._loop
        )
        service.loop.run(_until(lambda: service.service.in_flight == 1))
        service.service.is_draining = True
        answer = service.post("/segment", PNG)
        assert (answer.status, answer.headers["connection"]) == (503, "close")
        hold.set()
        assert begun.result(30).status == 200


async def _until(condition) -> None:
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not happen")


@pytest.mark.parametrize("what", ["network", "body"])
def test_what_takes_too_long_is_answered_504(exports, what):
    settings = ServiceSettings(time_limit_secs=0.2)
    with toy_service.running(exports, settings) as service:
        hold = threading.Event()
        if what == "network":
            service.service.models["toy"].batcher.worker.submit(hold.wait, 30)
            answer = service.post("/segment", PNG)
        else:
            answer = service.call("POST", "/segment", PNG, chunk_size=100, pause=0.1)
        hold.set()
        assert (answer.status, answer.error) == (
            504,
            "it took more than 0.2 s (--time_limit_secs).",
        )
        assert service.post("/segment", PNG).status == 200
        assert service.service.budget.used == 0


def test_memory_is_bounded_before_it_is_taken(exports):
    settings = ServiceSettings(memory_bytes=100_000)
    with toy_service.running(exports, settings) as service:
        assert service.post("/segment", PNG).status == 200
        large = toy_service.png(np.zeros([100, 100, 3], np.uint8))
        answer = service.post("/segment", large)
        assert (answer.status, "--memory_limit_mb" in answer.error) == (413, True)
        with service.service.budget.lease() as lease:
            lease.take(90_000)
            answer = service.post("/segment", PNG)
            assert (answer.status, answer.headers["retry-after"]) == (429, "1")
        assert service.service.budget.used == 0


def test_a_token_opens(exports):
    with toy_service.running(exports, ServiceSettings(token="correct horse")) as service:
        for header in ({}, {"authorization": "Bearer wrong"}, {"authorization": "correct horse"}):
            answer = service.post("/segment", PNG, **header)
            assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
            assert service.get("/metrics", **header).status == 401
        answer = service.post("/segment", PNG, authorization="Bearer correct horse")
        assert answer.status == 200


def test_a_failure_inside_stays_inside(exports, monkeypatch):
    with toy_service.running(exports) as service:

        def fail(images):
            raise RuntimeError("secret path /home/me")

        monkeypatch.setattr(service.service.models["toy"].current, "predict", fail)
        answer = service.post("/segment", PNG)
        assert (answer.status, answer.error) == (500, "the server failed; its log says why.")


async def _send_in_parts(service, part: bytes, count: int, headers=()) -> tuple[int, dict]:
    """Sends a body of equal parts; returns how many were asked for, and the answer's start."""
    received = 0

    async def receive():
        nonlocal received
        received += 1
        return {"type": "http.request", "body": part, "more_body": received < count}

    sent = []

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/segment",
        "query_string": b"",
        "headers": list(headers),
    }
    await app.build(service)(scope, receive, send)
    await service.close()
    return received, sent[0]


def test_an_early_answer_reads_the_body_that_is_left(exports):
    async def run():
        service = Service(exports, ServiceSettings(max_bytes=1000))
        return await _send_in_parts(service, b"x" * 500, 10)

    received, start = asyncio.run(run())
    assert (received, start["status"]) == (10, 503)


@pytest.mark.parametrize(("stated", "num_received"), [("9999", 0), ("900", 2)])
def test_a_client_that_waits_to_be_asked_sends_nothing_or_all(exports, stated, num_received):
    """With Expect: 100-continue a body comes only once it is asked for, but then as a whole."""

    async def run():
        service = Service(exports, ServiceSettings(max_bytes=1000, memory_bytes=1500))
        await service.load()
        headers = [(b"expect", b"100-continue"), (b"content-length", stated.encode())]
        return await _send_in_parts(service, b"x" * 900, 2, headers)

    received, start = asyncio.run(run())
    assert (received, start["status"]) == (num_received, 413)
    connection = dict(start["headers"]).get(b"connection")
    assert connection == (b"close" if num_received == 0 else None)


def test_more_requests_than_it_holds_are_answered_503(exports, monkeypatch):
    monkeypatch.setattr(gate, "_MAX_REQUESTS", 1)
    with toy_service.running(exports) as service:
        service.service.in_flight = 1
        answer = service.post("/segment", PNG)
        assert (answer.status, answer.error) == (503, "1 requests are being answered.")
        assert answer.headers["retry-after"] == "1"
        service.service.in_flight = 0
        assert service.post("/segment", PNG).status == 200
