"""A service around toy exports: the class of a pixel, or of an image, is its brightest channel."""

import contextlib
import io
import json
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow.compat.v1 as tf
from PIL import Image

from serving.http import app
from serving.http.service import Service, ServiceSettings
from tests.support import asgi_calls, toy_export
from tests.support.asgi_calls import Answer

CLASS_NAMES = ("red", "green", "blue")


class ToyService:
    """A service that is loaded, and its application."""

    def __init__(self, exports: Mapping[str, str], settings: ServiceSettings):
        self.loop = asgi_calls.Loop()
        self.service = self.loop.call(Service, exports, settings)
        self.app = app.build(self.service)

    def load(self) -> None:
        self.loop.run(self.service.load())

    def call(self, method: str, target: str, body: bytes = b"", **how: Any) -> Answer:
        """See `asgi_calls.request`; headers are given as `headers`."""
        return self.loop.run(asgi_calls.request(self.app, method, target, body, **how))

    def post(self, target: str, body: bytes = b"", **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.call("POST", target, body, headers=named)

    def get(self, target: str, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.call("GET", target, headers=named)

    def close(self) -> None:
        self.loop.run(self.service.close())
        self.loop.close()


@contextlib.contextmanager
def running(
    exports: Mapping[str, str], settings: ServiceSettings | None = None
) -> Iterator[ToyService]:
    """Yields a service with its models loaded."""
    service = ToyService(exports, settings or ServiceSettings())
    try:
        service.load()
        yield service
    finally:
        service.close()


def write_exports(folder: pathlib.Path) -> dict[str, str]:
    """Writes one export of each task; returns their paths by name."""
    segmenter = str(toy_export.write(folder / "segmenter"))
    return {"toy": segmenter, "color": write_classifier(folder / "classifier")}


def write_classifier(folder: pathlib.Path) -> str:
    """Writes a classifier: the probabilities are the softmax of the mean color over 16."""
    with tf.Graph().as_default() as graph:
        images = tf.placeholder(tf.uint8, [None, None, None, 3], name="ImageTensor")
        logits = tf.reduce_mean(tf.cast(images, tf.float32), axis=[1, 2]) / 16.0
        tf.identity(tf.argmax(logits, axis=1, output_type=tf.int32), "ClassPredictions")
        tf.identity(tf.nn.softmax(logits), "ClassProbabilities")
    graph_def = graph.as_graph_def()
    content = {"class_names": CLASS_NAMES, "task": "classification"}
    placeholder = next(node for node in graph_def.node if node.name == "ImageTensor")
    placeholder.attr["_metadata"].s = json.dumps(content).encode()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "frozen_inference_graph.pb"
    path.write_bytes(graph_def.SerializeToString())
    return str(path)


def png(array: np.ndarray) -> bytes:
    """Returns an image as the bytes of a PNG."""
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG")
    return file.getvalue()


def form(content: bytes, boundary: str = "xyz", **fields: str) -> bytes:
    """Returns a body of multipart/form-data with a file and fields."""
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n'
        "Content-Type: image/png\r\n\r\n"
    )
    return b"".join([*parts, head.encode(), content, f"\r\n--{boundary}--\r\n".encode()])
