"""Overloads a running service, and checks every answer: only 200, 429 and 503, and the right ids.

python -m scripts.benchmarks.service_load URL IMAGE SECONDS CLIENTS

CLIENTS ask without a pause; a figure of four times what the service runs at once overloads it.
"""

import asyncio
import collections
import hashlib
import statistics
import sys
import time
import urllib.parse


async def _post(host: str, port: int, body: bytes) -> tuple[int, bytes]:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        head = (
            f"POST /segment?format=npy HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        await writer.drain()
        answer = await reader.read()
    finally:
        writer.close()
    first, _, content = answer.partition(b"\r\n\r\n")
    return int(first.split()[1]), content


async def _run(url: str, path: str, seconds: float, num_clients: int) -> None:
    parts = urllib.parse.urlsplit(url)
    host, port = parts.hostname or "127.0.0.1", parts.port or 80
    with open(path, "rb") as file:
        body = file.read()
    alone = []
    for _ in range(50):
        start = time.perf_counter()
        status, expected = await _post(host, port, body)
        assert status == 200, expected
        alone.append(1000 * (time.perf_counter() - start))
    digest = hashlib.sha256(expected).digest()
    print(f"alone: p50 {statistics.median(alone):.1f} ms")
    counts: collections.Counter[object] = collections.Counter()
    end = time.monotonic() + seconds

    async def client() -> None:
        while time.monotonic() < end:
            try:
                status, content = await _post(host, port, body)
            except (OSError, IndexError, ValueError) as error:
                counts[type(error).__name__] += 1
                continue
            counts[status] += 1
            if status == 200 and hashlib.sha256(content).digest() != digest:
                counts["wrong"] += 1
            if status == 429:
                await asyncio.sleep(0.05)

    await asyncio.gather(*(client() for _ in range(num_clients)))
    print(f"{seconds:g} s, {num_clients} clients: {dict(counts)}")


if __name__ == "__main__":
    asyncio.run(_run(sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4])))
