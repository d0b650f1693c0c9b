"""Images from the web."""

import pathlib
import time

import pytest

from serving.video import sources, web
from tests.support import toy_export, toy_service, web_server

PNG = toy_service.png(toy_export.image(20, 30))


def resolve(address: str, folder: pathlib.Path):
    source = sources.parse(address)
    assert source is not None
    return web.resolve(source, str(folder))


def test_images_are_downloaded_and_videos_are_not(tmp_path):
    head = b"\0\0\0\x18ftypisom" + bytes(20)
    answers = {
        "/image": web_server.content(PNG, "text/plain"),
        "/a/b%20%C3%A9": web_server.content(PNG, "image/png"),
        "/film": web_server.content(head, "application/octet-stream"),
        "/typed": web_server.content(b"whatever", "video/x-unheard-of"),
        "/list": web_server.content(b"#EXTM3U\n", "application/vnd.apple.mpegurl"),
        "/camera": web_server.jpegs([PNG], 0.01),
    }
    with web_server.serving(answers) as address:
        for path in ("/image", "/a/b \u00e9", "/image?x=a b#c"):
            found = resolve(address + path, tmp_path)
            assert pathlib.Path(found).read_bytes() == PNG
        for path, may_be_live in (
            ("/film", False),
            ("/typed", False),
            ("/list", True),
            ("/camera", True),
        ):
            found = resolve(address + path, tmp_path)
            assert (found.shown, found.may_be_live) == (address + path, may_be_live)
    assert len(list(tmp_path.iterdir())) == 3


def test_what_goes_wrong_is_named_with_the_address(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "SILENCE_SECS", 0.5)
    monkeypatch.setattr(web, "_MAX_IMAGE_BYTES", len(PNG) + 10_000)
    monkeypatch.setattr(web, "_MAX_DOWNLOAD_SECS", 0.5)

    def silence(request):
        time.sleep(3)

    def trickle(request):
        request.send_response(200)
        request.end_headers()
        for byte in PNG + bytes(9000):
            request.wfile.write(bytes([byte]))
            time.sleep(0.01)

    def loop(request):
        request.send_response(302)
        request.send_header("Location", "/loop")
        request.end_headers()

    def garbage(request):
        request.wfile.write(b"not http\r\n\r\n")
        request.close_connection = True

    answers = {
        "/silent": silence,
        "/slow": trickle,
        "/loop": loop,
        "/garbage": garbage,
        "/large": web_server.content(PNG + bytes(20_000), "image/png"),
        "/text": web_server.content(b"hello", "text/plain; charset=x"),
        "/empty": web_server.content(b"", "image/png"),
        "/pdf": web_server.content(b"%PDF-1.4", "image/png"),
    }
    with web_server.serving(answers) as address:
        for path, message in (
            ("/none", r"/none: the server answers 404 \(Not Found\)\."),
            ("/silent", r"/silent: the server does not answer within 0\.5 s\."),
            ("/slow", r"/slow: the image takes more than 0\.5 s; download it yourself"),
            ("/loop", r"/loop: the server answers 302 \("),
            ("/garbage", r"/garbage: it cannot be read \(not http\)\."),
            ("/large", r"/large: the image has more than 0 MB; download it yourself"),
            ("/text", r"/text: neither an image nor a video \(content of type text/plain\)\."),
            ("/empty", r"/empty: neither an image nor a video \(content of type image/png\)\."),
            ("/pdf", r"/pdf: neither an image nor a video \(a PDF file\)\."),
        ):
            with pytest.raises(ValueError, match=message) as caught:
                resolve(address + path, tmp_path)
            assert str(caught.value).startswith(address)
            assert "\n" not in str(caught.value)
    with pytest.raises(
        ValueError, match=r"http://127\.0\.0\.1:9/x: it cannot be read \(Connection"
    ):
        resolve("http://127.0.0.1:9/x", tmp_path)
    with pytest.raises(ValueError, match=r"http://no-such-host\.invalid/x: it cannot be read"):
        resolve("http://no-such-host.invalid/x", tmp_path)
