"""Mapillary Vistas: street scenes of all continents, with 65 (v1.2) or 116 classes (v2.0).

Neuhold et al., "The Mapillary Vistas dataset for semantic understanding of street scenes", ICCV
2017; docs/datasets.md draws the folders. Names, colors and order of the classes are those of the
config file of the version. Its labels that are not evaluated become the ignore label.

Version 2.0 is taken where its masks are there; the source `mapillary_v1_2` takes the older one.
"""

import os
from typing import Any

from common import json_files
from common.texts import printable
from datasets.images import image_folders
from datasets.segmentation.masks.mask_format import Color, MaskFormat
from datasets.segmentation.sources import listing, published_folders
from datasets.segmentation.sources.published_folders import Part
from datasets.segmentation.sources.source import Source

IGNORE_LABEL = 255
V1_2, V2_0 = "v1.2", "v2.0"

# The version before 1.2 has no folders of versions, and the labels of 1.2.
_CONFIGS = {V2_0: ("config_v2.0.json",), V1_2: ("config_v1.2.json", "config.json")}
_SPLITS = {
    "train": ("training", "train"),
    "val": ("validation", "val"),
    "test": ("testing", "test"),
}
_ROOTS = ("", "mapillary", "mapillary_vistas_dataset", "mapillary-vistas-dataset_public_v2.0")
_EXPECTED = "Mapillary Vistas with config_v2.0.json and training/v2.0/labels"
_MAX_CLASSES = 255


def matches(data_dir: str) -> bool:
    """Whether a folder has a config file of Mapillary Vistas beside a split."""
    return any(
        os.path.isfile(os.path.join(data_dir, file)) and _folder(data_dir, "train") is not None
        for file in (*_CONFIGS[V2_0], *_CONFIGS[V1_2])
    )


def open_source(data_dir: str, version: str | None = None) -> Source:
    """Opens Mapillary Vistas from the folder that holds `training` or `train`.

    Args:
      version: `V1_2` or `V2_0`; None for the newest that has masks.

    Raises:
      ValueError: the folder is laid out otherwise, or does not have the version.
    """
    root = _find_root(data_dir)
    chosen = version or next((each for each in _CONFIGS if _has(root, each)), V2_0)
    config = next(
        (path for file in _CONFIGS[chosen] if os.path.isfile(path := os.path.join(root, file))),
        None,
    )
    if config is None:
        raise ValueError(
            f"{printable(root)} has no {_CONFIGS[chosen][0]}, which names the classes of the "
            f"version {chosen}; expected {_EXPECTED}."
        )
    names, palette, id_map = _read_config(config)
    splits, problems = published_folders.open_parts(
        {
            split: [Part(os.path.join(folder, "images"), _masks_dir(folder, chosen))]
            for split in _SPLITS
            if (folder := _folder(root, split)) is not None
        }
    )
    return Source(
        name=f"mapillary_{chosen}",
        class_names=names,
        palette=palette,
        ignore_label=IGNORE_LABEL,
        splits=splits,
        mask_format=MaskFormat(id_map=id_map),
        problems=problems,
    )


def _find_root(data_dir: str) -> str:
    image_folders.require_folder(data_dir, _EXPECTED)
    for witness in _SPLITS["train"]:
        for root in _ROOTS:
            if os.path.isdir(os.path.join(data_dir, root, witness, "images")):
                return os.path.normpath(os.path.join(data_dir, root))
    raise ValueError(listing.describe_layout(data_dir, _EXPECTED))


def _folder(root: str, split: str) -> str | None:
    """Returns the folder of a split that has images."""
    folders = (os.path.join(root, name) for name in _SPLITS[split])
    return next((each for each in folders if os.path.isdir(os.path.join(each, "images"))), None)


def _masks_dir(folder: str, version: str) -> str:
    of_version = os.path.join(folder, version, "labels")
    if version == V1_2 and not os.path.isdir(of_version):
        return os.path.join(folder, "labels")
    return of_version


def _has(root: str, version: str) -> bool:
    folder = _folder(root, "train")
    return folder is not None and os.path.isdir(_masks_dir(folder, version))


def _read_config(path: str) -> tuple[tuple[str, ...], tuple[Color, ...], dict[int, int]]:
    """Reads the classes that are evaluated: names, colors, and the class id of each label."""
    labels = json_files.read_object(path).get("labels")
    if not isinstance(labels, list) or not 1 <= len(labels) <= _MAX_CLASSES:
        raise ValueError(f"{printable(path)} has no list 'labels' of 1 to {_MAX_CLASSES} labels.")
    names: list[str] = []
    palette: list[Color] = []
    id_map = {}
    for number, label in enumerate(labels):
        name, color, is_evaluated = _parse_label(label, number, path)
        id_map[number] = len(names) if is_evaluated else IGNORE_LABEL
        if is_evaluated:
            names.append(name)
            palette.append(color)
    if not names:
        raise ValueError(f"{printable(path)} has no label that is evaluated.")
    return tuple(names), tuple(palette), id_map


def _parse_label(label: Any, number: int, path: str) -> tuple[str, Color, bool]:
    fields = label if isinstance(label, dict) else {}
    name, color = fields.get("name"), _parse_color(fields.get("color"))
    if not isinstance(name, str) or color is None:
        raise ValueError(
            f"{printable(path)}: label {number} is {json_files.shown(label)}; expected an object "
            "with 'name' and 'color', [red, green, blue] of 0..255."
        )
    return name, color, bool(fields.get("evaluate", True))


def _parse_color(value: Any) -> Color | None:
    if not isinstance(value, list) or len(value) != 3:
        return None
    if not all(isinstance(each, int) and 0 <= each <= 255 for each in value):
        return None
    red, green, blue = value
    return red, green, blue
