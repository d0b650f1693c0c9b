"""`options.json`: what was trained, beside the weights.

`train.py` writes it into its log folder; evaluation, export and inference read it, so that no
command repeats what training was told.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from common import run_options
from common.dataset_origin import DatasetOrigin
from deeplab.options import LARGEST_OPTION, ModelOptions, ResizeOptions

TASK = "deeplab"
# The flags that a recipe has chosen for a training run, beside its options.json.
RECIPE_FILE = "recipe.flags"


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunDescription(ResizeOptions):
    """What goes with the weights of a trained network: `options.json`.

    Attributes:
      model: the network.
      dataset_name: name of the dataset it was trained on.
      class_names: name of each class id.
      palette: RGB color, 0..255, of each class id.
      ignore_label: label value that was neither trained on nor scored.
      train_crop_size: (height, width) of the training crops, pixels.
      dataset_origin: where that dataset lay; not known in files of earlier versions.
    """

    model: ModelOptions
    dataset_name: str
    class_names: tuple[str, ...]
    palette: tuple[tuple[int, int, int], ...]
    ignore_label: int
    train_crop_size: tuple[int, int]
    dataset_origin: DatasetOrigin = DatasetOrigin()  # noqa: RUF009 (it is frozen)

    def validate(self) -> None:
        """Checks the fields of the network and against each other.

        Raises:
          ValueError: names the field, its value and what is allowed.
        """
        self.model.validate()
        num_classes = self.model.num_classes
        # Networks of published weights may have classes without names.
        for name, items in (("class_names", self.class_names), ("palette", self.palette)):
            if len(items) not in (0, num_classes):
                raise ValueError(
                    f"{name} has {len(items)} items; expected one for each of the {num_classes} "
                    "classes (num_classes)."
                )
        for color in self.palette:
            if not all(0 <= value <= 255 for value in color):
                raise ValueError(f"palette has the color {color}; expected values of 0..255.")
        if not 0 <= self.ignore_label <= 255:
            raise ValueError(f"ignore_label is {self.ignore_label}; expected 0..255.")
        for name in ("train_crop_size", "min_resize_value", "max_resize_value", "resize_factor"):
            value = getattr(self, name)
            sides = value if isinstance(value, tuple) else (value or 1,)
            if not all(1 <= side <= LARGEST_OPTION for side in sides):
                raise ValueError(f"{name} is {value}; expected 1..{LARGEST_OPTION} pixels.")


def write_description(description: RunDescription, directory: str) -> str:
    """Writes `options.json` into a folder, whole or not at all, and returns its path."""
    return run_options.write(directory, TASK, dataclasses.asdict(description))


def read_description(directory: str) -> RunDescription:
    """Reads `options.json` from a folder.

    Raises:
      ValueError: the file is missing or is not one of ours; the message names it and, where one is
        to blame, the key and its value.
    """
    alternative = ", or give the network's flags (--model_variant, --num_classes …)"
    return run_options.read_record(directory, TASK, RunDescription, alternative)


def parse_description(content: Mapping[str, Any], source: str) -> RunDescription:
    """Returns a description of its fields as JSON has them; see `run_options.to_record`."""
    return run_options.to_record(RunDescription, content, source)
