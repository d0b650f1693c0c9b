"""Exports of DeepLab networks of any kind with random weights, whose classes vary over an image."""

import functools
import pathlib

import numpy as np
import tensorflow.compat.v1 as tf

from deeplab import inference_graph
from deeplab.network import model
from deeplab.options import ModelOptions
from export import freeze
from reference import comparison
from serving import contract
from tests.support import sessions

# Standard deviation of a logit over the pixels of `random_images`.
_SPREAD = 2.0


def random_images(number: int, height: int, width: int, seed: int = 0) -> np.ndarray:
    """Returns patches of random colors with some noise, uint8 [number, height, width, 3]."""
    random = np.random.RandomState(seed)
    colors = random.randint(0, 200, [number, height // 16 + 1, width // 16 + 1, 3])
    patches = colors.repeat(16, axis=1).repeat(16, axis=2)[:, :height, :width]
    return (patches + random.randint(0, 56, patches.shape)).astype(np.uint8)


def write(
    folder: pathlib.Path,
    options: ModelOptions,
    crop_size: tuple[int, int],
    *,
    optimize: bool = True,
    metadata: dict | None = None,
    **how: object,
) -> str:
    """Exports a network and returns the path of the `.pb`.

    Args:
      folder: where it goes.
      options: the network.
      crop_size: (height, width) of the largest image that it takes.
      optimize: see `freeze.freeze`.
      metadata: what the graph carries.
      **how: further arguments of `build_inference_graph`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = _save(folder, options, crop_size)
    path = str(folder / "frozen_inference_graph.pb")
    freeze.freeze(
        functools.partial(
            inference_graph.build_inference_graph, options, crop_size=crop_size, **how
        ),
        checkpoint,
        path,
        input_name=contract.INPUT,
        output_names=contract.OUTPUTS,
        metadata=metadata or {},
        optimize=optimize,
    )
    return path


def _save(folder: pathlib.Path, options: ModelOptions, crop_size: tuple[int, int]) -> str:
    images = random_images(2, *crop_size).astype(np.float32)
    with tf.Graph().as_default(), sessions.unoptimized() as session:
        features = {"image": tf.constant(images), "laplacian": tf.constant(images[..., :1] - 128.0)}
        logits = model.multi_scale_logits(features, options)[model.MERGED_LOGITS]
        comparison.fill_variables(session)
        values = session.run(logits).reshape(-1, options.num_classes)
        scale = _SPREAD / np.maximum(values.std(axis=0), 1e-6)
        # The logits' layer, or the layers of the decoder that are added where it makes the logits.
        scopes = ("decoder/decoder_conv0/", "decoder/feature_projection0/")
        if not options.decoder_output_is_logits:
            scopes = ("logits/semantic/",)
        variables = {each.op.name: each for each in tf.global_variables()}
        mean = values.mean(axis=0)
        for scope in scopes:
            weights, biases = (variables[f"{scope}{name}"] for name in ("weights", "biases"))
            session.run(tf.assign(biases, scale * (biases - mean)))
            session.run(tf.assign(weights, scale * weights))
            mean = 0.0
        return tf.train.Saver().save(session, str(folder / "model.ckpt"))
