"""Sources of classification datasets: images and their classes on disk, a small module per layout.

`SOURCES` names them as commands do. A module is imported when its source is opened.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datasets.classification.sources.source import Source

# Each is a module of this package with a function `open_source`; the options that it takes.
SOURCES = {
    "class_folders": ("val_fraction", "seed", "class_names_file"),
}


def open_source(
    name: str,
    data_dir: str,
    *,
    val_fraction: float | None = None,
    seed: int = 0,
    class_names_file: str | None = None,
    labels_csv: str | None = None,
) -> "Source":
    """Lists the images of a source, one of `SOURCES`.

    Args:
      val_fraction: share of each class for validation, where the data have no such split.
      seed: of that share's choice; nothing else depends on it.
      class_names_file: text file that orders or renames the classes.
      labels_csv: table of the images and their labels; None for the one in the folder.

    Raises:
      ValueError: there is no such source, it takes no such option, or the folder is not laid out as
        expected.
    """
    if name not in SOURCES:
        raise ValueError(f"there is no source {name!r}; expected one of {', '.join(SOURCES)}.")
    options: dict[str, Any] = {
        "val_fraction": val_fraction,
        "class_names_file": class_names_file,
        "labels_csv": labels_csv,
    }
    for option, value in options.items():
        if value is not None and option not in SOURCES[name]:
            takers = [source for source, taken in SOURCES.items() if option in taken]
            raise ValueError(
                f"{option} is {value!r}, but source {name!r} takes no such option; it works with "
                f"{', '.join(takers)}."
            )
    options["seed"] = seed
    module = importlib.import_module(f"datasets.classification.sources.{name}")
    return module.open_source(data_dir, **{key: options[key] for key in SOURCES[name]})
