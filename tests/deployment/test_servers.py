"""Whether servers are there: waiting for them, ports in use, and the errors of a lost one."""

import socket
import threading

import pytest
import tensorflow.compat.v1 as tf

from deployment import servers


@pytest.fixture
def listener():
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        opened.listen()
        yield opened


def _address(opened: socket.socket) -> str:
    return f"127.0.0.1:{opened.getsockname()[1]}"


def test_a_server_is_reachable_while_it_listens(listener):
    address = _address(listener)

    assert servers.is_reachable(address)
    listener.close()
    assert not servers.is_reachable(address)


def test_a_port_in_use_is_named(listener):
    address = _address(listener)
    port = listener.getsockname()[1]

    with pytest.raises(ValueError, match=rf"port {port} of {address}, .* is in use .*end that one"):
        servers.check_free(address)
    listener.close()
    servers.check_free(address)


def test_waiting_names_the_missing_servers_once(listener):
    there, missing = _address(listener), socket.socket()
    missing.bind(("127.0.0.1", 0))
    lines = []

    def report(line):
        lines.append(line)
        threading.Timer(0.7, missing.listen).start()  # It comes while it is waited for.

    with missing:
        assert servers.wait_for([there, _address(missing)], report)

        assert lines == [f"waiting for the parameter server at {_address(missing)}"]


def test_waiting_ends_at_a_signal_or_a_deadline(listener):
    address = _address(listener)
    listener.close()

    assert not servers.wait_for([address], lambda line: None, is_interrupted=lambda: True)
    assert not servers.wait_for([address], lambda line: None, max_secs=0)
    assert servers.wait_for([], lambda line: pytest.fail(line))


def _raised_from(cause: Exception) -> Exception:
    error = ValueError("step 3: something")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (tf.errors.UnavailableError(None, None, "Socket closed"), True),
        (tf.errors.AbortedError(None, None, "Session handle is not found"), True),
        (
            tf.errors.FailedPreconditionError(
                None, None, "=====\nAttempting to use uninitialized value weights"
            ),
            True,
        ),
        (
            tf.errors.InternalError(
                None, None, "x\nAdditional GRPC error information from remote target /job:ps/task:0"
            ),
            True,
        ),
        (_raised_from(tf.errors.UnavailableError(None, None, "Socket closed")), True),
        (_raised_from(tf.errors.InvalidArgumentError(None, None, "not a JPEG")), False),
        (tf.errors.FailedPreconditionError(None, None, "a folder"), False),
        (ValueError("a flag"), False),
        (None, False),
    ],
)
def test_errors_of_a_lost_server_are_told_from_others(error, expected):
    assert servers.is_loss(error) is expected


def test_closing_a_session_that_hangs_gives_up(monkeypatch):
    monkeypatch.setattr(servers, "_CLOSE_SECS", 0.2)
    hangs = threading.Event()

    class Session:
        def close(self):
            hangs.wait()
            closed.append(self)

    closed = []
    session = servers.close_within_bounds(Session())
    session.close()

    assert not closed  # It has come back, while the other still hangs.
    hangs.set()
