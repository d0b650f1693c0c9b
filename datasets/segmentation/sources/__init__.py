"""Sources of segmentation datasets: images and masks on disk, one small module per layout.

`SOURCES` names them as commands do. A module is imported when its source is opened.
"""

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datasets.segmentation.sources.source import Source

# Each is a module of this package with a function `open_source`.
SOURCES = ("folder", "demo", "camvid", "voc2012", "cityscapes", "ade20k")


def open_source(
    name: str,
    data_dir: str,
    *,
    classes_file: str | None = None,
    val_fraction: float | None = None,
    seed: int = 0,
    mask_values: Mapping[int, int] | None = None,
) -> "Source":
    """Lists the files of a source, one of `SOURCES`.

    Args:
      classes_file: JSON file of class names and colors; None for `classes.json` in the folder, if
        there is one.
      val_fraction: share of the examples for validation where the folder has no splits.
      seed: of that share's choice; nothing else depends on it.
      mask_values: class id of each value in the masks; None where the values are the ids.

    Raises:
      ValueError: there is no such source, it takes no such option (only `folder` takes any), or
        the folder is not laid out as expected.
    """
    if name not in SOURCES:
        raise ValueError(f"there is no source {name!r}; expected one of {', '.join(SOURCES)}.")
    module = importlib.import_module(f"datasets.segmentation.sources.{name}")
    if name == "folder":
        return module.open_source(data_dir, classes_file, val_fraction, seed, mask_values)
    names = ("classes_file", "val_fraction", "mask_values")
    for option, value in zip(names, (classes_file, val_fraction, mask_values), strict=True):
        if value is not None:
            raise ValueError(
                f"{option} is {value!r}, but source {name!r} has its own classes and splits; "
                f"{option} works with source 'folder' only."
            )
    return module.open_source(data_dir)
