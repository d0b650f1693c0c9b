"""The outermost layer: counts and bounds requests, and writes one line for each to the log."""

import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.texts import printable
from serving.http.endpoints import ROUTE_KEY, error_response
from serving.http.service import Service

LOG = logging.getLogger("serve.access")
_MAX_PATH_CHARS = 200
# Requests beyond this number are answered 503 before their bodies are read.
_MAX_REQUESTS = 1000
_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")
# For every answer: nothing is guessed from content, and no other site shows it in a frame.
_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
]


class Gate:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, service: Service):
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        service, start = self._service, time.perf_counter()
        status = num_received = num_sent = 0

        async def counting_receive() -> Message:
            nonlocal num_received
            message = await receive()
            num_received += len(message.get("body", b""))
            return message

        async def counting_send(message: Message) -> None:
            nonlocal status, num_sent
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", []), *_HEADERS]
                if service.is_draining:
                    message["headers"].append((b"connection", b"close"))
            num_sent += len(message.get("body", b""))
            await send(message)

        app = self._app
        if service.in_flight >= _MAX_REQUESTS:
            app = error_response(503, f"{service.in_flight} requests are being answered.")
            app.headers.update({"Retry-After": "1", "Connection": "close"})
        service.in_flight += 1
        service.metrics.in_flight.inc()
        try:
            await app(scope, counting_receive, counting_send)
        finally:
            service.in_flight -= 1
            service.metrics.in_flight.dec()
            seconds = time.perf_counter() - start
            # A client's words never become labels: each label costs memory for ever.
            route = scope.get(ROUTE_KEY, "unknown")
            method = scope["method"] if scope["method"] in _METHODS else "other"
            service.metrics.requests.labels(route, method, status).inc()
            service.metrics.request_seconds.labels(route).observe(seconds)
            LOG.info(
                "%s %s %s %d %.1f ms, %d bytes in, %d out",
                (scope.get("client") or ("-",))[0],
                printable(scope["method"])[:20],
                printable(scope["path"])[:_MAX_PATH_CHARS],
                status,
                1000 * seconds,
                num_received,
                num_sent,
            )
