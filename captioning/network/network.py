"""The whole network: an encoder of `nets`, and the decoder behind it."""

import tensorflow.compat.v1 as tf

from captioning.network.attention import AttentionDecoder
from captioning.network.decoder import Decoder
from captioning.network.show_and_tell import ShowAndTell
from captioning.options import ATTENTION, SHOW_AND_TELL, ModelOptions
from nets.batch_norm import BatchNormMode

_SCOPES = {
    SHOW_AND_TELL: ("image_embedding", "seq_embedding", "lstm", "logits"),
    ATTENTION: ("encoder", "decoder"),
}
_WORD_SCOPES = {
    SHOW_AND_TELL: ("seq_embedding", "logits"),
    ATTENTION: ("decoder/embedding", "decoder/fc2"),
}


def decoder_scopes(decoder: str) -> tuple[str, ...]:
    """Returns the beginnings of the names of the variables of one of `DECODERS`."""
    return _SCOPES[decoder]


def word_scopes(decoder: str) -> tuple[str, ...]:
    """Returns the beginnings of the names of those variables that have a row for each word."""
    return _WORD_SCOPES[decoder]


def encode(
    images: tf.Tensor, model: ModelOptions, weight_decay: float, batch_norm: BatchNormMode
) -> tf.Tensor:
    """Returns the features of images.

    Args:
      images: float32 [batch, height, width, 3], RGB, 0..255.
      model: the network.
      weight_decay: L2 weight.
      batch_norm: how the encoder normalizes.

    Returns:
      float32 [batch, h, w, depth], an image size over 32.
    """
    encoder = model.encoder
    features, _ = encoder.build(
        encoder.classifier.normalize(images),
        weight_decay=weight_decay,
        batch_norm=batch_norm,
        **model.encoder_arguments(),
    )
    return features


def feature_shape(model: ModelOptions, image_size: int) -> tuple[int, int, int]:
    """Returns the (height, width, depth) of the features of an image."""
    with tf.Graph().as_default():
        images = tf.placeholder(tf.float32, [1, image_size, image_size, 3])
        height, width, depth = encode(images, model, 0.0, BatchNormMode()).shape.as_list()[1:]
    return height, width, depth


def make_decoder(
    model: ModelOptions, depth: int, keep_prob: float = 1.0, code_keep_prob: float = 1.0
) -> Decoder:
    """Makes the decoder of a network, with its variables.

    Args:
      model: the network.
      depth: channels of the features.
      keep_prob, code_keep_prob: see the decoders; an image has one code for Show and Tell only.
    """
    sizes = model.num_words, depth, model.embedding_size, model.num_units
    if model.decoder == ATTENTION:
        return AttentionDecoder(*sizes, keep_prob, starts_from_image=model.starts_from_image)
    return ShowAndTell(*sizes, keep_prob, code_keep_prob)
