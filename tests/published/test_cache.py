"""The cache of published weights: what comes once, what is refused, and what is said."""

import json
import multiprocessing
import os
import re

import pytest

from published import cache, catalogue, download
from tests.support import published_files
from tests.support.published_files import FILE, NAME

WEIGHTS = catalogue.CATALOGUE[NAME]
MEMBERS = {
    "model/model.ckpt-1.index": b"index" * 100,
    "model/model.ckpt-1.data-00000-of-00001": bytes(range(256)) * 100,
    "model/frozen_inference_graph.pb": b"graph",
}


@pytest.fixture
def server():
    with published_files.serving({FILE: published_files.archive(MEMBERS)}) as server:
        yield server


@pytest.fixture
def folder(server, monkeypatch, tmp_path):
    """The folder of the weights in an empty cache, whose mirror is the server."""
    monkeypatch.setattr(download, "FIRST_PAUSE_SECS", 0.0)
    published_files.use_cache(monkeypatch, tmp_path / "cache", server.address)
    return tmp_path / "cache" / NAME


def record(folder) -> dict:
    return json.loads((folder / cache.RECORD_FILE).read_text())


def test_weights_are_downloaded_once_and_unpacked(server, folder, capfd):
    assert not cache.has(WEIGHTS)
    found = cache.ensure(WEIGHTS)
    assert found == str(folder / "files")
    for name, content in MEMBERS.items():
        assert (folder / "files" / name).read_bytes() == content
    assert cache.find_file(WEIGHTS, "frozen_inference_graph.pb").endswith(
        "model/frozen_inference_graph.pb"
    )
    assert cache.has(WEIGHTS)
    assert cache.ensure(WEIGHTS) == found
    assert len(server.requests) == 1
    assert sorted(os.listdir(folder)) == [".lock", FILE, "files", "received.json"]
    content = record(folder)
    assert content["source"] == f"{server.address}/{FILE}"
    assert re.fullmatch("[0-9a-f]{64}", content["file"]["sha256"])
    assert content["files"].keys() == MEMBERS.keys()
    told = capfd.readouterr().err
    assert f"downloading {server.address}/{FILE}, to {folder}" in told
    assert "Apache License 2.0" in told
    assert content["file"]["sha256"] in told


def test_a_file_that_was_copied_there_is_taken(server, folder):
    os.makedirs(folder)
    (folder / FILE).write_bytes(server.files[FILE])
    cache.ensure(WEIGHTS)
    assert server.requests == []
    assert record(folder)["source"] == "copied"
    assert cache.verify(WEIGHTS) == []


def test_without_a_network_it_says_which_file_goes_where(folder, monkeypatch):
    monkeypatch.setenv(cache.MIRROR_VARIABLE, "http://127.0.0.1:9/")
    with pytest.raises(
        ValueError,
        match=rf"127\.0\.0\.1:9/{FILE} cannot be downloaded: the server cannot be reached .*Try "
        rf"again later, or copy {FILE} from a machine .* into {folder}\. \${cache.MIRROR_VARIABLE}",
    ):
        cache.ensure(WEIGHTS)


def test_a_missing_file_is_named(server, folder):
    del server.files[FILE]
    message = rf"/{FILE} cannot be downloaded: the server answers 404 \(Not Found\)\. Copy {FILE} "
    with pytest.raises(ValueError, match=message):
        cache.ensure(WEIGHTS)


def test_an_interrupted_download_goes_on(server, folder, monkeypatch, capfd):
    monkeypatch.setattr(download, "MAX_ATTEMPTS", 1)
    server.cuts = [300]
    with pytest.raises(ValueError, match="The same command goes on with it later"):
        cache.ensure(WEIGHTS)
    assert not cache.has(WEIGHTS)
    cache.ensure(WEIGHTS)
    assert server.requests[1]["Range"] == "bytes=300-"
    assert ", 0.0 MB of which came before, to" in capfd.readouterr().err
    assert cache.verify(WEIGHTS) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<html>sign in</html>" * 50, "is truncated or not a tar archive"),
        (published_files.archive(MEMBERS)[:-30], "is truncated or not a tar archive"),
        (published_files.archive({"a/readme": b"1"}), "holds no network: a/readme"),
        (published_files.archive({"../x": b"1"}), r"has \.\./x, which lies outside of it"),
        (published_files.archive({"/tmp/x": b"1"}), "has /tmp/x, which lies outside of it"),
    ],
)
def test_a_damaged_or_malicious_archive_is_refused_and_not_kept(server, folder, content, message):
    sound, server.files[FILE] = server.files[FILE], content
    with pytest.raises(ValueError, match=rf"what {server.address}/{FILE} sends {message}"):
        cache.ensure(WEIGHTS)
    assert os.listdir(folder) == [".lock"]
    server.files[FILE] = sound
    cache.ensure(WEIGHTS)  # It starts from the beginning.
    assert "Range" not in server.requests[-1]


def test_a_copied_archive_that_is_damaged_stays_and_is_named(folder):
    os.makedirs(folder)
    (folder / FILE).write_bytes(b"damaged")
    with pytest.raises(ValueError, match=rf"{folder / FILE} is truncated .*Copy it again\."):
        cache.ensure(WEIGHTS)
    assert (folder / FILE).read_bytes() == b"damaged"


def test_another_file_than_the_first_is_refused(server, folder):
    cache.ensure(WEIGHTS)
    first = record(folder)
    os.remove(folder / FILE)
    os.remove(folder / "files" / "model" / "frozen_inference_graph.pb")
    sound = server.files[FILE]
    server.files[FILE] = published_files.archive({**MEMBERS, "model/more": b"1"})
    with pytest.raises(
        ValueError,
        match=rf"is not the file that was received on .* that one's was {first['file']['sha256']}.*"
        rf"remove {folder} first",
    ):
        cache.ensure(WEIGHTS)
    assert record(folder) == first
    server.files[FILE] = sound
    cache.ensure(WEIGHTS)
    assert record(folder) == first


def test_what_was_unpacked_is_enough(server, folder):
    cache.ensure(WEIGHTS)
    os.remove(folder / FILE)
    cache.ensure(WEIGHTS)
    assert len(server.requests) == 1
    assert cache.verify(WEIGHTS) == []


def test_a_file_that_is_cut_off_is_unpacked_again(server, folder):
    cache.ensure(WEIGHTS)
    path = folder / "files" / "model" / "model.ckpt-1.index"
    path.write_bytes(b"cut")
    cache.ensure(WEIGHTS)
    assert path.read_bytes() == MEMBERS["model/model.ckpt-1.index"]
    assert len(server.requests) == 1


def test_verifying_finds_what_has_changed(folder):
    with pytest.raises(ValueError, match="has not been received"):
        cache.verify(WEIGHTS)
    cache.ensure(WEIGHTS)
    assert cache.verify(WEIGHTS) == []
    index = folder / "files" / "model" / "model.ckpt-1.index"
    index.write_bytes(b"other" * 100)
    with open(folder / FILE, "r+b") as file:
        file.write(b"x")
    os.remove(folder / "files" / "model" / "frozen_inference_graph.pb")
    differences = cache.verify(WEIGHTS)
    assert len(differences) == 3
    assert any(str(index) in each and "500 bytes" in each for each in differences)
    assert any(each.endswith("is missing") for each in differences)


def test_a_file_that_is_no_archive_is_kept_as_it_is(server, folder, tmp_path):
    weights = catalogue.CATALOGUE["imagenet-vgg-verydeep-19"]
    server.files[weights.file] = b"mat"
    with pytest.raises(ValueError, match="the server's file has 3 bytes; expected 534904783"):
        cache.ensure(weights)
    assert not cache.has(weights)
    path = tmp_path / "cache" / weights.name / weights.file
    path.write_bytes(b"mat")
    with pytest.raises(ValueError, match=rf"{path} has 3 bytes; 534904783 were published"):
        cache.ensure(weights)


def test_the_record_is_checked(folder):
    cache.ensure(WEIGHTS)
    (folder / cache.RECORD_FILE).write_text('{"source": 5}')
    with pytest.raises(ValueError, match=cache.RECORD_FILE):
        cache.ensure(WEIGHTS)


def _ensure(results) -> None:
    results.put(cache.ensure(WEIGHTS))


def test_two_processes_at_once_download_once(server, folder):
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    server.delay_secs = 0.5
    processes = [context.Process(target=_ensure, args=(results,)) for _ in range(3)]
    for process in processes:
        process.start()
    found = {results.get(timeout=20) for _ in processes}
    for process in processes:
        process.join()
    assert found == {str(folder / "files")}
    assert len(server.requests) == 1
    assert cache.verify(WEIGHTS) == []


def test_a_cache_that_is_complete_may_be_read_only(folder, monkeypatch):
    cache.ensure(WEIGHTS)
    monkeypatch.setattr(cache, "writing", None)  # Nothing takes the lock.
    assert cache.ensure(WEIGHTS) == str(folder / "files")


def test_a_cache_that_cannot_be_written_to_is_named(monkeypatch, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv(cache.CACHE_VARIABLE, str(tmp_path / "file"))
    with pytest.raises(ValueError, match=rf"file is not a folder; .*\${cache.CACHE_VARIABLE}"):
        cache.ensure(WEIGHTS)


def test_the_folder_and_the_mirror_follow_the_environment(monkeypatch, tmp_path):
    monkeypatch.delenv(cache.CACHE_VARIABLE, raising=False)
    monkeypatch.delenv(cache.MIRROR_VARIABLE, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache.root() == str(tmp_path / ".cache" / "deeplab" / "weights")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache.root() == str(tmp_path / ".cache" / "deeplab" / "weights")
    monkeypatch.setenv("XDG_CACHE_HOME", "/data")
    assert cache.root() == "/data/deeplab/weights"
    monkeypatch.setenv(cache.CACHE_VARIABLE, "~/weights")
    assert cache.root() == str(tmp_path / "weights")
    assert cache.weights_at(str(tmp_path / "weights" / NAME / "files" / "x")) == WEIGHTS
    assert cache.weights_at(str(tmp_path / "weights")) is None
    assert cache.weights_at(str(tmp_path / NAME)) is None

    assert cache.address(WEIGHTS) == f"http://download.tensorflow.org/models/{FILE}"
    monkeypatch.setenv(cache.MIRROR_VARIABLE, "https://mirror/a/")
    assert cache.address(WEIGHTS) == f"https://mirror/a/{FILE}"
    monkeypatch.setenv(cache.MIRROR_VARIABLE, "/folder")
    with pytest.raises(ValueError, match=f"{cache.MIRROR_VARIABLE} is '/folder'; expected an addr"):
        cache.address(WEIGHTS)
