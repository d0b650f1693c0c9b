"""The folder that an import leaves: a checkpoint and options.json, whole or not at all."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator

from datasets.segmentation import specs
from deeplab.options import ModelOptions
from deeplab.run_description import RunDescription, write_description
from scripts.weight_import.network import Network
from training.checkpoints import CHECKPOINT_NAME

# Of a file that says nothing of its masks; that of the published datasets.
_IGNORE_LABEL = 255


@contextlib.contextmanager
def whole_folder(path: str) -> Iterator[str]:
    """Gives a temporary folder, which becomes `path` if all goes well and else is removed.

    Raises:
      ValueError: `path` is a file, or holds something.
    """
    path = os.path.normpath(path)
    if os.path.lexists(path) and (not os.path.isdir(path) or os.listdir(path)):
        raise ValueError(f"{path} exists and is not empty; name a new folder, or remove it.")
    parent = os.path.dirname(path) or "."
    os.makedirs(parent, exist_ok=True)
    temporary = tempfile.mkdtemp(dir=parent, prefix=f".{os.path.basename(path)}.")
    try:
        yield temporary
        os.chmod(temporary, 0o777 & ~_umask())  # mkdtemp's is for its maker alone.
        os.rename(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def describe_model(
    options: ModelOptions, crop_size: tuple[int, int], dataset: str | None
) -> RunDescription:
    """Returns what options.json says of an import.

    Args:
      options: the network.
      crop_size: (height, width) of the images that the file takes.
      dataset: a key of `specs.GOOGLE_DATASETS`, or None for the one with as many classes.

    Raises:
      ValueError: the dataset has another number of classes.
    """
    counts = {name: len(specs.google_classes(name).names) for name in specs.GOOGLE_DATASETS}
    if dataset is None:
        fitting = (name for name, count in counts.items() if count == options.num_classes)
        dataset = next(fitting, None)
    elif counts[dataset] != options.num_classes:
        raise ValueError(
            f"--dataset is {dataset}, which has {counts[dataset]} classes, but the file has "
            f"{options.num_classes}. Leave the flag away."
        )
    classes = specs.google_classes(dataset) if dataset else specs.Classes((), (), _IGNORE_LABEL)
    return RunDescription(
        model=options,
        dataset_name=dataset or "",
        class_names=classes.names,
        palette=classes.palette,
        ignore_label=classes.ignore_label,
        train_crop_size=crop_size,
    )


def write(network: Network, description: RunDescription, directory: str) -> None:
    """Writes a network's checkpoint and options.json into a folder."""
    network.save(os.path.join(directory, CHECKPOINT_NAME))
    write_description(description, directory)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
