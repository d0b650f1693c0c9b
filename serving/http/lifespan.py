"""The application for ASGI servers other than ours, which tell it when they start and end."""

import asyncio
import contextlib
import logging

from starlette.types import ASGIApp, Receive, Scope, Send

from serving.http import app
from serving.http.service import Service

LOG = logging.getLogger("serve")
_POLL_SECS = 0.05


class LifespanApp:
    """Loads the service when a server starts and, when it ends, finishes what has begun."""

    def __init__(self, service: Service, drain_secs: float):
        """Wraps the application of a service that is not loaded yet.

        Args:
          service: the service.
          drain_secs: the most seconds that requests are waited for at the end.
        """
        self._service = service
        self._app: ASGIApp = app.build(service)
        self._drain_secs = drain_secs

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI's specification."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await self._app(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()  # "lifespan.startup"
        try:
            await self._service.load()
        except Exception as error:  # A server that never gets ready would only answer 503.
            if not isinstance(error, (ValueError, OSError)):
                LOG.exception("the models cannot be loaded")
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            await self._service.close()
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()  # "lifespan.shutdown"
        self._service.is_draining = True
        with contextlib.suppress(TimeoutError, asyncio.TimeoutError):
            await asyncio.wait_for(self._wait(), self._drain_secs)
        await self._service.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _wait(self) -> None:
        while self._service.in_flight:
            await asyncio.sleep(_POLL_SECS)
