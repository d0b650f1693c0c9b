"""The networks that are measured, with random weights, and the images they see."""

import dataclasses
import subprocess
import sys

import numpy as np
import tensorflow.compat.v1 as tf

from deeplab.network import model
from deeplab.options import ModelOptions
from reference import comparison

NUM_CLASSES = 21

# "plain" has ASPP without rates and no decoder, "plus" both: research/deeplab's two forms.
_PLUS = ModelOptions(NUM_CLASSES, atrous_rates=(6, 12, 18), decoder_output_stride=(4,))
NETWORKS = {
    "mnv2_plain": ModelOptions(NUM_CLASSES, model_variant="mobilenet_v2"),
    "mnv2_plus": dataclasses.replace(_PLUS, model_variant="mobilenet_v2"),
    "xception_65": dataclasses.replace(_PLUS, model_variant="xception_65"),
    "xception_tiny": dataclasses.replace(_PLUS, model_variant="xception_tiny"),
}
TITLES = {
    "mnv2_plain": "MobileNetV2, plain",
    "mnv2_plus": "MobileNetV2, plus",
    "xception_65": "Xception-65, plus",
    "xception_tiny": "tiny Xception, plus",
}


def write_checkpoint(options: ModelOptions, path: str) -> None:
    """Writes a checkpoint whose weights are functions of the variables' names."""
    with tf.Graph().as_default():
        images = tf.placeholder(tf.float32, [1, 65, 65, 3])
        model.multi_scale_logits({"image": images}, options)
        with tf.Session() as session:
            comparison.fill_variables(session)
            tf.train.Saver().save(session, path, write_meta_graph=False)


def export(
    options: ModelOptions,
    checkpoint: str,
    path: str,
    crop_size: int,
    further_flags: tuple[str, ...] = (),
) -> str | None:
    """Exports a checkpoint for images of `crop_size` on each side, with the project's command.

    Returns:
      Why that is not possible, in one line; None where it was.
    """
    values = {"num_classes": options.num_classes, **network_flags(options)}
    return run(
        sys.executable,
        "export_model.py",
        f"--checkpoint_path={checkpoint}",
        f"--export_path={path}",
        f"--crop_size={crop_size},{crop_size}",
        *(f"--{name}={value}" for name, value in values.items()),
        *further_flags,
    )


def network_flags(options: ModelOptions) -> dict[str, str]:
    """Returns the flags of `train.py` and `export_model.py` that describe a network."""
    return {
        "model_variant": options.model_variant,
        "output_stride": str(options.output_stride),
        "atrous_rates": ",".join(map(str, options.atrous_rates or ())),
        "decoder_output_stride": ",".join(map(str, options.decoder_output_stride)),
    }


def run(*command: str) -> str | None:
    """Runs a command that prepares something; returns why it failed, in one line, or None."""
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode == 0:
        return None
    lines = (finished.stderr or finished.stdout).strip().splitlines()
    errors = [line for line in lines if line.startswith("error: ")] or lines[-1:]
    return errors[0].strip() if errors else f"exit status {finished.returncode}"


def draw_images(count: int, size: int) -> np.ndarray:
    """Draws images, uint8 [count, size, size, 3], with detail at every scale, as photographs."""
    random = np.random.RandomState(0)
    image = np.zeros([count, size, size, 3], np.float32)
    cells = 2
    while cells < size:
        coarse = random.uniform(-1, 1, [count, cells, cells, 3])
        places = np.arange(size) * cells // size
        image += coarse[:, places][:, :, places] / np.sqrt(cells)
        cells *= 2
    low, high = image.min(), image.max()
    return ((image - low) * (255 / (high - low))).astype(np.uint8)
