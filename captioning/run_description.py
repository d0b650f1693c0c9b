"""`options.json` of a network that describes images: what was trained, beside the weights."""

import dataclasses

from captioning.options import ModelOptions, ViewOptions
from common import run_options
from common.dataset_origin import DatasetOrigin
from datasets.captioning.vocabulary import Vocabulary

TASK = "captioning"


@dataclasses.dataclass(frozen=True)
class RunDescription:
    """What goes with the weights of a trained network.

    Attributes:
      model: the network.
      view: how it sees an image.
      dataset_name: name of the dataset it was trained on.
      words, splitting: its vocabulary.
      dataset_origin: where that dataset lay; not known in files of earlier versions.
    """

    model: ModelOptions
    view: ViewOptions
    dataset_name: str
    words: tuple[str, ...]
    splitting: str
    dataset_origin: DatasetOrigin = DatasetOrigin()  # noqa: RUF009 (it is frozen)

    @property
    def vocabulary(self) -> Vocabulary:
        return Vocabulary(self.words, self.splitting)

    def validate(self) -> None:
        """Checks the fields, and against each other.

        Raises:
          ValueError: names the field, its value and what is allowed.
        """
        self.model.validate()
        self.view.validate()
        if len(self.vocabulary) != self.model.num_words:
            raise ValueError(
                f"words has {len(self.words)} items; expected one for each of the "
                f"{self.model.num_words} words of the network (num_words)."
            )


def write_description(description: RunDescription, directory: str) -> str:
    """Writes `options.json` into a folder, whole or not at all, and returns its path."""
    return run_options.write(directory, TASK, dataclasses.asdict(description))


def read_description(directory: str) -> RunDescription:
    """Reads `options.json` from a folder.

    Raises:
      ValueError: the file is missing, damaged or of another task; the message names it and, where
        one is to blame, the key and its value.
    """
    return run_options.read_record(directory, TASK, RunDescription)
