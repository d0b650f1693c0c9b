"""Images in, class ids and probabilities at their own size out: the graph that an export freezes.

Node names are those of research/deeplab's `export_model.py` (`serving.contract`), so that programs
written for its published graphs run on ours. What differs: a batch may hold several images, the
Laplacian is computed inside, and the error about an image that does not fit names both sizes.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import tensorflow.compat.v1 as tf
from tensorflow.compat.v2 import image as image_v2

from datasets.segmentation import laplacian
from deeplab.data import crop_sizes, preprocess
from deeplab.network import model
from deeplab.options import ModelOptions, ResizeOptions
from nets import registry
from serving import contract

# An exported graph: takes images, uint8 [1, height, width, 3]; returns class ids and probabilities.
Run: TypeAlias = Callable[[tf.Tensor], Sequence[tf.Tensor]]

MASK_BYTES = "mask_bytes"
_NO_RESIZE = ResizeOptions()


def build_inference_graph(
    options: ModelOptions,
    *,
    crop_size: tuple[int, int],
    resize: ResizeOptions = _NO_RESIZE,
    scales: Sequence[float] = (1.0,),
    add_flipped: bool = False,
    fast_labels: bool = False,
    static_graph: bool = False,
) -> list[str]:
    """Builds the graph of inference in the default graph.

    Nodes, by name:
      ImageTensor: the input, uint8 [batch, height, width, 3], RGB.
      RawSemanticPredictions: int32 [batch, crop height, crop width], padding included.
      RawSemanticProbabilities: float32 [batch, crop height, crop width, num_classes].
      SemanticPredictions: int32 [batch, height, width], class ids.
      SemanticProbabilities: float32 [batch, height, width, num_classes].
      NetworkImage: float32 [batch, crop height, crop width, 3], network input, and with a gradient
        branch NetworkGradient, [batch, crop height, crop width, 1].
      SemanticLogits: float32 [batch, h, w, num_classes], network output (logits); with several
        scales or mirror images also SemanticLogits_1 …

    Args:
      crop_size: (height, width) that images are padded to. Larger ones are an error at run time, or
        with a `resize` shrunk further until they fit, such as upright photos in a wide crop.
      resize: how images are resized first, as in `preprocess.resize_to_range`.
      scales: scales at which the network sees the image.
      add_flipped: whether it also sees the mirror image.
      fast_labels: see `model.predict`.
      static_graph: for programs that need to know all sizes from the start, such as TensorFlow.js:
        no operation whose result's size depends on values (so `fast_labels` has no effect), and no
        assertion, so that an image larger than the crop fails where it is padded.

    Returns:
      Names of the nodes that an export keeps: `contract.OUTPUTS`, and the inputs and outputs of the
      network, between which other engines than TensorFlow may run it.

    Raises:
      ValueError: the options contradict each other.
    """
    crop_sizes.check(crop_size, options.output_stride)
    resize.validate_resize()
    if not scales or min(scales) <= 0:
        raise ValueError(
            f"inference scales are {tuple(scales)}; expected one or more above 0, such as 1.0."
        )
    images = tf.placeholder(tf.uint8, [None, None, None, 3], name=contract.INPUT)
    with tf.name_scope("preprocess"):
        features = {"image": tf.cast(images, tf.float32)}
        if options.decoder_use_gradient:
            # Before the resize, as the records hold it: that of the image as it was taken.
            features["laplacian"] = laplacian.laplacian_graph(images)
        image_size = network_size = tf.shape(images)[1:3]
        if resize.min_resize_value is not None:
            network_size = _within(preprocess.range_size(image_size, resize), crop_size)
            features = {
                name: tf.image.resize_bilinear(channels, network_size, align_corners=True)
                for name, channels in features.items()
            }
        fill = {"image": registry.encoder(options.model_variant).mean_pixel, "laplacian": (0.0,)}
        fits = static_graph or resize.min_resize_value is not None
        checks = [] if fits else [_assert_fits(image_size, crop_size)]
        with tf.control_dependencies(checks):
            padding = tf.constant(crop_size) - network_size
        features = {
            name: _pad(channels, padding, fill[name], crop_size)
            for name, channels in features.items()
        }
    nodes = {"image": contract.NETWORK_IMAGE, "laplacian": contract.NETWORK_LAPLACIAN}
    features = {name: tf.identity(channels, nodes[name]) for name, channels in features.items()}
    prediction = model.predict(
        features,
        options,
        scales=scales,
        add_flipped=add_flipped,
        fast_class_ids=fast_labels and not static_graph,
    )

    class_ids = tf.identity(prediction.class_ids, contract.RAW_PREDICTIONS)
    probabilities = tf.identity(prediction.probabilities, contract.RAW_PROBABILITIES)
    with tf.name_scope("postprocess"):
        class_ids = class_ids[:, : network_size[0], : network_size[1]]
        probabilities = probabilities[:, : network_size[0], : network_size[1]]
        if resize.min_resize_value is not None:
            class_ids = tf.image.resize_nearest_neighbor(
                class_ids[..., tf.newaxis], image_size, align_corners=True
            )[..., 0]
            probabilities = tf.image.resize_bilinear(probabilities, image_size, align_corners=True)
    tf.identity(class_ids, contract.PREDICTIONS)
    tf.identity(probabilities, contract.PROBABILITIES)
    return [*contract.OUTPUTS, *(tensor.op.name for tensor in features.values()), *_logits_nodes()]


def _logits_nodes() -> list[str]:
    return [
        operation.name
        for operation in tf.get_default_graph().get_operations()
        if contract.SEGMENTATION.logits_number(operation.name) is not None
    ]


def _within(size: tf.Tensor, crop_size: tuple[int, int]) -> tf.Tensor:
    """Returns a size, int32 [2], or the largest of its shape in the crop if that does not hold it.

    In float32, as `serving.processing` does it for other engines.
    """
    crop = tf.constant(crop_size, tf.float32)
    sides = tf.cast(size, tf.float32)
    height, width = tf.unstack(sides)
    as_high = tf.stack([crop[0], tf.maximum(tf.floor(width * crop[0] / height), 1)])
    as_wide = tf.stack([tf.maximum(tf.floor(height * crop[1] / width), 1), crop[1]])
    fitted = tf.where(height * crop[1] > width * crop[0], as_high, as_wide)
    fits = tf.reduce_max(sides - crop) <= 0  # ONNX has no operation for reduce_all.
    return tf.where(fits, size, tf.cast(fitted, tf.int32))


def _assert_fits(image_size: tf.Tensor, crop_size: tuple[int, int]) -> tf.Operation:
    return tf.Assert(
        tf.reduce_all(image_size <= tf.constant(crop_size)),
        [
            "The image (height, width) is",
            image_size,
            f"but this graph was exported for images of at most {crop_size[0]} {crop_size[1]}. "
            "Shrink the image, or export with a larger --crop_size, or with "
            "--min_resize_value and --max_resize_value.",
        ],
        name="assert_image_fits",
    )


def _pad(
    channels: tf.Tensor, padding: tf.Tensor, fill: Sequence[float], crop_size: tuple[int, int]
) -> tf.Tensor:
    """Pads [batch, height, width, depth] with rows and columns of a color up to the crop size."""
    color = tf.constant(fill, tf.float32)
    # Without an assertion, as in ONNX and static graphs, it is here that a larger image fails, and
    # the engine's message has the names of nodes.
    with tf.name_scope(f"image_larger_than_{crop_size[0]}x{crop_size[1]}"):
        shape = tf.shape(channels)
        below = tf.broadcast_to(color, [shape[0], padding[0], shape[2], len(fill)])
        channels = tf.concat([channels, below], axis=1)
        beside = tf.broadcast_to(color, [shape[0], crop_size[0], padding[1], len(fill)])
        channels = tf.concat([channels, beside], axis=2)
    # In a frozen graph a static shape alone would be lost; engines need it in all that follows.
    return tf.reshape(channels, [-1, *crop_size, len(fill)])


def build_mask_file(image: tf.Tensor, run: Run, crop_size: tuple[int, int] | None) -> tf.Tensor:
    """Builds what a client that sends an image file is given: a mask as a file.

    Args:
      image: uint8 [height, width, 3].
      run: the exported graph.
      crop_size: (height, width) that it takes at most, None for any. A larger image is shrunk as
        `DeepLabModel` does it, and the class ids are brought back to its size.

    Returns:
      string [], a gray 8-bit PNG whose values are class ids.
    """
    size = tf.shape(image)[:2]
    seen = image
    if crop_size is not None:
        sides = tf.cast(size, tf.float32)
        scale = tf.reduce_min(tf.constant(crop_size, tf.float32) / sides)
        shrunk = tf.maximum(tf.cast(scale * sides, tf.int32), 1)
        seen = tf.cond(scale < 1.0, lambda: _shrink(image, shrunk), lambda: image)
    class_ids = tf.cast(run(seen[tf.newaxis])[0], tf.uint8)[..., tf.newaxis]
    # The same ids where the size is the same.
    mask = tf.image.resize_nearest_neighbor(class_ids, size, half_pixel_centers=True)[0]
    return tf.io.encode_png(mask)


def _shrink(image: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    resized = image_v2.resize(image, size, image_v2.ResizeMethod.LANCZOS3, antialias=True)
    return tf.cast(tf.clip_by_value(tf.round(resized), 0.0, 255.0), tf.uint8)
