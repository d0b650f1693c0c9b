"""Sources of captioning datasets: images and their captions on disk, a small module per layout.

`SOURCES` names them as commands do. A module is imported when its source is opened.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datasets.captioning.sources.source import Source

# Each is a module of this package with a function `open_source`; the options that it takes.
SOURCES = {
    "coco_captions": ("val_fraction", "seed"),
    "flickr_captions": ("val_fraction", "seed"),
    "karpathy_splits": ("val_fraction", "seed"),
    "caption_demo": (),
}


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
      ValueError: there is no such source, it takes no such option, or the folder is not laid out as
        expected.
    """
    if name not in SOURCES:
        raise ValueError(f"there is no source {name!r}; expected one of {', '.join(SOURCES)}.")
    if val_fraction is not None and "val_fraction" not in SOURCES[name]:
        takers = [source for source, taken in SOURCES.items() if "val_fraction" in taken]
        raise ValueError(
            f"val_fraction is {val_fraction!r}, but source {name!r} takes no such option; it works "
            f"with {', '.join(takers)}."
        )
    options: dict[str, Any] = {"val_fraction": val_fraction, "seed": seed}
    module = importlib.import_module(f"datasets.captioning.sources.{name}")
    return module.open_source(data_dir, **{key: options[key] for key in SOURCES[name]})
