"""The networks that are measured, with random weights, and the images they see."""

import dataclasses
import sys

import numpy as np
import tensorflow.compat.v1 as tf

from deeplab.network import model
from deeplab.options import ModelOptions
from reference import comparison
from scripts.benchmarks import processes

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
    crop_size: tuple[int, int],
    further_flags: tuple[str, ...] = (),
) -> str | None:
    """Exports a checkpoint for images of `crop_size`, (height, width), with the project's command.

    Returns:
      Why that is not possible, in one line; None where it was.
    """
    values = {"num_classes": options.num_classes, **network_flags(options)}
    return processes.run(
        sys.executable,
        "export_model.py",
        f"--checkpoint_path={checkpoint}",
        f"--export_path={path}",
        f"--crop_size={crop_size[0]},{crop_size[1]}",
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


def draw_images(count: int, height: int, width: int | None = None) -> np.ndarray:
    """Draws images, uint8 [count, height, width, 3], with detail at every scale, as photographs."""
    width = width or height
    random = np.random.RandomState(0)
    image = np.zeros([count, height, width, 3], np.float32)
    cells = 2
    while cells < max(height, width):
        coarse = random.uniform(-1, 1, [count, cells, cells, 3])
        rows, columns = (np.arange(side) * cells // side for side in (height, width))
        image += coarse[:, rows][:, :, columns] / np.sqrt(cells)
        cells *= 2
    low, high = image.min(), image.max()
    return ((image - low) * (255 / (high - low))).astype(np.uint8)
