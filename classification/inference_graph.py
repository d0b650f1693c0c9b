"""Images in, class probabilities out: the graph that an export of a classifier freezes."""

from collections.abc import Callable, Sequence

import tensorflow.compat.v1 as tf

from classification.data import preprocess
from classification.options import ModelOptions, ViewOptions
from nets import classifier
from nets.batch_norm import BatchNormMode
from serving import contract

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
        seen = preprocess.evaluation_images(images, view)
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


def build_answer(
    image: tf.Tensor,
    run: Callable[[tf.Tensor], Sequence[tf.Tensor]],
    class_names: Sequence[str],
) -> dict[str, tf.Tensor]:
    """Builds what a client that sends an image file is given.

    Args:
      image: uint8 [height, width, 3].
      run: an exported graph; takes images [1, height, width, 3], returns class ids and
        probabilities.
      class_names: may be empty.

    Returns:
      "class_ids" int32 [], "class_names" string [] and "probabilities" float32 [num_classes].
    """
    class_ids, probabilities = run(image[tf.newaxis])
    num_classes = probabilities.shape.as_list()[1]
    names = list(class_names) or [f"class {number}" for number in range(num_classes)]
    return {
        "class_ids": class_ids[0],
        "class_names": tf.gather(tf.constant(names), class_ids[0]),
        "probabilities": probabilities[0],
    }
