"""Which dataset a command of captioning reads, as its flags say."""

from commands import dataset_choice
from commands.shared_options import DatasetOptions
from datasets.captioning import specs
from datasets.captioning.specs import CaptioningSpec


def read_dataset(options: DatasetOptions, trained_on: str | None = None) -> CaptioningSpec:
    """Reads the dataset of `commands.dataset_choice.find_directory`.

    Raises:
      ValueError: there is no such dataset, or it is damaged.
    """
    return specs.read_spec(
        dataset_choice.find_directory(options, specs.find_last_dataset, trained_on)
    )
