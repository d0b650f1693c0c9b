"""Sources of segmentation datasets: images and masks on disk, one small module per layout.

`SOURCES` names them as commands do. A module is imported when its source is opened, or asked about.
"""

import importlib
from collections.abc import Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

from datasets.images import image_folders

if TYPE_CHECKING:
    from datasets.segmentation.sources.source import Source

FOLDER = "folder"

_MAX_SUBFOLDERS = 20

# What of the options below a source takes.
_OF_MASKS = ("classes_file", "val_fraction", "mask_values")
_DRAWN_VAL = ("val_fraction",)
_OF_REGIONS = ("classes_file", "val_fraction", "overlaps")

# Each is a module of this package with a function `open_source` and, if its folders can be told
# from others, `matches`. In the order in which folders are asked; `folder` takes what is left.
SOURCES: Mapping[str, tuple[str, ...]] = {
    FOLDER: _OF_MASKS,
    "demo": (),
    "camvid": (),
    "voc2012": (),
    "cityscapes": (),
    "ade20k": (),
    "labelme": _OF_REGIONS,
    "labelme_xml": _OF_REGIONS,
    "coco_json": _OF_REGIONS,
    "coco_panoptic": ("classes_file", "val_fraction"),
    "roboflow_masks": ("classes_file", "val_fraction"),
    "cvat": _OF_REGIONS,
    "label_studio": _OF_REGIONS,
    "supervisely": _OF_REGIONS,
    "parquet": _OF_MASKS,
    "kitti": _DRAWN_VAL,
    "bdd100k": (),
    "mapillary": (),
    "mapillary_v1_2": (),
    "coco_stuff": (),
    "loveda": (),
    "potsdam": _DRAWN_VAL,
    "vaihingen": _DRAWN_VAL,
    "landcover_ai": (),
    "inria": (),
    "deepglobe": _DRAWN_VAL,
}


def find_source(data_dir: str) -> str:
    """Returns the name of the source that a folder holds: one whose `matches` says so, or `folder`.

    Raises:
      ValueError: there is no such folder, or several sources match.
    """
    image_folders.require_folder(data_dir, "images and what says where things are in them")
    found = _matching(data_dir)
    if len(found) > 1:
        raise ValueError(
            f"data_dir {data_dir!r} looks like {' and like '.join(found)}: say which with "
            f"--dataset={found[0]} (with make: DATASET={found[0]})."
        )
    return found[0] if found else FOLDER


def find_below(data_dir: str) -> dict[str, str]:
    """Returns subfolders that hold a source other than `folder`, each with its name."""
    subfolders = list(image_folders.subfolders(data_dir).values())
    matching = {path: _matching(path) for path in subfolders[:_MAX_SUBFOLDERS]}
    return {path: names[0] for path, names in matching.items() if len(names) == 1}


def _matching(data_dir: str) -> list[str]:
    return [
        name
        for name in SOURCES
        if (matches := getattr(_module(name), "matches", None)) is not None and matches(data_dir)
    ]


def open_source(
    name: str,
    data_dir: str,
    *,
    classes_file: str | None = None,
    val_fraction: float | None = None,
    seed: int = 0,
    mask_values: Mapping[int, int] | None = None,
    overlaps: str | None = None,
) -> "Source":
    """Lists the files of a source, one of `SOURCES`.

    Args:
      classes_file: JSON file of class names and colors; None for `classes.json` in the folder, if
        there is one.
      val_fraction: share of the examples for validation where the folder has no splits.
      seed: of that share's choice; nothing else depends on it.
      mask_values: class id of each value in the masks; None where the values are the ids.
      overlaps: which of two regions lies above, one of `annotated.OVERLAPS`; None for what suits
        the source.

    Raises:
      ValueError: there is no such source, it takes no such option, or the folder is not laid out as
        expected.
    """
    if name not in SOURCES:
        raise ValueError(f"there is no source {name!r}; expected one of {', '.join(SOURCES)}.")
    options: dict[str, Any] = {
        "classes_file": classes_file,
        "val_fraction": val_fraction,
        "mask_values": mask_values,
        "overlaps": overlaps,
    }
    taken = SOURCES[name]
    for option, value in options.items():
        if value is not None and option not in taken:
            takers = [each for each, names in SOURCES.items() if option in names]
            raise ValueError(
                f"{option} is {value!r}, which source {name!r} does not take; {option} works with "
                f"{', '.join(takers)}."
            )
    given = {option: options[option] for option in taken}
    if "val_fraction" in taken:
        given["seed"] = seed
    return _module(name).open_source(data_dir, **given)


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"datasets.segmentation.sources.{name}")
