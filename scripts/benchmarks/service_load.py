"""Overloads a running service, and checks every answer: only 200, 429 and 503, and the right ids.

python -m scripts.benchmarks.service_load URL SECONDS CLIENTS IMAGE [IMAGE …]

CLIENTS ask without a pause, each for its image; a figure of four times what the service runs at
once overloads it. Prints what each image was answered, how long that took, and the memory of the
service's process over time.
"""

import asyncio
import collections
import hashlib
import re
import statistics
import sys
import time
import urllib.parse

_NUM_ALONE = 20
_PAUSE_SECS = 0.05
_NUM_LOOKS = 10
_MEMORY = re.compile(rb"^process_resident_memory_bytes (\S+)", re.MULTILINE)


class _Image:
    def __init__(self, path: str):
        self.path = path
        self.digest = b""
        self.counts: collections.Counter[object] = collections.Counter()
        self.seconds: list[float] = []
        with open(path, "rb") as file:
            self.body = file.read()


class _Service:
    def __init__(self, url: str):
        parts = urllib.parse.urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80

    async def ask(self, line: str, body: bytes = b"") -> tuple[int, bytes]:
        """Returns the status and content of the answer to a request."""
        reader, writer = await asyncio.open_connection(self._host, self._port)
        try:
            head = f"{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            await writer.drain()
            answer = await reader.read()
        finally:
            writer.close()
        first, _, content = answer.partition(b"\r\n\r\n")
        return int(first.split()[1]), content

    async def segment(self, image: _Image) -> tuple[int, bytes]:
        return await self.ask("POST /segment?format=npy", image.body)


async def _run(url: str, seconds: float, num_clients: int, paths: list[str]) -> None:
    service, images = _Service(url), [_Image(path) for path in paths]
    for image in images:
        await _ask_alone(service, image)
    end = time.monotonic() + seconds
    clients = [_ask(service, images[i % len(images)], end) for i in range(num_clients)]
    memory, *_ = await asyncio.gather(_watch(service, seconds), *clients)
    print(f"{seconds:g} s, {num_clients} clients; MB of the process: {memory}")
    for image in images:
        times = sorted(image.seconds) or [float("nan")]
        print(
            f"{image.path}: {dict(image.counts)}; of 200: p50 {statistics.median(times):.2f} s, "
            f"longest {times[-1]:.2f} s"
        )


async def _ask_alone(service: _Service, image: _Image) -> None:
    times: list[float] = []
    while len(times) < _NUM_ALONE and sum(times) < _NUM_ALONE:
        start = time.perf_counter()
        status, content = await service.segment(image)
        assert status == 200, content
        times.append(time.perf_counter() - start)
    image.digest = hashlib.sha256(content).digest()
    print(f"{image.path} alone: p50 {1000 * statistics.median(times):.1f} ms")


async def _ask(service: _Service, image: _Image, end: float) -> None:
    """One client: asks until the time is over."""
    while time.monotonic() < end:
        start = time.perf_counter()
        try:
            status, content = await service.segment(image)
        except (OSError, IndexError, ValueError) as error:
            image.counts[type(error).__name__] += 1
            continue
        image.counts[status] += 1
        if status == 200:
            image.seconds.append(time.perf_counter() - start)
            if hashlib.sha256(content).digest() != image.digest:
                image.counts["wrong"] += 1
        else:
            await asyncio.sleep(_PAUSE_SECS)


async def _watch(service: _Service, seconds: float) -> list[int]:
    """Returns the MB that the process had, one figure after the other."""
    found = []
    for _ in range(_NUM_LOOKS):
        await asyncio.sleep(seconds / _NUM_LOOKS)
        _, text = await service.ask("GET /metrics")
        [num_bytes] = _MEMORY.findall(text)
        found.append(round(float(num_bytes) / 2**20))
    return found


if __name__ == "__main__":
    asyncio.run(_run(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]))
