"""Makes a checkpoint of a published TFLite file: `python -m scripts.import_tflite FILE OUT_DIR`.

OUT_DIR gets `model.ckpt-0` with research/deeplab's variable names, and `options.json`, so that
training, evaluation and export take it as any other. What the file's layers do not say of the
network, its flags do.
"""

import dataclasses

import command_line  # before TensorFlow, whose start it quiets

# isort: split

import numpy as np
import tensorflow.compat.v1 as tf
from PIL import Image, ImageOps

from nets import registry
from scripts import import_flags
from scripts.weight_import import batch_norm_statistics, folded_layers, options_search, result
from scripts.weight_import.folded_layers import FoldedLayer
from scripts.weight_import.network import Network, describe
from scripts.weight_import.tflite_file import TFLiteFile
from serving import pictures


def main(arguments: list[str]) -> None:
    """Imports a file."""
    tf.disable_v2_behavior()
    source, target = import_flags.source_and_target(arguments)
    paths = import_flags.picture_paths()
    with result.whole_folder(target) as directory:
        file = TFLiteFile(source)
        layers = folded_layers.read_layers(file)
        convolutions = {scope: layer.convolution for scope, layer in layers.items()}
        options = options_search.find_options(
            convolutions, file.crop_size, import_flags.given_options()
        )
        description = result.describe_model(options, file.crop_size, import_flags.FLAGS.dataset)
        is_quantized = any(layer.is_quantized for layer in layers.values())
        print(
            f"{source}: {describe(options)}, {options.num_classes} classes, pictures of "
            f"{file.crop_size[0]}x{file.crop_size[1]}, {'8-bit' if is_quantized else 'float'}"
        )
        single_scale = dataclasses.replace(options, image_pyramid=(1.0,))
        with Network(single_scale, file.crop_size) as network:
            images = [
                _fit(pictures.read_picture(path), file.crop_size, options.model_variant)
                for path in paths
            ]
            network.check_rates(convolutions)
            statistics = batch_norm_statistics.identity(network)
            network.load(_values(network, layers, statistics), source)
            if images:
                statistics = batch_norm_statistics.measure(network, images)
                network.load(_values(network, layers, statistics), source)
            print(_describe_statistics(len(images)))
            compared = images or [
                _fit(import_flags.drawn_picture(), file.crop_size, options.model_variant)
            ]
            pairs = (_logits(file, network, image) for image in compared)
            print(result.check(network, pairs, is_exact=not is_quantized, source=source))
            result.write(network, description, directory)
    print(f"wrote {target}")


def _values(
    network: Network,
    layers: dict[str, FoldedLayer],
    statistics: dict[str, batch_norm_statistics.Statistics],
) -> dict[str, np.ndarray]:
    """Returns the network's variables by name."""
    values = {}
    for scope, layer in layers.items():
        values[f"{scope}/{layer.convolution.kernel_name}"] = layer.weights
        if scope in network.batch_norms:
            epsilon = network.batch_norms[scope].epsilon
            made = batch_norm_statistics.variables(layer.bias, statistics[scope], epsilon)
            values.update({f"{scope}/BatchNorm/{name}": value for name, value in made.items()})
        else:
            bias = layer.bias - np.float32(network.offsets.get(scope, 0.0))
            values[f"{scope}/biases"] = bias
    return values


def _fit(picture: Image.Image, size: tuple[int, int], model_variant: str) -> np.ndarray:
    """Returns a picture made as small as the size, and padded to it as inference does.

    Returns:
      float32 [*size, 3], RGB, 0..255.
    """
    height, width = size
    fitted = np.asarray(ImageOps.contain(picture, (width, height)), np.float32)
    image = np.empty([height, width, 3], np.float32)
    image[:] = registry.encoder(model_variant).mean_pixel
    image[: fitted.shape[0], : fitted.shape[1]] = fitted
    return image


def _logits(file: TFLiteFile, network: Network, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    normalized = network.run(network.normalized, image)[0]
    theirs = file.logits(normalized)
    return theirs, network.logits(image, normalized, theirs.shape[:2])


def _describe_statistics(num_pictures: int) -> str:
    if num_pictures:
        return f"batch norm: mean and variance of its inputs over {num_pictures} pictures"
    return (
        "batch norm: mean 0 and variance 1, because no pictures are given. The network is the "
        "same, but do not train with these (nor --fine_tune_batch_norm): give "
        "--calibration_images for that."
    )


if __name__ == "__main__":
    command_line.run(main, positional=True)
