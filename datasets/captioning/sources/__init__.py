"""Sources of captioning datasets: images and their captions on disk, a small module per layout.

`SOURCES` names them as commands do. A module is imported when its source is opened.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datasets.captioning.sources.source import Source

# Each is a module of this package with a function `open_source`.
SOURCES = ("coco_captions", "flickr_captions", "karpathy_splits")


def open_source(
    name: str, data_dir: str, *, val_fraction: float | None = None, seed: int = 0
) -> "Source":
    """Lists the images of a source, one of `SOURCES`.

    Args:
      name: of the source.
      data_dir: folder of images and captions.
      val_fraction: share of the images for validation, where the data have no such split.
      seed: of that share's choice; nothing else depends on it.

    Raises:
      ValueError: there is no such source, or the folder is not laid out as expected.
    """
    if name not in SOURCES:
        raise ValueError(f"there is no source {name!r}; expected one of {', '.join(SOURCES)}.")
    module = importlib.import_module(f"datasets.captioning.sources.{name}")
    return module.open_source(data_dir, val_fraction=val_fraction, seed=seed)
