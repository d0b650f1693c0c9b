"""Buckets, with a file system of Beam's that lives in memory."""

import functools
import importlib.util
import io
import os
import pathlib
import posixpath

import pytest
from PIL import Image

from serving.beam import file_store
from tests.support import toy_export

needs_beam = pytest.mark.skipif(
    importlib.util.find_spec("apache_beam") is None,
    reason="Apache Beam is not installed: make setup-beam",
)
BUCKET: dict[str, bytes] = {}


@pytest.fixture
def bucket():
    """An empty bucket at `memory://`."""
    BUCKET.clear()
    return _file_system()


@functools.cache  # Beam knows every class that was ever made.
def _file_system():
    from apache_beam.io.filesystem import BeamIOError, FileMetadata, FileSystem

    class _Writer(io.BytesIO):
        def __init__(self, path: str):
            super().__init__()
            self._path = path

        def close(self) -> None:
            BUCKET[self._path] = self.getvalue()
            super().close()

    class MemoryFileSystem(FileSystem):
        @classmethod
        def scheme(cls):
            return "memory"

        def join(self, basepath, *paths):
            return posixpath.join(basepath, *paths)

        def split(self, path):
            return posixpath.split(path)

        def mkdirs(self, path):
            raise NotImplementedError

        def has_dirs(self):
            return False

        def _list(self, dir_or_prefix):
            for path, content in sorted(BUCKET.items()):
                if path.startswith(dir_or_prefix):
                    yield FileMetadata(path, len(content), 1.0)

        def create(self, path, mime_type=None, compression_type=None):
            return _Writer(path)

        def open(self, path, mime_type=None, compression_type=None):
            return io.BytesIO(BUCKET[path])

        def copy(self, source_file_names, destination_file_names):
            raise NotImplementedError

        def rename(self, source_file_names, destination_file_names):
            for source, target in zip(source_file_names, destination_file_names, strict=True):
                BUCKET[target] = BUCKET.pop(source)

        def exists(self, path):
            return path in BUCKET

        def size(self, path):
            return len(BUCKET[path])

        def last_updated(self, path):
            return 1.0

        def checksum(self, path):
            raise NotImplementedError

        def metadata(self, path):
            if path not in BUCKET:
                raise BeamIOError(f"no {path}")
            return FileMetadata(path, len(BUCKET[path]), 1.0)

        def delete(self, paths):
            for path in paths:
                del BUCKET[path]

    return MemoryFileSystem


def png(seed: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(toy_export.image(20, 30, seed)).save(file, "PNG")
    return file.getvalue()


@needs_beam
def test_images_and_results_in_a_bucket(tmp_path, bucket):
    from serving import results
    from serving.beam import job
    from tests.serving.beam import test_job

    BUCKET.update({f"memory://in/{index}.png": png(index) for index in range(3)})
    BUCKET["memory://in/notes.txt"] = b"x"
    BUCKET["memory://in/2.png"] = b"no image"
    BUCKET["memory://model/frozen_inference_graph.pb"] = toy_export.write(
        tmp_path / "toy.pb"
    ).read_bytes()
    found = file_store.find_images(["memory://in/"], results.ENDINGS)
    assert [image.path for image in found.images] == [f"memory://in/{i}.png" for i in range(3)]
    settings = test_job.settings.__wrapped__(tmp_path)
    settings = job.dataclasses.replace(settings, output="memory://out", model="memory://model")
    (shard,) = job.plan(found.images, ["a", "b", "c"], settings, 8)
    with settings.load() as model:
        job.segment(model, shard, settings)
    record = job.recall(shard)
    assert record.failures[0][0] == "memory://in/2.png"
    assert record.failures[0][1].startswith("memory://in/2.png: ")
    written = {path for path in BUCKET if path.startswith("memory://out/")}
    assert written == {
        "memory://out/.infer/shard-00000-of-00001.json",
        *(f"memory://out/{name}" for name in ("a_mask.png", "a_overlay.jpg")),
        *(f"memory://out/{name}" for name in ("b_mask.png", "b_overlay.jpg")),
    }
    assert job.is_finished(shard, file_store.states("memory://out"))
    del BUCKET["memory://out/a_mask.png"]
    assert not job.is_finished(shard, file_store.states("memory://out"))
    with settings.load() as model:
        job.segment(model, shard, settings)
    assert job.is_finished(shard, file_store.states("memory://out"))
    BUCKET["memory://model/inference_graph.tflite"] = b"another form"
    (changed,) = job.plan(found.images, ["a", "b", "c"], settings, 8)
    assert not job.is_finished(changed, file_store.states("memory://out"))
    del BUCKET["memory://model/inference_graph.tflite"]
    local = job.dataclasses.replace(settings, output=str(tmp_path / "out"))
    (other,) = job.plan(found.images, ["a", "b", "c"], local, 8)
    with local.load() as model:
        job.segment(model, other, local)
    for name in ("a_mask.png", "b_overlay.jpg"):
        assert BUCKET[f"memory://out/{name}"] == (tmp_path / "out" / name).read_bytes()
    job.write_failures([record], "memory://out")
    assert b"memory://in/2.png" in BUCKET["memory://out/failures.csv"]
    job.write_failures([], "memory://out")
    assert "memory://out/failures.csv" not in BUCKET


@needs_beam
def test_what_is_not_there_is_said(tmp_path, bucket):
    found = file_store.find_images(["memory://none/*.png"], ())
    assert found.problems == ["no image matches memory://none/*.png"]
    with pytest.raises(ValueError, match="memory://model: no such file or folder"):
        file_store.fetch_all("memory://model", str(tmp_path))
    with pytest.raises(ValueError, match="nothing://x/"):
        file_store.find_images(["nothing://x/"], ())


def test_files_of_a_folder_need_no_beam(tmp_path):
    path = str(tmp_path / "new" / "x.json")
    assert file_store.read(path) is None
    file_store.write(path, b"content")
    assert file_store.read(path) == b"content"
    assert file_store.fetch(path, str(tmp_path)) == path
    assert file_store.fetch_all(path, str(tmp_path)) == path
    assert file_store.join("a", "b") == os.path.join("a", "b")
    assert file_store.join("gs://a", "b") == "gs://a/b"
    file_store.remove(path)
    file_store.remove(path)
    assert not pathlib.Path(path).exists()
