"""Sources of segmentation datasets: images and masks on disk, one small module a layout.

`SOURCES` names them as commands do. A module is imported when its source is opened.
"""

import dataclasses
import importlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datasets.segmentation.sources.source import Source


@dataclasses.dataclass(frozen=True)
class Opener:
    """Opens one kind of source.

    Attributes:
      name: name of its module in this package, which is its name on the command line.
      takes_options: whether it takes more than the folder: only `folder` does, since a published
        dataset has its own classes and splits.
    """

    name: str
    takes_options: bool = False

    def __call__(
        self,
        data_dir: str,
        *,
        classes_file: str | None = None,
        val_fraction: float | None = None,
        seed: int = 0,
        mask_values: Mapping[int, int] | None = None,
    ) -> "Source":
        """Lists the files of the source.

        Args:
          data_dir: folder of the dataset.
          classes_file: JSON file of class names and colors; None for `classes.json` in the
            folder, if there is one.
          val_fraction: share of the examples for validation where the folder has no splits.
          seed: of that share's choice; nothing else depends on it.
          mask_values: class id of each value in the masks; None where the values are the ids.

        Raises:
          ValueError: the folder is not laid out as expected, or the source takes no such option.
        """
        module = importlib.import_module(f"datasets.segmentation.sources.{self.name}")
        if self.takes_options:
            return module.open_source(data_dir, classes_file, val_fraction, seed, mask_values)
        options = {
            "classes_file": classes_file,
            "val_fraction": val_fraction,
            "mask_values": mask_values,
        }
        for option, value in options.items():
            if value is not None:
                raise ValueError(
                    f"{option} is {value!r}, but source {self.name!r} has its own classes and "
                    f"splits; {option} goes with source 'folder' only."
                )
        return module.open_source(data_dir)


SOURCES: Mapping[str, Opener] = MappingProxyType(
    {
        opener.name: opener
        for opener in (
            Opener("folder", takes_options=True),
            Opener("demo"),
            Opener("camvid"),
            Opener("voc2012"),
            Opener("cityscapes"),
            Opener("ade20k"),
        )
    }
)


def open_source(
    name: str,
    data_dir: str,
    *,
    classes_file: str | None = None,
    val_fraction: float | None = None,
    seed: int = 0,
    mask_values: Mapping[int, int] | None = None,
) -> "Source":
    """Opens a source by its name; see `Opener.__call__`.

    Raises:
      ValueError: there is no such source, or it cannot be opened.
    """
    if name not in SOURCES:
        raise ValueError(f"there is no source {name!r}; expected one of {', '.join(SOURCES)}.")
    return SOURCES[name](
        data_dir,
        classes_file=classes_file,
        val_fraction=val_fraction,
        seed=seed,
        mask_values=mask_values,
    )
