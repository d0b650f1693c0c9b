"""The networks that describe images that are measured, and the captions that they have learned."""

import os
import sys
from collections.abc import Iterable, Sequence

import numpy as np
import tensorflow.compat.v1 as tf

from captioning.data import preprocess
from captioning.network import network
from captioning.objective import losses
from captioning.options import ATTENTION, SHOW_AND_TELL, ModelOptions, SearchOptions, ViewOptions
from captioning.run_description import RunDescription, write_description
from datasets.captioning import tokens
from datasets.captioning.vocabulary import END, START, UNKNOWN
from nets.batch_norm import BatchNormMode
from reference import comparison
from scripts.benchmarks import batches, processes

TITLES = {
    SHOW_AND_TELL: "Show and Tell",
    ATTENTION: "attention",
    "inception_v3": "Inception v3",
    "mobilenet_v2": "MobileNetV2",
    "mobilenet_v3_small": "small MobileNetV3",
}
# The contender that all are compared with: where the operations come from.
ORIGINALS = {SHOW_AND_TELL: "im2txt's graph", ATTENTION: "tutorial's graph"}
# Those of research/im2txt and of the tutorial.
NUM_WORDS = {SHOW_AND_TELL: 12000, ATTENTION: 5001}
SEARCH = SearchOptions()

_CAPTIONS_OF_AN_IMAGE = 3
_LEARNING_RATE = 2e-3


def describe(decoder: str, encoder: str, size: int, num_words: int | None = None) -> RunDescription:
    """Describes a network whose encoder sees `size` pixels on each side."""
    count = num_words or NUM_WORDS[decoder]
    words = (END, START, *(f"word{index}" for index in range(2, count - 1)), UNKNOWN)
    # The tutorial's state starts from zeros.
    model = ModelOptions(count, decoder, model_variant=encoder, starts_from_image=False).completed()
    return RunDescription(model, ViewOptions(size), "drawn", words, tokens.IM2TXT)


def write_checkpoint(
    description: RunDescription, images: np.ndarray, path: str, num_steps: int = 100
) -> None:
    """Writes a checkpoint and options.json.

    The encoder's weights are functions of the variables' names. The decoder learns three
    drawn captions of each image, so that its captions come to an end as those of a trained network.

    Args:
      description: the network.
      images: uint8 [batch, height, width, 3].
      path: of the checkpoint.
      num_steps: of the decoder's training.
    """
    write_description(description, os.path.dirname(path))
    model = description.model
    ids, lengths = batches.draw_captions(len(images) * _CAPTIONS_OF_AN_IMAGE, model.num_words)
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(0)
        image = tf.placeholder(tf.uint8, [1, *images.shape[1:]])
        seen = preprocess.evaluation_images(image, description.view.image_size)
        features = network.encode(seen, model, 0.0, BatchNormMode())
        comparison.fill_variables(session)
        found = np.concatenate([session.run(features, {image: each[None]}) for each in images])
        encoder = tf.global_variables()
        given = tf.placeholder(tf.float32, found.shape)
        decoder = network.make_decoder(model, found.shape[-1])
        repeated = tf.repeat(given, _CAPTIONS_OF_AN_IMAGE, axis=0)
        logits = decoder.unroll(repeated, tf.constant(ids[:, :-1])).logits
        costs = losses.word_losses(logits, tf.constant(ids[:, 1:]))
        loss = losses.mean_loss(costs, tf.sequence_mask(lengths - 1, ids.shape[1] - 1))
        learned = [each for each in tf.trainable_variables() if each not in encoder]
        step = tf.train.AdamOptimizer(_LEARNING_RATE).minimize(loss, var_list=learned)
        others = [each for each in tf.global_variables() if each not in encoder]
        session.run(tf.variables_initializer(others))
        for each in learned:
            if each.op.name == "image_embedding/weights":
                each.load(telling_apart(session.run(each), found), session)
        for _ in range(num_steps):
            session.run(step, {given: found})
        tf.train.Saver([*encoder, *learned]).save(session, path, write_meta_graph=False)


def table(captions: Iterable[Sequence[str]]) -> np.ndarray:
    """Returns the captions of images, str [images, beams], "" where there are fewer."""
    beams = SEARCH.beam_size
    return np.array([[*each, *[""] * (beams - len(each))] for each in captions])


def telling_apart(weights: np.ndarray, features: np.ndarray) -> np.ndarray:
    """Takes out of weights what all images have in common: a random encoder sees little else.

    Args:
      weights: float [depth, n].
      features: of images, float [batch, height, width, depth].

    Returns:
      [depth, n], with which products with the mean over an image's places vary by 1.
    """
    codes = features.mean(axis=(1, 2))
    common = codes.mean(axis=0)
    common /= np.linalg.norm(common)
    weights = weights - np.outer(common, common @ weights)
    return weights / (codes @ weights).std()


def export(checkpoint: str, path: str) -> str | None:
    """Exports a checkpoint with the project's command.

    Returns:
      Why that is not possible, in one line; None where it was.
    """
    return processes.run(
        sys.executable,
        "export_model.py",
        "--task=captioning",
        f"--checkpoint_path={checkpoint}",
        f"--export_path={path}",
    )
