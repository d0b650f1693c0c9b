"""`options.json` of a classifier: what was trained, beside the weights."""

import dataclasses

from classification.options import ModelOptions, ViewOptions
from common import run_options
from common.dataset_origin import DatasetOrigin

TASK = "classification"


@dataclasses.dataclass(frozen=True)
class RunDescription:
    """What goes with the weights of a trained classifier.

    Attributes:
      model: the network.
      view: how it sees an image.
      dataset_name: name of the dataset it was trained on.
      class_names: name of each class id of the network; () where nobody has named them.
      dataset_origin: where that dataset lay; not known in files of earlier versions.
    """

    model: ModelOptions
    view: ViewOptions
    dataset_name: str
    class_names: tuple[str, ...]
    dataset_origin: DatasetOrigin = DatasetOrigin()  # noqa: RUF009 (it is frozen)

    def validate(self) -> None:
        """Checks the fields, and against each other.

        Raises:
          ValueError: names the field, its value and what is allowed.
        """
        self.model.validate()
        self.view.validate()
        if len(self.class_names) not in (0, self.model.num_classes):
            raise ValueError(
                f"class_names has {len(self.class_names)} items; expected one for each of the "
                f"{self.model.num_classes} classes (num_classes)."
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
