"""Images in, class probabilities out: the graph that an export of a classifier freezes."""

import tensorflow.compat.v1 as tf

from classification.options import ModelOptions, ViewOptions
from nets import classifier
from nets.batch_norm import BatchNormMode
from serving import contract

# Of `data.preprocess`: the share of each side that "inception" sees, and the shorter side of "vgg"
# over that of the network's input.
_CENTRAL_FRACTION = 0.875
_SHORTER_SIDE = 256 / 224

OUTPUTS = (contract.CLASSIFICATION.predictions, contract.CLASSIFICATION.probabilities)


def build_inference_graph(options: ModelOptions, view: ViewOptions) -> list[str]:
    """Builds the graph of inference in the default graph.

    Nodes, by name:
      ImageTensor: the input, uint8 [batch, height, width, 3], RGB.
      ClassPredictions: int32 [batch], class ids.
      ClassProbabilities: float32 [batch, num_classes].
      NetworkImage: float32 [batch, size, size, 3], RGB, 0..255, network input.
      ClassLogits: float32 [batch, num_classes], network output.

    Args:
      options: the network.
      view: how it sees an image.

    Returns:
      Names of the nodes that an export keeps: `OUTPUTS`, and the input and output of the network,
      between which other engines than TensorFlow may run it.

    Raises:
      ValueError: an option is out of its range.
    """
    options.validate()
    view.validate()
    signature = contract.CLASSIFICATION
    images = tf.placeholder(tf.uint8, [None, None, None, 3], name=contract.INPUT)
    with tf.name_scope("preprocess"):
        seen = _see(images, view)
        # In a frozen graph a static shape alone would be lost; engines need it in all that follows.
        seen = tf.reshape(seen, [-1, view.image_size, view.image_size, 3])
    seen = tf.identity(seen, contract.NETWORK_IMAGE)
    logits, _ = classifier.classify(
        seen,
        options.model_variant,
        num_classes=options.num_classes,
        is_training=False,
        dropout_keep_prob=1.0,
        weight_decay=0.0,
        batch_norm=BatchNormMode(),
        options=options.encoder_options(),
    )
    logits = tf.identity(logits, signature.logits)
    with tf.name_scope("postprocess"):
        class_ids = tf.argmax(logits, axis=1, output_type=tf.int32)
        probabilities = tf.nn.softmax(logits)
    tf.identity(class_ids, signature.predictions)
    tf.identity(probabilities, signature.probabilities)
    return [*OUTPUTS, contract.NETWORK_IMAGE, signature.logits]


def _see(images: tf.Tensor, view: ViewOptions) -> tf.Tensor:
    """Makes the network's input of images of one size, as evaluation does of each.

    It is `data.preprocess.evaluation_image` of a whole batch, equal to the bit (a test compares
    them). A loop over the images would do, but neither optimizing nor converters take loops.

    Args:
      images: uint8 [batch, height, width, 3].
      view: size and kind of preprocessing.

    Returns:
      float32 [batch, size, size, 3].
    """
    side, size = view.image_size, tf.shape(images)[1:3]
    if view.preprocessing == "inception":
        margins = tf.cast(tf.cast(size, tf.float64) * ((1.0 - _CENTRAL_FRACTION) / 2), tf.int32)
        center = _cut(images, margins, size - 2 * margins)
        return tf.image.resize_bilinear(center, [side, side])
    shorter = round(side * _SHORTER_SIDE)
    scale = float(shorter) / tf.cast(tf.reduce_min(size), tf.float32)
    resized = tf.maximum(tf.cast(tf.rint(tf.cast(size, tf.float32) * scale), tf.int32), shorter)
    return _cut(tf.image.resize_bilinear(images, resized), (resized - side) // 2, [side, side])


def _cut(images: tf.Tensor, corner: tf.Tensor, size) -> tf.Tensor:
    """Cuts a (height, width) out of images [batch, height, width, 3]."""
    return tf.slice(images, tf.concat([[0], corner, [0]], 0), tf.concat([[-1], size, [3]], 0))
