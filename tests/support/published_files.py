"""Small archives as published weights, and a server on this machine that has them."""

import contextlib
import gzip
import http.server
import io
import os
import pathlib
import tarfile
import time
import unittest.mock
from collections.abc import Iterator, Mapping

import numpy as np
import tensorflow.compat.v1 as tf
from tensorflow.core.protobuf import saver_pb2

from published import cache
from tests.support import web_server

NAME = "mobilenetv2_coco_voc_trainaug"
FILE = "deeplabv3_mnv2_pascal_train_aug_2018_01_29.tar.gz"


def archive(members: Mapping[str, bytes]) -> bytes:
    """Returns a .tar.gz of files by name; the same bytes each time."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as writer:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            writer.addfile(info, io.BytesIO(content))
    return gzip.compress(file.getvalue(), mtime=0)


def archive_of(folder: pathlib.Path, top: str = "model") -> bytes:
    """Returns a .tar.gz of the files in a folder."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return archive({f"{top}/{path.relative_to(folder)}": path.read_bytes() for path in paths})


class Server:
    """Sends files, and does wrong what a test asks for.

    Attributes:
      files: content by name; others are answered with 404.
      requests: the headers of the requests for files.
      cuts: for each request to come, after how many bytes the connection ends; then never.
      takes_ranges: whether it understands requests for a part.
      tag: its ETag, which changes with the file; None for none.
      declared_bytes: size that it declares instead of the file's.
      delay_secs: before the content.
      address: of the folder that the files are in.
    """

    def __init__(self, files: Mapping[str, bytes]):
        self.files = dict(files)
        self.requests: list[Mapping[str, str]] = []
        self.cuts: list[int] = []
        self.takes_ranges = True
        self.tag: str | None = '"first"'
        self.declared_bytes: int | None = None
        self.delay_secs = 0.0
        self.address = ""

    def answer(self, request: http.server.BaseHTTPRequestHandler) -> None:
        self.requests.append(dict(request.headers))
        content = self.files.get(request.path.rpartition("/")[2])
        if content is None:
            request.send_error(404)
            return
        wanted = request.headers.get("Range")
        is_same = request.headers.get("If-Range") in (None, self.tag)
        first = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        if not self.takes_ranges or not is_same:
            first = 0
        if first >= len(content):
            request.send_error(416)
            return
        request.send_response(206 if first else 200)
        if self.tag is not None:
            request.send_header("ETag", self.tag)
        if first:
            request.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        length = self.declared_bytes or len(content)
        request.send_header("Content-Length", str(length - first))
        request.end_headers()
        time.sleep(self.delay_secs)
        end = first + self.cuts.pop(0) if self.cuts else len(content)
        request.wfile.write(content[first:end])


@contextlib.contextmanager
def serving(files: Mapping[str, bytes]) -> Iterator[Server]:
    """Serves files from a folder of an address."""
    server = Server(files)
    with web_server.answering(lambda path: server.answer) as address:
        server.address = f"{address}/models"
        yield server


@contextlib.contextmanager
def mirrored(files: Mapping[str, bytes], folder: pathlib.Path) -> Iterator[dict[str, str]]:
    """Serves files as the mirror of published weights; yields the environment of a command."""
    with serving(files) as server:
        yield {
            cache.MIRROR_VARIABLE: server.address,
            cache.CACHE_VARIABLE: str(folder),
        }


def use_cache(monkeypatch, folder: os.PathLike, mirror: str) -> None:
    """Has this process use a folder and a mirror."""
    monkeypatch.setenv(cache.CACHE_VARIABLE, str(folder))
    monkeypatch.setenv(cache.MIRROR_VARIABLE, mirror)


def write_checkpoint(prefix: str, values: Mapping[str, np.ndarray]) -> None:
    """Writes variables into a checkpoint; makes its folder."""
    _save(prefix, values, saver_pb2.SaverDef.V2)


def write_one_file_checkpoint(path: str, values: Mapping[str, np.ndarray]) -> None:
    """Writes variables into a checkpoint as of TensorFlow before 0.12."""
    _save(path, values, saver_pb2.SaverDef.V1)


def _save(path: str, values: Mapping[str, np.ndarray], version: int) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with tf.Graph().as_default(), tf.Session() as session:
        for key, value in values.items():
            tf.get_variable(key, initializer=value, use_resource=False)
        session.run(tf.global_variables_initializer())
        # TensorFlow's advice to write another version is not the test's.
        with unittest.mock.patch.object(tf.logging, "warning"):
            saver = tf.train.Saver(write_version=version)
            saver.save(session, path, write_meta_graph=False, write_state=False)
