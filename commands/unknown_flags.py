"""Explains flags of other programs that no flag of ours stands for."""

import glob
import os

from commands import epochs
from commands.flags import Flags
from common import json_files
from common.dataset_files import DATASET_FILE, DATASETS_ROOT

_EPOCHS = ("epochs", "num_epochs", "max_epochs", "n_epochs")


def explain_epochs(name: str, value: str, flags: Flags) -> str | None:
    """Returns what to say of `--epochs=VALUE` in steps of the dataset; None for another flag."""
    if name not in _EPOCHS:
        return None
    batch_size = flags.value("train_batch_size")
    steps = f"an epoch is the number of images / train_batch_size ({batch_size}) steps"
    found = _find_dataset(flags)
    if found is not None and batch_size > 0:
        dataset, num_images = found
        batch_size *= max(1, flags.value("num_replicas"))
        epoch = epochs.count_steps(num_images, batch_size)
        steps = (
            f"an epoch of dataset {dataset} ({num_images} images) is {epoch} "
            f"{'step' if epoch == 1 else 'steps'} of {batch_size} images"
        )
        if value.isdecimal() and int(value):
            given = "1 epoch is" if int(value) == 1 else f"{value} epochs are"
            steps += f", so {given} --training_number_of_steps={int(value) * epoch}"
    return (
        f"there is no flag --{name}; training is counted in steps (--training_number_of_steps): "
        f"{steps}."
    )


def explain_classes(name: str, more: str) -> str | None:
    """Explains flags such as `--num_classes`, which a command that reads a dataset lacks.

    Args:
      name: of the flag that does not exist.
      more: where the names of the classes come from.
    """
    if name not in ("classes", "num_classes", "n_classes", "nclass", "num_labels"):
        return None
    return (
        f"there is no flag --{name}; the number of classes is the dataset's, as its dataset.json "
        f"says ({more})."
    )


def _find_dataset(flags: Flags) -> tuple[str, int] | None:
    """Returns name and images of the dataset that would be used; None where it cannot be read."""
    built = os.path.join(DATASETS_ROOT, flags.value("dataset") or "*")
    found = glob.glob(os.path.join(flags.value("dataset_dir") or built, DATASET_FILE))
    try:
        dataset = json_files.read_object(max(found, key=os.path.getmtime))
        num_images = dataset["splits"][flags.value("train_split")]["num_examples"]
        return dataset["name"], int(num_images)
    except (OSError, ValueError, KeyError, TypeError):
        return None
