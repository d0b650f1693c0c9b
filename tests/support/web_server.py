"""A server on this machine with the content that a test gives it."""

import base64
import contextlib
import http.server
import itertools
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

Answer = Callable[[http.server.BaseHTTPRequestHandler], None]


def content(data: bytes, kind: str, declared_bytes: int | None = None) -> Answer:
    """Answers with content, or a part of what it declares; understands requests for ranges."""

    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        wanted = request.headers.get("Range", "bytes=0-").removeprefix("bytes=")
        first = int(wanted.split("-")[0])
        request.send_response(206 if first else 200)
        request.send_header("Content-Type", kind)
        request.send_header("Accept-Ranges", "bytes")
        if first:
            request.send_header("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
        request.send_header("Content-Length", str(declared_bytes or len(data) - first))
        request.end_headers()
        request.wfile.write(data[first:])

    return answer


def with_password(user: str, password: str, then: Answer) -> Answer:
    """Answers whoever knows the password."""
    token = base64.b64encode(f"{user}:{password}".encode()).decode()

    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        if request.headers.get("Authorization") == f"Basic {token}":
            then(request)
        else:
            request.send_response(401)
            request.send_header("WWW-Authenticate", "Basic")
            request.end_headers()

    return answer


def jpegs(images: Sequence[bytes], interval_secs: float) -> Answer:
    """Answers with one JPEG after another, without an end, as cameras on a network do."""

    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        request.end_headers()
        for image in itertools.cycle(images):
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(image)}\r\n\r\n"
            request.wfile.write(head.encode() + image + b"\r\n")
            time.sleep(interval_secs)

    return answer


@contextlib.contextmanager
def serving(answers: Mapping[str, Answer]) -> Iterator[str]:
    """Serves what there is at each path, and 404 elsewhere; yields the address, without a slash."""
    with answering(lambda path: answers.get(path)) as address:
        yield address


@contextlib.contextmanager
def answering(find: Callable[[str], Answer | None]) -> Iterator[str]:
    """Serves what is found for each path, and 404 for None; yields the address, without a slash."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = find(self.path.partition("?")[0])
            if answer is None:
                self.send_error(404)
                return
            with contextlib.suppress(ConnectionError):
                answer(self)

        def log_message(self, *_) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
