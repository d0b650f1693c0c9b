"""Whether the processes of a cluster are there, and what it means when a parameter server is not.

TensorFlow's sessions wait for a server without a word, and cannot be interrupted while they do. So
the addresses are tried first, by connections that are closed at once.
"""

import contextlib
import errno
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import NoReturn

import tensorflow.compat.v1 as tf

# sysexits.h's EX_TEMPFAIL: nothing is wrong with the input, and the same command may well succeed.
SERVER_LOST_STATUS = 75

_CONNECT_SECS = 2.0
_POLL_SECS = 0.5
_CLOSE_SECS = 5.0


class ServerLostError(RuntimeError):
    """A parameter server is gone, and with it some of the variables."""


def is_reachable(address: str) -> bool:
    """Returns whether a process listens at an address, host:port."""
    host, port = address.rsplit(":", 1)
    try:
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECS).close()
    except OSError:
        return False
    return True


def check_free(address: str) -> None:
    """Refuses (ValueError) a port that this process cannot listen at, before TensorFlow tries."""
    port = int(address.rsplit(":", 1)[1])
    with contextlib.closing(socket.socket()) as probe:
        # As TensorFlow's server does: connections of a process that has ended do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError as error:
            fault = f"cannot be used: {error.strerror}."
            if error.errno == errno.EADDRINUSE:
                fault = (
                    "is in use on this machine. If the same command runs here already, end that "
                    "one first; otherwise choose another port, in the TF_CONFIG of every process."
                )
            raise ValueError(
                f"port {port} of {address}, this process's address in TF_CONFIG, {fault}"
            ) from None


def wait_for(
    addresses: Sequence[str],
    report: Callable[[str], None],
    is_interrupted: Callable[[], bool] = lambda: False,
    max_secs: float = float("inf"),
) -> bool:
    """Waits until all parameter servers can be reached; False if it gave up before."""
    deadline = time.monotonic() + max_secs
    has_said = False
    while missing := [each for each in addresses if not is_reachable(each)]:
        if not has_said:
            plural = "s" if len(missing) > 1 else ""
            report(f"waiting for the parameter server{plural} at {', '.join(missing)}")
            has_said = True
        if is_interrupted() or time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECS)
    return True


def is_loss(error: BaseException | None) -> bool:
    """Returns whether an error, or one that it was raised from, tells of a lost server.

    A server that has come back has neither sessions nor variables, for which TensorFlow has
    several errors.
    """
    while error is not None and not isinstance(error, tf.errors.OpError):
        error = error.__cause__
    if error is None:
        return False
    if isinstance(error, (tf.errors.UnavailableError, tf.errors.AbortedError)):
        return True
    if isinstance(error, tf.errors.FailedPreconditionError):
        return "uninitialized value" in error.message
    return "GRPC error information from remote target /job:ps" in error.message


def end_process(error: ServerLostError) -> NoReturn:
    """Ends this process at once, since TensorFlow's own end waits for the lost server."""
    print(f"error: {error}", file=sys.stderr)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(SERVER_LOST_STATUS)


@contextlib.contextmanager
def session(master: str, config: tf.ConfigProto) -> Iterator[tf.Session]:
    """Opens a session on a cluster and closes it at the end, as `close_within_bounds` does."""
    opened = close_within_bounds(tf.Session(master, config=config))
    try:
        yield opened
    finally:
        opened.close()


def close_within_bounds(opened: tf.Session) -> tf.Session:
    """Returns a session whose `close` gives up after some seconds.

    TensorFlow's waits for every server of the session, endlessly for a lost one.
    """
    close = opened.close

    def close_once() -> None:
        del opened.close  # At the interpreter's end, when it is called again, no thread can start.
        run_within(_CLOSE_SECS, close)

    opened.close = close_once
    return opened


def abandon(opened: tf.Session) -> None:
    """Lets a session that has lost a server stay open: TensorFlow logs the attempt to close it."""
    opened.close = lambda: None


def run_within(max_secs: float, action: Callable[[], None]) -> None:
    """Runs an action, which must not raise, and leaves it to itself when it takes too long."""
    thread = threading.Thread(target=action, daemon=True)
    thread.start()
    thread.join(max_secs)
