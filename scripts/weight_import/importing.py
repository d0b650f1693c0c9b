"""Published file in, checkpoint folder out."""

import contextlib
import dataclasses
import os
import tempfile
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np

from datasets.segmentation import specs
from deeplab.options import ModelOptions
from deeplab.run_description import RunDescription, write_description
from nets import registry
from scripts.weight_import.images import Images
from scripts.weight_import.network import Network, describe
from training.checkpoints import CHECKPOINT_NAME

# For a file without a known dataset; it is that of the published datasets.
_IGNORE_LABEL = 255
# Relative to the largest logit: two runs of one network differ by the order of their sums.
_LARGEST_LOGITS_ERROR = 1e-3
_SMALLEST_EQUAL_SHARE = 0.999


class NetworkFile(Protocol):
    """What `FrozenGraph` and `TFLiteFile`, whose docstrings explain it, have in common."""

    path: str
    crop_size: tuple[int, int]
    network_size: tuple[int, int]
    num_classes: int
    rates: dict[str, int]
    is_quantized: bool

    def fill(self, network: Network, images: Images) -> None:
        """Gives a network the values of the file."""
        ...

    def run(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Runs the file on an image, float32 [*crop_size, 3], RGB, 0..255.

        Returns:
          (the input of its first convolution, float32 [*network_size, 3]; logits at their own size,
          float32 [height, width, classes]).
        """
        ...


def import_file(
    file: NetworkFile, description: RunDescription, image_paths: Sequence[str], target: str
) -> None:
    """Writes the checkpoint of a file, and prints what it is.

    Args:
      file: what is imported.
      description: of the file's network.
      image_paths: images on which logits are compared and batch norm statistics are measured; []
        for no statistics and a drawn image.
      target: the folder to write.

    Raises:
      ValueError: the file does not hold that network; then nothing is written.
      OSError: an image cannot be read, or the folder cannot be written.
    """
    options, (height, width) = description.model, file.crop_size
    print(
        f"{file.path}: {describe(options)}, {options.num_classes} classes, images of "
        f"{height}x{width}, {'8-bit' if file.is_quantized else 'float'}"
    )
    padding = registry.encoder(options.model_variant).mean_pixel
    images = Images(image_paths, file.crop_size, padding)
    single_scale = dataclasses.replace(options, image_pyramid=(1.0,))
    with _new_folder(target) as directory, Network(single_scale, file.network_size) as network:
        network.check_rates(file.rates, file.path)
        file.fill(network, images)
        print(_compare(file, network, images))
        network.save(os.path.join(directory, CHECKPOINT_NAME))
        write_description(description, directory)
    print(f"wrote {target}")


def describe_file(file: NetworkFile, options: ModelOptions, dataset: str | None) -> RunDescription:
    """Returns what options.json says of a file's network.

    `dataset` is a key of `specs.PUBLISHED_DATASETS`, or None for the one with as many classes.

    Raises:
      ValueError: the dataset has another number of classes.
    """
    counts = {name: len(specs.published_classes(name).names) for name in specs.PUBLISHED_DATASETS}
    if dataset is None:
        fitting = (name for name, count in counts.items() if count == options.num_classes)
        dataset = next(fitting, None)
    elif counts[dataset] != options.num_classes:
        raise ValueError(
            f"--dataset is {dataset}, which has {counts[dataset]} classes, but the file has "
            f"{options.num_classes}. Omit the flag."
        )
    classes = specs.published_classes(dataset) if dataset else specs.Classes((), (), _IGNORE_LABEL)
    return RunDescription(
        model=options,
        dataset_name=dataset or "",
        class_names=classes.names,
        palette=classes.palette,
        ignore_label=classes.ignore_label,
        train_crop_size=file.crop_size,
    )


@contextlib.contextmanager
def _new_folder(path: str) -> Iterator[str]:
    """Yields a temporary folder, which becomes `path` if all goes well and else is removed.

    Raises:
      ValueError: `path` is a file, or holds something.
    """
    path = os.path.normpath(path)
    if os.path.lexists(path) and (not os.path.isdir(path) or os.listdir(path)):
        raise ValueError(f"{path} exists and is not empty; name a new folder, or remove it.")
    parent, name = os.path.split(path)
    os.makedirs(parent or ".", exist_ok=True)
    with tempfile.TemporaryDirectory(dir=parent or ".", prefix=f".{name}.") as temporary:
        # Only its owner may read the temporary folder itself.
        directory = os.path.join(temporary, name)
        os.mkdir(directory)
        yield directory
        os.rename(directory, path)


def _compare(file: NetworkFile, network: Network, images: Images) -> str:
    """Compares the logits of a file with the network's, and formats the result.

    Raises:
      ValueError: they differ, and not because the file calculates with 8 bits.
    """
    errors, shares = [], []
    for image in images:
        normalized, theirs = file.run(image)
        # Only the gradient channel reads the image itself; a file that resizes it has none.
        image = image if image.shape == normalized.shape else np.zeros_like(normalized)
        ours = network.logits(image, normalized, theirs.shape[:2])
        errors.append(np.abs(ours - theirs).max() / max(np.abs(theirs).max(), 1e-30))
        shares.append(np.mean(ours.argmax(axis=2) == theirs.argmax(axis=2)))
    error, share = np.max(errors), np.min(shares)
    text = (
        f"logits differ by {error:.1e} of the largest at most, and {share:.3%} of the pixels or "
        f"more have the same class on each of {len(errors)} images"
    )
    # Written this way, a comparison with NaN fails.
    is_equal = error <= _LARGEST_LOGITS_ERROR and share >= _SMALLEST_EQUAL_SHARE
    if not is_equal and not file.is_quantized:
        raise ValueError(
            f"{file.path} is not the network {describe(network.options)}: {text}; allowed are "
            f"{_LARGEST_LOGITS_ERROR:.0e} and {_SMALLEST_EQUAL_SHARE:.1%}. Its variables and "
            "atrous rates fit, so give the flags that neither depends on, such as "
            "--use_bounded_activation, --image_pooling_crop_size or --image_se_uses_qsigmoid."
        )
    return text
