"""TFLite file in, checkpoint folder out."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from PIL import ImageOps

from nets import registry
from scripts.weight_import import (
    batch_norm_statistics,
    checkpoint_folder,
    comparison,
    folded_layers,
    options_search,
)
from scripts.weight_import.folded_layers import FoldedLayer
from scripts.weight_import.network import Network, describe
from scripts.weight_import.tflite_file import TFLiteFile

_FEW_IMAGES = 100


def import_tflite(
    source: str,
    target: str,
    *,
    image_paths: list[str],
    given: Mapping[str, Any],
    dataset: str | None,
) -> None:
    """Writes the checkpoint of a TFLite file, and prints what it is.

    Args:
      source: the file.
      target: the folder to write.
      image_paths: files for the batch norm statistics and the comparison; [] for no statistics
        and a drawn image.
      given: model options that are settled.
      dataset: a key of `specs.GOOGLE_DATASETS`, or None for the one with as many classes.

    Raises:
      ValueError: the file is damaged, no network that is known here, or says other things of an
        image than the checkpoint; then nothing is written.
      OSError: a file cannot be opened or written.
    """
    with checkpoint_folder.whole_folder(target) as directory:
        file = TFLiteFile(source)
        layers = folded_layers.read_layers(file)
        convolutions = {scope: layer.convolution for scope, layer in layers.items()}
        options = options_search.find_options(convolutions, file.crop_size, given)
        description = checkpoint_folder.describe_model(options, file.crop_size, dataset)
        is_quantized = any(layer.is_quantized for layer in layers.values())
        print(
            f"{source}: {describe(options)}, {options.num_classes} classes, images of "
            f"{file.crop_size[0]}x{file.crop_size[1]}, {'8-bit' if is_quantized else 'float'}"
        )
        single_scale = dataclasses.replace(options, image_pyramid=(1.0,))
        with Network(single_scale, file.crop_size) as network:
            network.check_rates(convolutions)
            statistics = batch_norm_statistics.identity(network)
            network.load(_values(network, layers, statistics), source)
            if image_paths:
                images = _read_images(image_paths, file.crop_size, options.model_variant)
                statistics = batch_norm_statistics.measure(network, images)
                network.load(_values(network, layers, statistics), source)
            print(_describe_statistics(len(image_paths)))
            images = _read_images(image_paths, file.crop_size, options.model_variant)
            pairs = (_logits(file, network, image) for image in images)
            print(comparison.check(network, pairs, is_exact=not is_quantized, source=source))
            checkpoint_folder.write(network, description, directory)
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


def _read_images(
    paths: list[str], size: tuple[int, int], model_variant: str
) -> Iterator[np.ndarray]:
    """Yields images, float32 [*size, 3], RGB, 0..255.

    They are made as small as the size and padded to it, as inference does.
    """
    height, width = size
    for decoded in comparison.read_images(paths):
        fitted = np.asarray(ImageOps.contain(decoded, (width, height)), np.float32)
        image = np.empty([height, width, 3], np.float32)
        image[:] = registry.encoder(model_variant).mean_pixel
        image[: fitted.shape[0], : fitted.shape[1]] = fitted
        yield image


def _logits(file: TFLiteFile, network: Network, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    normalized = network.run(network.normalized, image)[0]
    theirs = file.logits(normalized)
    return theirs, network.logits(image, normalized, theirs.shape[:2])


def _describe_statistics(num_images: int) -> str:
    if not num_images:
        return (
            "batch norm: mean 0 and variance 1, because no images are given. The network says "
            "the same, but is not fit for training: give --calibration_images for that."
        )
    text = f"batch norm: mean and variance of its inputs over {num_images} images"
    if num_images < _FEW_IMAGES:
        # Image pooling sees one value of a channel in each image.
        text += f"; give {_FEW_IMAGES} or more before training it (--fine_tune_batch_norm)"
    return text
