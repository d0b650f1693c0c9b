"""Downloads that are cut off, go on, meet another file, or servers that ignore what is asked."""

import pathlib
import time

import numpy as np
import pytest

from published import download
from tests.support import published_files

CONTENT = np.random.RandomState(0).bytes(300_000)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(download, "FIRST_PAUSE_SECS", 0.0)


@pytest.fixture
def server():
    with published_files.serving({"file": CONTENT}) as server:
        yield server


@pytest.fixture
def fetch(server, tmp_path):
    """Downloads the file and returns its path."""

    def fetch(num_bytes: int | None = None) -> pathlib.Path:
        path = tmp_path / "file.part"
        download.download(f"{server.address}/file", str(path), num_bytes, shows_progress=False)
        return path

    return fetch


def test_a_file_arrives_whole_and_leaves_no_state(server, fetch, tmp_path):
    assert fetch(len(CONTENT)).read_bytes() == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ["file.part"]
    assert "Range" not in server.requests[0]


def test_cut_connections_are_taken_up_again_where_they_ended(server, fetch):
    server.cuts = [100_000, 50_000]
    assert fetch().read_bytes() == CONTENT
    ranges = [request.get("Range") for request in server.requests]
    assert ranges == [None, "bytes=100000-", "bytes=150000-"]
    assert server.requests[1]["If-Range"] == server.tag


def test_a_later_call_goes_on_with_what_an_earlier_one_brought(server, fetch, monkeypatch):
    monkeypatch.setattr(download, "MAX_ATTEMPTS", 1)
    server.cuts = [70_000]
    message = f"the connection ended after 70000 of {len(CONTENT)} bytes"
    with pytest.raises(download.DownloadError, match=message):
        fetch()
    assert fetch().read_bytes() == CONTENT
    assert server.requests[1]["Range"] == "bytes=70000-"


def test_parts_of_two_files_are_never_put_together(server, fetch, monkeypatch):
    monkeypatch.setattr(download, "MAX_ATTEMPTS", 1)
    server.cuts = [70_000]
    with pytest.raises(download.DownloadError):
        fetch()
    server.files["file"], server.tag = CONTENT[::-1], '"second"'
    assert fetch().read_bytes() == CONTENT[::-1]


def test_without_a_tag_another_size_tells_another_file(server, fetch, monkeypatch):
    monkeypatch.setattr(download, "MAX_ATTEMPTS", 2)
    server.tag, server.cuts = None, [70_000, 0]
    with pytest.raises(download.DownloadError):
        fetch()
    server.files["file"] = CONTENT[::-1] + b"more"
    assert fetch().read_bytes() == CONTENT[::-1] + b"more"


def test_a_server_that_ignores_ranges_sends_all_of_it_again(server, fetch):
    server.takes_ranges, server.cuts = False, [100_000]
    assert fetch().read_bytes() == CONTENT
    assert len(server.requests) == 2


def test_a_server_that_ignores_ranges_and_always_ends_early_is_given_up(server, fetch):
    server.takes_ranges, server.cuts = False, [100_000] * 20
    with pytest.raises(download.DownloadError, match="ended after 100000 of 300000 bytes"):
        fetch()
    assert len(server.requests) == download.MAX_ATTEMPTS


def test_what_had_arrived_wholly_is_not_asked_for_again(server, fetch, monkeypatch):
    """As after a kill between the last byte and the renaming."""
    monkeypatch.setattr(download, "_remove", lambda path: None)
    path = fetch()
    monkeypatch.undo()
    assert fetch() == path
    assert path.read_bytes() == CONTENT
    assert server.requests[1]["Range"] == f"bytes={len(CONTENT)}-"


def test_another_part_than_the_one_asked_for_is_refused(server, fetch):
    server.cuts = [70_000, 10]
    real = server.answer

    def answer(request):
        if request.headers.get("Range"):
            request.headers.replace_header("Range", "bytes=5-")
        real(request)

    server.answer = answer
    with pytest.raises(download.DownloadError, match="another part of the file"):
        fetch()


@pytest.mark.parametrize("declared", [299_999, 300_001])
def test_a_file_of_another_size_than_expected_is_refused(server, fetch, declared):
    server.declared_bytes = declared
    with pytest.raises(
        download.DownloadError, match=f"the server's file has {declared} bytes; expected 300000"
    ):
        fetch(300_000)


def test_a_file_without_an_end_is_refused(fetch, monkeypatch):
    monkeypatch.setattr(download, "MAX_BYTES", 1 << 18)
    with pytest.raises(download.DownloadError, match="more than 0 MiB"):
        fetch()


def test_missing_files_and_servers_are_said_at_once(server, tmp_path):
    path = str(tmp_path / "part")
    with pytest.raises(download.DownloadError, match=r"the server answers 404 \(Not Found\)"):
        download.download(f"{server.address}/other", path, shows_progress=False)
    assert len(server.requests) == 1
    with pytest.raises(download.DownloadError, match=r"cannot be reached \(.*refused"):
        download.download("http://127.0.0.1:9/file", path, shows_progress=False)
    with pytest.raises(download.DownloadError, match="cannot be reached"):
        download.download("http://no-such-host.invalid/file", path, shows_progress=False)
    assert not list(tmp_path.iterdir())


def test_a_silent_server_is_not_waited_for_without_end(server, fetch, monkeypatch):
    monkeypatch.setattr(download, "SILENCE_SECS", 0.3)
    real = server.answer

    def answer(request):
        real(request)
        if len(server.requests) == 1:
            time.sleep(1)

    server.answer, server.cuts = answer, [50_000]
    assert fetch().read_bytes() == CONTENT
