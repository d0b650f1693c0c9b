"""Runs the application in uvicorn: loads models behind an open port, and drains at the end."""

import asyncio
import contextlib
import logging
import signal
import socket
import sys
from collections.abc import Iterator

import uvicorn

from serving.http import app
from serving.http.connection import Connection
from serving.http.service import Service

LOG = logging.getLogger("serve")
_SIGNALS = (signal.SIGTERM, signal.SIGINT)
# Between two looks at how many requests are left.
_POLL_SECS = 0.05
_KEEP_ALIVE_SECS = 30
_BACKLOG = 512


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves signals to `run`: uvicorn's own handlers stop at once, and end by the signal."""
        yield


def bind(host: str, port: int) -> socket.socket:
    """Returns a listening socket.

    Raises:
      ValueError: the address does not exist here, or is taken.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(_BACKLOG)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ValueError(
            f"--host={host} --port={port} cannot be listened on ({reason}); choose another --port "
            "(0 for a free one) or --host."
        ) from None
    return listening


def run(service: Service, listening: socket.socket, drain_secs: float, delay_secs: float) -> None:
    """Serves until SIGTERM or Ctrl-C, then finishes what has begun.

    Args:
      service: not loaded yet.
      listening: see `bind`.
      drain_secs: the most seconds that requests are waited for at the end.
      delay_secs: how long the port stays open at the end, with answers of 503, so that a load
        balancer notices.

    Raises:
      ValueError, OSError: a model cannot be loaded.
    """
    asyncio.run(_run(service, listening, drain_secs, delay_secs))


async def _run(
    service: Service, listening: socket.socket, drain_secs: float, delay_secs: float
) -> None:
    config = uvicorn.Config(
        app.build(service),
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECS,
        http=Connection,
        backlog=_BACKLOG,
        timeout_graceful_shutdown=max(1, round(drain_secs)),
    )
    server = _Server(config)
    loop = asyncio.get_running_loop()
    draining: list[asyncio.Task] = []

    def stop() -> None:
        if draining:  # The second time it is meant.
            server.force_exit = server.should_exit = True
            return
        service.is_draining = True
        draining.append(loop.create_task(_drain(service, server, drain_secs, delay_secs)))

    for number in _SIGNALS:
        loop.add_signal_handler(number, stop)
    loading = loop.create_task(service.load())

    def on_loaded(task: asyncio.Task) -> None:
        if task.cancelled() or task.exception() is not None:
            server.should_exit = True

    loading.add_done_callback(on_loaded)
    host, port = listening.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    print(f"http://{shown}:{port}/ (Ctrl-C ends)", flush=True)
    try:
        await server.serve(sockets=[listening])
    finally:
        if not loading.done():
            loading.cancel()
        outcome = (await asyncio.gather(loading, return_exceptions=True))[0]
        await service.close()
    if isinstance(outcome, Exception):
        raise outcome
    LOG.info("ended")


async def _drain(
    service: Service, server: uvicorn.Server, drain_secs: float, delay_secs: float
) -> None:
    """Waits until nothing is being answered any more, then lets the server end."""
    LOG.info("draining: %d requests are being answered", service.in_flight)
    loop = asyncio.get_running_loop()
    start = loop.time()
    while loop.time() - start < delay_secs or (
        service.in_flight and loop.time() - start < drain_secs
    ):
        await asyncio.sleep(_POLL_SECS)
    server.should_exit = True


def set_up_log(logs_requests: bool) -> None:
    """Sends the service's lines to stderr, with the time."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    for name, level in (
        ("serve", logging.INFO),
        ("serve.access", logging.INFO if logs_requests else logging.WARNING),
        ("uvicorn", logging.WARNING),
        # It writes a line for each broken form, which the client is told of.
        ("python_multipart", logging.CRITICAL),
        # And Pillow one for some broken images.
        ("PIL", logging.CRITICAL),
    ):
        logging.getLogger(name).setLevel(level)
    for name in ("serve", "uvicorn"):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.propagate = False
