"""Drives a Chromium without a screen, over the pipe of its debugging protocol."""

import base64
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from typing import Any

EXECUTABLE = shutil.which("chromium") or shutil.which("chromium-browser")


class Page:
    """A page in a browser."""

    def __init__(self, reading: int, writing: int):
        self._reading, self._writing = reading, writing
        self._buffer = b""
        self._number = 0
        self._session = ""
        self.events: list[dict] = []
        targets = self.call("Target.getTargets")["targetInfos"]
        target = next(each["targetId"] for each in targets if each["type"] == "page")
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "DOM", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict:
        """Calls a method of the protocol and returns its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._writing, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def evaluate(self, expression: str) -> Any:
        """Returns the value of an expression in JavaScript."""
        result = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def wait_for(self, expression: str, seconds: float = 30) -> None:
        """Waits until an expression is true."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            value = self.evaluate(f"Boolean({expression})")
            if value:
                return
            time.sleep(0.1)
        raise AssertionError(
            f"{expression} is not true: {self.evaluate('document.body.innerText')}"
        )

    def open(self, url: str, width: int = 1100, height: int = 800, mobile: bool = False) -> None:
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=mobile,
        )
        self.call("Page.navigate", url=url)
        self.wait_for("document.readyState === 'complete'")

    def choose_files(self, selector: str, *paths: pathlib.Path) -> None:
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", nodeId=node, files=[str(path) for path in paths])

    def press(self, key: str, code: int) -> None:
        """Presses a key, such as ("Tab", 9)."""
        text = {" ": " ", "Enter": "\r"}.get(key, "")
        for kind in ("keyDown", "keyUp"):
            self.call(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                text=text if kind == "keyDown" else "",
                windowsVirtualKeyCode=code,
            )

    def problems(self) -> list[str]:
        """Returns errors of scripts, and what was blocked or could not be loaded."""
        return [
            json.dumps(each["params"])
            for each in self.events
            if each.get("method") == "Runtime.exceptionThrown"
            or (
                each.get("method") == "Log.entryAdded"
                and each["params"]["entry"]["level"] == "error"
            )
        ]

    def requested(self) -> list[str]:
        """Returns the addresses that were requested."""
        return [
            each["params"]["request"]["url"]
            for each in self.events
            if each.get("method") == "Network.requestWillBeSent"
        ]

    def screenshot(self) -> bytes:
        """Returns a PNG of what the window shows."""
        return base64.b64decode(self.call("Page.captureScreenshot")["data"])

    def _read(self) -> dict:
        while b"\0" not in self._buffer:
            chunk = os.read(self._reading, 1 << 20)
            assert chunk, "the browser has ended"
            self._buffer += chunk
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)


@contextlib.contextmanager
def started() -> Iterator[Page]:
    """Yields a page of a browser of its own."""
    assert EXECUTABLE is not None
    to_browser, writing = os.pipe()
    reading, from_browser = os.pipe()

    def take_places() -> None:  # The browser reads from 3 and writes to 4.
        os.dup2(to_browser, 13)
        os.dup2(from_browser, 14)
        os.dup2(13, 3)
        os.dup2(14, 4)

    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [
                EXECUTABLE,
                *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
                *("--no-first-run", "--remote-debugging-pipe", f"--user-data-dir={folder}"),
                "about:blank",
            ],
            preexec_fn=take_places,
            close_fds=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        try:
            yield Page(reading, writing)
        finally:
            process.kill()
            process.wait()
            os.close(reading)
            os.close(writing)
            shutil.rmtree(folder, ignore_errors=True)
            pathlib.Path(folder).mkdir(exist_ok=True)  # For the end of `TemporaryDirectory`.
