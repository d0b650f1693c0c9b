"""The whole command: it starts, answers, and drains at SIGTERM."""

import http.client
import os
import re
import signal
import time

import pytest

from serving.http import server
from tests.support import command_runs, toy_export, toy_service

PNG = toy_service.png(toy_export.image(40, 60))


def test_it_answers_and_sigterm_ends_it_with_status_0(tmp_path):
    export = toy_export.write(tmp_path / "toy")
    with command_runs.started(
        "serve.py", f"--model={export}", "--port=0", "--drain_delay_secs=1", cwd=tmp_path
    ) as command:
        port = _wait_for_port(command)
        assert _until_ready(port) == 200
        os.kill(command.process.pid, signal.SIGTERM)
        time.sleep(0.3)
        assert _post(port) == 503
        command.process.join(30)
        assert command.process.exitcode == 0, command.stderr()
        assert "POST /segment 200" in command.stderr()
        assert "Traceback" not in command.stderr()


def test_an_export_that_cannot_be_loaded_is_one_line(tmp_path):
    damaged = tmp_path / "damaged.pb"
    damaged.write_bytes(b"nothing")
    result = command_runs.run("serve.py", f"--model={damaged}", "--port=0", cwd=tmp_path)
    assert result.returncode == 1
    errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert "damaged.pb" in errors[0]
    assert "Traceback" not in result.stderr


def test_an_address_that_is_taken_is_named():
    with server.bind("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
        with pytest.raises(ValueError, match=f"--port={port} cannot be listened on"):
            server.bind("127.0.0.1", port)


def _wait_for_port(command) -> int:
    for _ in range(600):
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", command.stdout())
        if found:
            return int(found[1])
        time.sleep(0.05)
    raise AssertionError(command.stderr())


def _until_ready(port: int) -> int:
    status = 503
    for _ in range(600):
        status = _post(port)
        if status != 503:
            break
        time.sleep(0.05)
    return status


def _post(port: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("POST", "/segment", PNG)
    status = connection.getresponse().status
    connection.close()
    return status
