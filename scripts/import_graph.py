"""Makes a checkpoint of a frozen graph: `python -m scripts.import_graph FROZEN.pb OUT_DIR`.

The graph is one of research/deeplab's or of this project's exports, as a `.pb`, the folder that
holds it, or the published `.tar.gz`. Its constants carry the variables' names and are copied.
OUT_DIR gets `model.ckpt-0` and `options.json`, so that training, evaluation and export take it as
any other.
"""

import dataclasses

import command_line  # before TensorFlow, whose start it quiets

# isort: split

import numpy as np
import tensorflow.compat.v1 as tf
from PIL import Image

from deeplab.options import Description
from scripts import import_flags
from scripts.weight_import import options_search, result
from scripts.weight_import.frozen_graph import FrozenGraph
from scripts.weight_import.network import Network, describe
from serving import pictures

# Last parts of the names of a network's variables.
_VARIABLE_NAMES = ("weights", "biases", "gamma", "beta", "moving_mean", "moving_variance")


def main(arguments: list[str]) -> None:
    """Imports a graph."""
    tf.disable_v2_behavior()
    source, target = import_flags.source_and_target(arguments)
    paths = import_flags.picture_paths()
    with result.whole_folder(target) as directory:
        file = FrozenGraph(source)
        description = _describe(file)
        options = description.model
        print(
            f"{file.path}: {describe(options)}, {options.num_classes} classes, pictures of "
            f"{file.crop_size[0]}x{file.crop_size[1]}{', 8-bit' if file.is_quantized else ''}"
        )
        single_scale = dataclasses.replace(options, image_pyramid=(1.0,))
        with Network(single_scale, file.network_size) as network:
            network.check_rates(file.convolutions)
            network.load(_values(file, network), file.path)
            compared = map(pictures.read_picture, paths)
            if not paths:
                compared = [import_flags.drawn_picture()]
            pairs = (_logits(file, network, picture) for picture in compared)
            print(result.check(network, pairs, is_exact=not file.is_quantized, source=file.path))
            result.write(network, description, directory)
    print(f"wrote {target}")


def _describe(file: FrozenGraph) -> Description:
    """Returns what the graph says of itself; the flags win."""
    given = import_flags.given_options()
    if file.description is None:
        options = options_search.find_options(file.convolutions, file.network_size, given)
        return result.describe_model(options, file.crop_size, import_flags.FLAGS.dataset)
    options = dataclasses.replace(file.description.model, **given)
    options.validate()
    return dataclasses.replace(file.description, model=options)


def _values(file: FrozenGraph, network: Network) -> dict[str, np.ndarray]:
    """Returns the constants that are variables of a network, by name."""
    values = {
        name: value
        for name, value in file.constants.items()
        if name.endswith(_VARIABLE_NAMES) and (value.ndim or name in network.shapes)
    }
    if network.batch_norms and not any("/BatchNorm/" in name for name in values):
        raise ValueError(
            f"{file.path} holds no batch norm: a tool has folded it into the kernels. Import the "
            "graph before that, or the TFLite file with scripts.import_tflite."
        )
    return values


def _logits(
    file: FrozenGraph, network: Network, picture: Image.Image
) -> tuple[np.ndarray, np.ndarray]:
    """Returns logits of the graph and ours, of a picture that fills the crop."""
    height, width = file.crop_size
    pixels = np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR))
    normalized, theirs = file.run(pixels)
    image = np.zeros(normalized.shape, np.float32)
    if network.options.decoder_use_gradient:
        if file.resizes or file.network_size != file.crop_size:
            raise ValueError(
                f"{file.path} resizes its pictures behind the gradient channel, so that it cannot "
                "be compared; use the checkpoint that it was exported from."
            )
        image = pixels.astype(np.float32)
    return theirs, network.logits(image, normalized, theirs.shape[:2])


if __name__ == "__main__":
    command_line.run(main, positional=True)
