"""Frozen graphs as research/deeplab's `export_model.py` makes them, node for node.

The network is ours, which `test_comparison.py` and others hold against theirs; what stands
around it is written as there, in TensorFlow 1's ops: one image, squeezed, resized to the range in
float32, padded to the crop around the subtracted mean, predicted, cut, and brought back to the
image's size by nearest neighbors.
"""

import pathlib
from collections.abc import Sequence

import tensorflow.compat.v1 as tf

from deeplab.network import model
from deeplab.options import ModelOptions
from nets import registry
from reference import comparison
from tests.support import sessions


def build(
    options: ModelOptions,
    crop_size: tuple[int, int],
    *,
    year: int = 2019,
    min_resize_value: int | None = None,
    max_resize_value: int | None = None,
    resize_factor: int | None = None,
    keep_aspect_ratio: bool = True,
    scales: Sequence[float] = (1.0,),
    add_flipped: bool = False,
) -> list[str]:
    """Builds the graph in the default graph and returns the names of its outputs.

    Args:
      options: the network; without gradient branch.
      crop_size: (height, width) that images are padded to.
      year: 2018 exports int64 and no probabilities; 2019 int32, probabilities and the raw outputs.
      min_resize_value, max_resize_value, resize_factor, keep_aspect_ratio: as its flags.
      scales, add_flipped: what is averaged.
    """
    image_tensor = tf.placeholder(tf.uint8, [1, None, None, 3], name="ImageTensor")
    image_size = tf.shape(image_tensor)[1:3]
    image = tf.cast(tf.squeeze(image_tensor, axis=0), tf.float32)
    if min_resize_value is not None:
        image = _resize_to_range(
            image, min_resize_value, max_resize_value, resize_factor, keep_aspect_ratio
        )
    resized_size = tf.shape(image)[:2]
    mean_pixel = tf.reshape(registry.encoder(options.model_variant).mean_pixel, [1, 1, 3])
    image = _pad(image, crop_size, tf.cast(mean_pixel, tf.float32))
    images = tf.expand_dims(image, 0)
    images.set_shape([1, *crop_size, 3])

    prediction = model.predict({"image": images}, options, scales=scales, add_flipped=add_flipped)
    labels, probabilities = prediction.class_ids, prediction.probabilities
    if year == 2018:
        labels = tf.slice(tf.cast(labels, tf.int64), [0, 0, 0], [1, *tf.unstack(resized_size)])
        tf.identity(_resize_label(labels, image_size), "SemanticPredictions")
        return ["SemanticPredictions"]
    labels = tf.identity(tf.cast(labels, tf.float32), "RawSemanticPredictions")
    probabilities = tf.identity(probabilities, "RawSemanticProbabilities")
    labels = labels[:, : resized_size[0], : resized_size[1]]
    probabilities = probabilities[:, : resized_size[0], : resized_size[1]]
    tf.cast(_resize_label(labels, image_size), tf.int32, name="SemanticPredictions")
    tf.image.resize_bilinear(
        probabilities, image_size, align_corners=True, name="SemanticProbabilities"
    )
    return ["SemanticPredictions", "SemanticProbabilities"]


def write(path: pathlib.Path, options: ModelOptions, crop_size: tuple[int, int], **how) -> str:
    """Freezes a graph with the reference weights into a file and returns its path.

    Args:
      path: the `.pb`.
      options, crop_size, how: as for `build`.
    """
    with tf.Graph().as_default() as graph, sessions.unoptimized() as session:
        output_names = build(options, crop_size, **how)
        comparison.fill_variables(session)
        graph_def = tf.graph_util.convert_variables_to_constants(
            session, graph.as_graph_def(add_shapes=True), output_names
        )
    path.write_bytes(graph_def.SerializeToString())
    return str(path)


def _resize_to_range(
    image: tf.Tensor,
    min_size: int,
    max_size: int | None,
    factor: int | None,
    keep_aspect_ratio: bool,
) -> tf.Tensor:
    with tf.name_scope("resize_to_range"):
        size = tf.cast(tf.shape(image)[:2], tf.float32)
        new_size = tf.cast(tf.floor(size * (float(min_size) / tf.reduce_min(size))), tf.int32)
        if max_size is not None:
            limit = float(max_size if factor is None else max_size - (max_size - 1) % factor)
            fitted = tf.cast(tf.floor(size * (limit / tf.reduce_max(size))), tf.int32)
            exceeds = tf.cast(tf.reduce_max(new_size), tf.float32) > limit
            new_size = tf.cond(exceeds, lambda: fitted, lambda: new_size)
        if factor is not None:
            new_size += (factor - (new_size - 1) % factor) % factor
        if not keep_aspect_ratio:
            new_size = tf.stack([tf.reduce_max(new_size)] * 2)
        return tf.image.resize_images(image, new_size, align_corners=True)


def _pad(image: tf.Tensor, crop_size: tuple[int, int], color: tf.Tensor) -> tf.Tensor:
    with tf.name_scope("pad_to_bounding_box"):
        below, beside = tf.unstack(tf.constant(crop_size) - tf.shape(image)[:2])
        fits = tf.Assert((below >= 0) & (beside >= 0), ["target size must be >= image size"])
        with tf.control_dependencies([fits]):
            padded = tf.pad(image - color, [[0, below], [0, beside], [0, 0]])
        return padded + color


def _resize_label(labels: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    resized = tf.image.resize_images(
        tf.expand_dims(labels, 3),
        size,
        method=tf.image.ResizeMethod.NEAREST_NEIGHBOR,
        align_corners=True,
    )
    return tf.squeeze(resized, 3)
