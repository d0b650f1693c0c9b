"""A small network that describes images, with weights by chance, and its export."""

import functools
import pathlib

import numpy as np
import tensorflow.compat.v1 as tf

from captioning import inference_graph
from captioning.network import network
from captioning.options import ATTENTION, SHOW_AND_TELL, ModelOptions, SearchOptions, ViewOptions
from captioning.run_description import RunDescription, write_description
from datasets.captioning import tokens
from export import freeze
from nets.batch_norm import BatchNormMode
from reference import comparison
from scripts.benchmarks import captioners
from serving import contract
from tests.support import sessions

WORDS = ("a", "</S>", "<S>", ".", "dog", "cat", "runs", "sleeps", "on", "grass", "<UNK>")
STEP = 7
_SEEDS = {SHOW_AND_TELL: 1, ATTENTION: 0}
# What the decoders see of an image.
_OF_FEATURES = ("image_embedding/weights", "encoder/fc/kernel")
SIZE = 64


def describe(decoder: str) -> RunDescription:
    model = ModelOptions(
        len(WORDS),
        decoder,
        model_variant="mobilenet_v3_small_seg",
        depth_multiplier=0.25,
        embedding_size=8,
        num_units=8,
        starts_from_image=False,  # As in the reference, with which exports are compared.
    )
    return RunDescription(model, ViewOptions(SIZE), "pets", WORDS, tokens.IM2TXT)


def random_image(seed: int, height: int, width: int) -> np.ndarray:
    """Returns noise of a color of its own, uint8 [height, width, 3]."""
    random = np.random.RandomState(seed)
    color = random.randint(0, 200, 3)
    return (color + random.randint(0, 56, [height, width, 3])).astype(np.uint8)


def save(folder: pathlib.Path, decoder: str) -> str:
    """Saves weights as training does, `options.json` beside them; returns the checkpoint.

    Weights are chosen so that captions differ between images, and batch norms' statistics are those
    of images: with others, images' features differ by a thousandth, and what tells them apart makes
    as much of the last digit, which is another with every size of a batch.
    """
    folder.mkdir(parents=True, exist_ok=True)
    description = describe(decoder)
    write_description(description, str(folder))
    with tf.Graph().as_default(), sessions.unoptimized() as session:
        pixels = np.stack([random_image(each, SIZE, SIZE) for each in range(8)])
        image = tf.constant(pixels, tf.float32)
        network.encode(image, description.model, 0.0, BatchNormMode(is_training=True, decay=0.0))
        settle = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
        with tf.variable_scope(tf.get_variable_scope(), reuse=True):
            features = network.encode(image, description.model, 0.0, BatchNormMode())
        network.make_decoder(description.model, features.shape[-1].value)
        comparison.fill_variables(session)
        session.run(settle)
        random = np.random.RandomState(_SEEDS[decoder])
        for variable in tf.trainable_variables():
            if variable.op.name.startswith(network.decoder_scopes(decoder)):
                value = random.normal(size=variable.shape.as_list())
                if variable.op.name in _OF_FEATURES:
                    value = captioners.telling_apart(value, session.run(features))
                session.run(variable.assign(value.astype(np.float32)))
        step = tf.train.create_global_step()
        session.run(step.initializer)
        session.run(tf.assign(step, STEP))
        return tf.train.Saver().save(session, str(folder / "model.ckpt"), global_step=STEP)


def export(
    folder: pathlib.Path, decoder: str, search: SearchOptions | None = None, optimize: bool = True
) -> str:
    """Saves weights into a folder and exports them there; returns the path of the `.pb`."""
    description = describe(decoder)
    path = str(folder / "export" / "frozen_inference_graph.pb")
    build = functools.partial(
        inference_graph.build_inference_graph, description, search or SearchOptions()
    )
    freeze.freeze(
        build,
        save(folder, decoder),
        path,
        input_name=contract.INPUT,
        output_names=inference_graph.OUTPUTS,
        metadata={
            "task": "captioning",
            "attention_size": inference_graph.attention_size(description),
            "seen_share": 64 / 74,
            "words": WORDS,
        },
        optimize=optimize,
    )
    return path
