"""A small classifier with weights of its own, and its export from a checkpoint."""

import dataclasses
import functools
import pathlib

import numpy as np
import tensorflow.compat.v1 as tf

from classification import inference_graph
from classification.options import ModelOptions, ViewOptions
from classification.run_description import RunDescription, write_description
from export import freeze
from nets import classifier
from nets.batch_norm import BatchNormMode
from reference import comparison
from serving import contract
from tests.support import sessions

CLASS_NAMES = ("cat", "dog", "owl")
OPTIONS = ModelOptions(num_classes=3, model_variant="xception_tiny")
VIEW = ViewOptions(image_size=32, preprocessing="inception", labels_offset=0)
DESCRIPTION = RunDescription(OPTIONS, VIEW, "animals", CLASS_NAMES)
STEP = 7
_SPREAD = 2.0


def random_image(seed: int, height: int, width: int) -> np.ndarray:
    """Returns noise of a color of its own, uint8 [height, width, 3]."""
    random = np.random.RandomState(seed)
    color = random.randint(0, 200, 3)
    return (color + random.randint(0, 56, [height, width, 3])).astype(np.uint8)


def build(images: tf.Tensor, options: ModelOptions = OPTIONS) -> tf.Tensor:
    """Returns the logits of float32 images [batch, height, width, 3], as evaluation builds them."""
    logits, _ = classifier.classify(
        images,
        options.model_variant,
        num_classes=options.num_classes,
        is_training=False,
        dropout_keep_prob=1.0,
        weight_decay=0.0,
        batch_norm=BatchNormMode(),
        options=options.encoder_options(),
    )
    return logits


def save(
    folder: pathlib.Path, description: RunDescription = DESCRIPTION, spread: float = _SPREAD
) -> str:
    """Saves weights as training does, `options.json` beside them; returns the checkpoint.

    Args:
      folder: where they go.
      description: of the network.
      spread: standard deviation of a logit over images of `random_image`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_description(description, str(folder))
    size = description.view.image_size
    images = np.stack([random_image(seed, size, size) for seed in range(16)])
    with tf.Graph().as_default(), sessions.unoptimized() as session:
        logits = build(tf.constant(images, tf.float32), description.model)
        comparison.fill_variables(session)
        # So that images of different colors differ in their likeliest class.
        values = session.run(logits)
        weights, biases = _last_layer(description.model.num_classes)
        scale = spread / values.std(axis=0)
        session.run(tf.assign(biases, scale * (biases - values.mean(axis=0))))
        session.run(tf.assign(weights, scale * weights))
        step = tf.train.create_global_step()
        session.run(step.initializer)
        session.run(tf.assign(step, STEP))
        return tf.train.Saver().save(session, str(folder / "model.ckpt"), global_step=STEP)


def _last_layer(num_classes: int) -> tuple[tf.Variable, tf.Variable]:
    """Returns weights and biases of the logits' layer, which encoders name differently."""
    variables = {each.op.name: each for each in tf.global_variables()}
    is_last = {name: each.shape.as_list() == [num_classes] for name, each in variables.items()}
    (biases,) = (name for name in variables if is_last[name] and name.endswith("/biases"))
    return variables[biases.removesuffix("biases") + "weights"], variables[biases]


def write(
    folder: pathlib.Path,
    checkpoint: str,
    options: ModelOptions = OPTIONS,
    view: ViewOptions = VIEW,
    **metadata: object,
) -> str:
    """Exports a classifier and returns the path of the `.pb`.

    Args:
      folder: where it goes.
      checkpoint: its weights.
      options, view: the network, and how it sees an image.
      **metadata: what the graph carries besides, or instead.
    """
    path = str(folder / "frozen_inference_graph.pb")
    freeze.freeze(
        functools.partial(inference_graph.build_inference_graph, options, view),
        checkpoint,
        path,
        input_name=contract.INPUT,
        output_names=inference_graph.OUTPUTS,
        metadata={
            "task": "classification",
            "class_names": CLASS_NAMES,
            "view": dataclasses.asdict(view),
            **metadata,
        },
    )
    return path
