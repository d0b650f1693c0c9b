"""A frozen graph → a SavedModel with two signatures, for TensorFlow Serving. Knows no task.

"serving_default" takes and gives the graph's own tensors; "serve_bytes" takes image files and gives
what the task makes of each. The weights are constants, there once for both. Requests that warm the
server up lie where it looks for them.
"""

import io
import os
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
import tensorflow.compat.v1 as tf
from PIL import Image

from common import files
from export import image_file

TENSORS_SIGNATURE = tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY
BYTES_SIGNATURE = "serve_bytes"
# TensorFlow Serving's REST interface writes outputs in base64 whose names end so.
BYTES_INPUT = "image_bytes"
WARMUP_FILE = os.path.join("assets.extra", "tf_serving_warmup_requests")

# Takes uint8 images [1, height, width, 3]; returns the graph's outputs.
Run: TypeAlias = Callable[[tf.Tensor], Sequence[tf.Tensor]]
# Takes an image, uint8 [height, width, 3], and the graph; returns by name what a client is given.
Answer: TypeAlias = Callable[[tf.Tensor, Run], Mapping[str, tf.Tensor]]

# Smaller constants are copied into the loop over the files.
_MIN_SHARED_BYTES = 1 << 10
# Field numbers of TensorFlow Serving's prediction_log.proto, predict.proto and model.proto.
_PREDICT_LOG, _REQUEST, _MODEL_SPEC, _INPUTS, _SIGNATURE_NAME = 6, 1, 1, 2, 3
_MAP_KEY, _MAP_VALUE = 1, 2


def write(
    graph_def: tf.GraphDef,
    input_name: str,
    output_names: Sequence[str],
    answer: Answer,
    warmup_size: tuple[int, int],
    path: str,
) -> None:
    """Writes a graph as a SavedModel, whole or not at all.

    Args:
      graph_def: a frozen graph.
      input_name, output_names: nodes that "serving_default" takes and gives, under these names.
      answer: what "serve_bytes" makes of an image.
      warmup_size: (height, width) of the image that warms the server up.
      path: the folder to write, in place of one that is there.

    Raises:
      OSError: it cannot be written.
    """
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name="")
        image, *outputs = (
            graph.get_tensor_by_name(f"{name}:0") for name in (input_name, *output_names)
        )
        image_files = tf.placeholder(tf.string, [None], name=BYTES_INPUT)
        answers = _answers(image_files, graph_def, input_name, output_names, answer)
        signatures = {
            TENSORS_SIGNATURE: _signature(
                {input_name: image}, dict(zip(output_names, outputs, strict=True))
            ),
            BYTES_SIGNATURE: _signature({BYTES_INPUT: image_files}, answers),
        }
        empty = np.zeros([*warmup_size, 3], np.uint8)
        requests = [
            _request(TENSORS_SIGNATURE, input_name, empty[np.newaxis]),
            _request(BYTES_SIGNATURE, BYTES_INPUT, np.array([as_file(empty, "PNG")], object)),
        ]
        with files.replacing_folder(path) as folder, tf.Session() as session:
            builder = tf.saved_model.Builder(folder)
            builder.add_meta_graph_and_variables(
                session, [tf.saved_model.tag_constants.SERVING], signatures
            )
            builder.save()
            _write_warmup(os.path.join(folder, WARMUP_FILE), requests)


def _answers(
    image_files: tf.Tensor,
    graph_def: tf.GraphDef,
    input_name: str,
    output_names: Sequence[str],
    answer: Answer,
) -> Mapping[str, tf.Tensor]:
    """Returns what the task makes of each file, in batches: images of any sizes."""
    graph = tf.get_default_graph()
    inner, shared = tf.GraphDef(versions=graph_def.versions, library=graph_def.library), {}
    for node in graph_def.node:
        if node.op == "Const" and node.ByteSize() >= _MIN_SHARED_BYTES:
            shared[f"{node.name}:0"] = graph.get_tensor_by_name(f"{node.name}:0")
        else:
            inner.node.add().CopyFrom(node)
    names = [f"{name}:0" for name in output_names]

    def run(images: tf.Tensor) -> list[tf.Tensor]:
        fed = {f"{input_name}:0": images, **shared}
        return list(tf.import_graph_def(inner, fed, names, name="image"))

    def run_alone(images: tf.Tensor) -> list[tf.Tensor]:
        return list(tf.import_graph_def(graph_def, {f"{input_name}:0": images}, names))

    def of_file(numbered: tuple[tf.Tensor, tf.Tensor]) -> Mapping[str, tf.Tensor]:
        number, content = numbered
        return answer(image_file.decode(content, number), run)

    with tf.Graph().as_default():  # Only for their types, which a loop needs to know before.
        trial = answer(tf.placeholder(tf.uint8, [None, None, 3]), run_alone)
        types = {name: tensor.dtype for name, tensor in trial.items()}
    numbered = (tf.range(tf.size(image_files)), image_files)
    return tf.map_fn(of_file, numbered, dtype=types, parallel_iterations=1)


def _signature(inputs: Mapping[str, tf.Tensor], outputs: Mapping[str, tf.Tensor]):
    described = (
        {name: tf.saved_model.build_tensor_info(tensor) for name, tensor in tensors.items()}
        for tensors in (inputs, outputs)
    )
    return tf.saved_model.build_signature_def(
        *described, tf.saved_model.signature_constants.PREDICT_METHOD_NAME
    )


def _write_warmup(path: str, requests: Sequence[bytes]) -> None:
    os.makedirs(os.path.dirname(path))
    with tf.python_io.TFRecordWriter(path) as writer:
        for request in requests:
            writer.write(request)


def _request(signature: str, input_name: str, value: np.ndarray) -> bytes:
    """Returns a serialized PredictionLog of a request with one input."""
    kind = tf.string if value.dtype == object else None
    tensor = tf.make_tensor_proto(value, dtype=kind).SerializeToString()
    entry = _field(_MAP_KEY, input_name.encode()) + _field(_MAP_VALUE, tensor)
    request = _field(_MODEL_SPEC, _field(_SIGNATURE_NAME, signature.encode()))
    request += _field(_INPUTS, entry)
    return _field(_PREDICT_LOG, _field(_REQUEST, request))


def _field(number: int, content: bytes) -> bytes:
    """Returns a field of a protocol buffer that holds a text or message."""
    size, length = len(content), bytearray()
    while size > 0x7F:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes([number << 3 | 2, *length, size]) + content


def as_file(image: np.ndarray, kind: str) -> bytes:
    """Returns an image, uint8 [height, width, 3], as a file of a kind: "PNG" or "JPEG"."""
    content = io.BytesIO()
    Image.fromarray(image).save(content, kind)
    return content.getvalue()
