"""The application in other ASGI servers: what they tell it at start and end."""

import asyncio

import pytest

from serving.commands import serve
from serving.http import predictors
from serving.http.lifespan import LifespanApp
from serving.http.service import Service, ServiceSettings
from tests.support import asgi_calls, toy_export, toy_service

PNG = toy_service.png(toy_export.image(20, 30))


class Server:
    """The part of an ASGI server that starts and ends an application."""

    def __init__(self, app: LifespanApp):
        self._app = app
        self.loop = asgi_calls.Loop()
        self._incoming = self.loop.call(asyncio.Queue)
        self._outgoing = self.loop.call(asyncio.Queue)
        self._living = self.loop.call(asyncio.ensure_future, self._live())

    async def _live(self) -> None:
        await self._app({"type": "lifespan"}, self._incoming.get, self._outgoing.put)

    def tell(self, what: str) -> dict:
        """Sends an event and returns the answer to it."""
        self.loop.call(self._incoming.put_nowait, {"type": f"lifespan.{what}"})
        return self.loop.run(self._outgoing.get())

    def post(self, target: str, body: bytes) -> asgi_calls.Answer:
        return self.loop.run(asgi_calls.request(self._app, "POST", target, body))


def test_models_are_loaded_at_the_start_and_requests_end_before_the_end(tmp_path):
    path = str(toy_export.write(tmp_path / "toy"))
    service = Service({"toy": path}, ServiceSettings())
    server = Server(LifespanApp(service, drain_secs=1.0))
    assert server.post("/segment", PNG).status == 503
    assert server.tell("startup") == {"type": "lifespan.startup.complete"}
    assert server.post("/segment", PNG).status == 200
    service.in_flight += 1
    server.loop._loop.call_later(0.2, setattr, service, "in_flight", 0)
    assert server.tell("shutdown") == {"type": "lifespan.shutdown.complete"}
    assert (service.in_flight, service.is_ready) == (0, False)
    server.loop.close()


def test_what_cannot_be_loaded_is_the_servers_message(tmp_path):
    (tmp_path / "bad.pb").write_bytes(b"no graph")
    app = LifespanApp(Service({"bad": str(tmp_path / "bad.pb")}, ServiceSettings()), 1.0)
    answer = Server(app).tell("startup")
    assert answer["type"] == "lifespan.startup.failed"
    assert "bad.pb is truncated or not a frozen TensorFlow graph" in answer["message"]


def test_a_failure_that_nobody_has_foreseen_ends_the_start_too(tmp_path, monkeypatch):
    def fail(*arguments, **how):
        raise RuntimeError("the engine has died")

    monkeypatch.setattr(predictors, "load", fail)
    service = Service({"toy": str(toy_export.write(tmp_path / "toy"))}, ServiceSettings())
    answer = Server(LifespanApp(service, 1.0)).tell("startup")
    assert answer == {"type": "lifespan.startup.failed", "message": "the engine has died"}


def test_the_application_takes_the_flags_of_the_command(tmp_path, monkeypatch):
    path = toy_export.write(tmp_path / "toy")
    monkeypatch.setenv("SERVE_FLAGS", f"--model=mine={path} --max_bytes=5000 --engine=tensorflow")
    application = serve.application()
    service = application._service
    assert list(service.models) == ["mine"]
    assert service.settings.max_bytes == 5000
    for given, message in (
        ("--modle=x", "SERVE_FLAGS: Unknown command line flag 'modle'"),
        ("x.pb", "SERVE_FLAGS: 'x.pb' is no flag"),
        ("--model=nowhere", "nowhere does not exist"),
    ):
        monkeypatch.setenv("SERVE_FLAGS", given)
        with pytest.raises(ValueError, match=message):
            serve.application()
