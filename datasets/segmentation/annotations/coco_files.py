"""Finds and reads JSON files in COCO's form: images, categories, and annotations of images."""

import dataclasses
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

from common.texts import first_few, printable
from datasets.images.image_folders import fold
from datasets.records import split_names
from datasets.records.problems import WARNING, Problem
from datasets.segmentation.annotations import export_images, json_exports
from datasets.segmentation.masks.mask_format import Color

_KEYS = frozenset({"images", "categories", "annotations"})
# Of Segment Anything: the image of a file, whose regions have no categories.
_ONE_IMAGE = "image"
# Of Roboflow, whose folders have the names of the splits.
_UNNAMED = "annotations.coco"


@dataclasses.dataclass(frozen=True)
class Category:
    """A category of a file, and the name of the group that it belongs to."""

    name: str
    group: str
    color: Color | None


@dataclasses.dataclass(frozen=True)
class CocoFile:
    """What stands in a file; images and annotations as they are there.

    Attributes:
      path: of the file.
      split: that it holds, as its name or its folder says.
      images: by their ids.
      categories: by their ids, in the order of these.
      annotations: all of them.
    """

    path: str
    split: str
    images: Mapping[Any, Mapping[str, Any]]
    categories: Mapping[Any, Category]
    annotations: Sequence[Mapping[str, Any]]


def find(data_dir: str, kinds: Sequence[str], others: Sequence[str]) -> dict[str, str]:
    """Finds files by what COCO calls them, such as `instances_train2017.json`.

    Args:
      data_dir: the folder; files lie in it or, if none does, in its subfolders.
      kinds: names of kinds, the first of which there are files counts.
      others: kinds of files that are something else; files of no kind come last.

    Returns:
      The split of each file, by the file's path.
    """
    files = export_images.find_files(data_dir, ".json", _is_of_coco)
    by_kind: dict[str | None, dict[str, str]] = {}
    for path, split in files.values():
        kind = _kind(path, (*kinds, *others))
        if kind not in others:
            by_kind.setdefault(kind, {})[path] = _split(path, split)
    return next((by_kind[kind] for kind in (*kinds, None) if kind in by_kind), {})


def read(path: str, split: str) -> CocoFile:
    """Reads a file.

    Raises:
      ValueError: it is not JSON, or has not COCO's form; the message names the file and the key.
      OSError: it cannot be opened.
    """
    # A polygon of such numbers is an error of its image, not of all images in the file.
    content = json_exports.read(path, takes_nan=True)
    if isinstance(content, dict) and _ONE_IMAGE in content and "categories" not in content:
        raise ValueError(
            f"{printable(path)} has regions of one image without categories, as Segment Anything "
            "writes them; there are no classes to learn. Give the regions labels in a labelling "
            "tool."
        )
    lists = {}
    for key in sorted(_KEYS):
        value = content.get(key) if isinstance(content, dict) else None
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            raise ValueError(
                f"{printable(path)}: {key!r} is not a list of objects, as in COCO's JSON."
            )
        lists[key] = value
    try:
        images = {each["id"]: each for each in lists["images"]}
        categories = {
            each["id"]: Category(
                str(each["name"]), str(each.get("supercategory")), _color(each.get("color"))
            )
            for each in sorted(lists["categories"], key=lambda each: each["id"])
        }
    except (KeyError, TypeError):
        raise ValueError(
            f"{printable(path)}: images and categories have no ids, or categories no names."
        ) from None
    return CocoFile(path, split, images, categories, lists["annotations"])


def drop_supercategories(file: CocoFile) -> tuple[CocoFile, list[Problem]]:
    """Leaves out categories that no annotation uses and that others name as their supercategory.

    Roboflow writes one for the whole project.
    """
    groups = {each.group for each in file.categories.values()}
    used = {each.get("category_id") for each in file.annotations}
    dropped = [
        number
        for number, category in file.categories.items()
        if number not in used and category.name in groups
    ]
    if not dropped:
        return file, []
    kept = {number: each for number, each in file.categories.items() if number not in dropped}
    named = first_few([file.categories[number].name for number in dropped])
    message = f"categories that only group others are left out: {named}."
    problem = Problem(WARNING, "classes", message, file.path)
    return dataclasses.replace(file, categories=kept), [problem]


def _is_of_coco(path: str) -> bool:
    return json_exports.begins_with(path, "{", _KEYS)


def _kind(path: str, kinds: Sequence[str]) -> str | None:
    name = os.path.basename(path)
    return next((kind for kind in kinds if name.startswith(f"{kind}_")), None)


def _split(path: str, found: str) -> str:
    """Returns the split that the words of a file's name tell, or else its folder's."""
    stem = os.path.splitext(os.path.basename(path))[0]
    for word in re.split(r"[-_.]", stem):
        if fold(re.sub(r"\d+$", "", word)) in split_names.SPLITS:
            return re.sub(r"\d+$", "", word)
    folder = os.path.basename(os.path.dirname(path))
    if stem.strip("_") == _UNNAMED and fold(folder) in split_names.SPLITS:
        return folder
    return found


def _color(value: Any) -> Color | None:
    is_color = isinstance(value, list) and len(value) == 3
    if not is_color or not all(type(each) is int and 0 <= each <= 255 for each in value):
        return None
    red, green, blue = value
    return red, green, blue
