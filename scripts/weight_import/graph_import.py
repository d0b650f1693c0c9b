"""Frozen graph in, checkpoint folder out."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from deeplab.run_description import RunDescription
from scripts.weight_import import checkpoint_folder, comparison, options_search
from scripts.weight_import.frozen_graph import FrozenGraph
from scripts.weight_import.network import Network, describe

# Last parts of the names of a network's variables.
_VARIABLE_NAMES = ("weights", "biases", "gamma", "beta", "moving_mean", "moving_variance")


def import_graph(
    source: str,
    target: str,
    *,
    image_paths: list[str],
    given: Mapping[str, Any],
    dataset: str | None,
    trust: bool = False,
) -> None:
    """Writes the checkpoint of a frozen graph, and prints what it is.

    Args:
      source: a `.pb`, a folder or an archive, as for `serving.export_file.read_export`.
      target: the folder to write.
      image_paths: files that logits are compared on; [] for a drawn one.
      given: model options that are settled.
      dataset: a key of `specs.GOOGLE_DATASETS`, or None for the one with as many classes.
      trust: whether the graph may have operations that read and write files or run programs.

    Raises:
      ValueError: the file is damaged, no network that is known here, or says other things of an
        image than the checkpoint; then nothing is written.
      OSError: a file cannot be opened or written.
    """
    with checkpoint_folder.whole_folder(target) as directory:
        file = FrozenGraph(source, trust)
        description = _describe(file, given, dataset)
        options = description.model
        print(
            f"{file.path}: {describe(options)}, {options.num_classes} classes, images of "
            f"{file.crop_size[0]}x{file.crop_size[1]}{', 8-bit' if file.is_quantized else ''}"
        )
        single_scale = dataclasses.replace(options, image_pyramid=(1.0,))
        with Network(single_scale, file.network_size) as network:
            network.check_rates(file.convolutions)
            network.load(_values(file, network), file.path)
            pairs = (_logits(file, network, image) for image in comparison.read_images(image_paths))
            is_exact = not file.is_quantized
            print(comparison.check(network, pairs, is_exact=is_exact, source=file.path))
            checkpoint_folder.write(network, description, directory)
    print(f"wrote {target}")


def _describe(file: FrozenGraph, given: Mapping[str, Any], dataset: str | None) -> RunDescription:
    """Returns what the graph says of itself; what is given wins."""
    if file.description is None:
        options = options_search.find_options(file.convolutions, file.network_size, given)
        return checkpoint_folder.describe_model(options, file.crop_size, dataset)
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
            f"{file.path} holds no batch norm: a tool has folded it into the kernels, as "
            "export_model.py does without --nooptimize. Import the graph before that, or the "
            "TFLite file with scripts.import_tflite."
        )
    return values


def _logits(
    file: FrozenGraph, network: Network, image: Image.Image
) -> tuple[np.ndarray, np.ndarray]:
    """Returns logits of the graph and ours, of an image that fills the crop."""
    height, width = file.crop_size
    pixels = np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))
    normalized, theirs = file.run(pixels)
    image = np.zeros(normalized.shape, np.float32)
    if network.options.decoder_use_gradient:
        if file.resizes or file.network_size != file.crop_size:
            raise ValueError(
                f"{file.path} resizes its images behind the gradient channel, so that it cannot "
                "be compared; use the checkpoint that it was exported from."
            )
        image = pixels.astype(np.float32)
    return theirs, network.logits(image, normalized, theirs.shape[:2])
