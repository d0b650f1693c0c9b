"""A frozen graph without a network: the class of a pixel is its brightest channel."""

import json
import pathlib

import numpy as np
import tensorflow.compat.v1 as tf

CLASS_NAMES = ("background", "grass", "water")
PALETTE = ((0, 0, 0), (20, 200, 40), (10, 60, 220))
CROP = (48, 64)


def write(
    path: pathlib.Path, *, published: bool = False, metadata: dict | None = None
) -> pathlib.Path:
    """Writes the graph and returns its path.

    Args:
      path: the `.pb`, or a folder for `frozen_inference_graph.pb`.
      published: as research/deeplab's older exports: one image, int64, no probabilities, no
        metadata.
      metadata: overrides entries of the metadata.
    """
    with tf.Graph().as_default() as graph:
        images = tf.placeholder(
            tf.uint8, [1 if published else None, None, None, 3], name="ImageTensor"
        )
        channels = tf.cast(images, tf.float32)
        labels = tf.argmax(channels, axis=3, output_type=tf.int64 if published else tf.int32)
        tf.identity(labels, "SemanticPredictions")
        if not published:
            tf.identity(tf.nn.softmax(channels / 16.0), "SemanticProbabilities")
    graph_def = graph.as_graph_def()
    if not published:
        content = {"class_names": CLASS_NAMES, "palette": PALETTE, "crop_size": CROP}
        placeholder = next(node for node in graph_def.node if node.name == "ImageTensor")
        placeholder.attr["_metadata"].s = json.dumps({**content, **(metadata or {})}).encode()
    if path.suffix != ".pb":
        path.mkdir(parents=True, exist_ok=True)
        path = path / "frozen_inference_graph.pb"
    path.write_bytes(graph_def.SerializeToString())
    return path


def image(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Returns coarse blobs, uint8 [height, width, 3], so that regions have some extent."""
    coarse = np.random.RandomState(seed).randint(0, 256, [5, 6, 3], np.uint8)
    rows, columns = np.arange(height) * 5 // height, np.arange(width) * 6 // width
    return coarse[rows][:, columns]
