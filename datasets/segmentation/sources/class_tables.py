"""Tables of classes that labelling tools write beside their masks.

    labelmap.txt        CVAT, Datumaro: a line `name:red,green,blue:parts:actions` for each class
    class_names.txt     labelme: a name on each line, from class id 0 on
    dataset_meta.json   Datumaro: {"label_map": {"0": name, …}, "segmentation_colors": [[r, g, b],
                        …]}
    id2label.json       Hugging Face: {"0": name, …}

The ids are those of the table's order, without the labels that are ignored (`label_roles`).
"""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

from common import files, json_files, palettes
from common.texts import printable
from datasets.segmentation.annotations import label_roles
from datasets.segmentation.masks.mask_format import Color
from datasets.segmentation.sources.class_file import DEFAULT_IGNORE_LABEL, ClassFile

LABELMAP, CLASS_NAMES, DATASET_META = "labelmap.txt", "class_names.txt", "dataset_meta.json"
ID2LABEL = "id2label.json"
NAMES = (LABELMAP, CLASS_NAMES, DATASET_META, ID2LABEL)

# PASCAL VOC's color of borders, which those that follow VOC use without naming it.
VOID_COLOR = (224, 224, 192)

_MAX_CLASSES = 255


@dataclasses.dataclass(frozen=True)
class ClassTable:
    """The classes of a table.

    Attributes:
      path: of the file.
      classes: names and colors.
      id_map: class id, or the ignore label, of each number in the file that is not the id itself.
    """

    path: str
    classes: ClassFile
    id_map: Mapping[int, int]


def find_class_table(data_dir: str) -> ClassTable | None:
    """Reads the table of a folder; None if it has none.

    Raises:
      ValueError: the file is not as the module docstring says; the message names it.
    """
    for name, read in _READERS.items():
        path = os.path.join(data_dir, name)
        if os.path.isfile(path):
            return read(path)
    return None


def _read_labelmap(path: str) -> ClassTable:
    names, colors = [], []
    for number, line in _lines(path):
        fields = line.split(":")
        if len(fields) < 2:
            raise ValueError(_describe_line(path, number, line))
        # Names may hold colons; parts and actions, which are mostly empty, follow the color.
        place = len(fields) - 3 if len(fields) >= 4 else 1
        text = fields[place].strip()
        values = [int(each) for each in text.split(",") if each.strip().isdecimal()]
        if text and (_color(values) is None or text.count(",") != 2):
            raise ValueError(_describe_line(path, number, line))
        names.append(":".join(fields[:place]).strip())
        colors.append(_color(values))
    if None in colors:
        if any(colors):
            raise ValueError(f"{printable(path)}: some labels have colors and others have none.")
        return _table(path, names, palettes.voc_palette(len(names)))
    return _table(path, names, colors)


def _read_class_names(path: str) -> ClassTable:
    names = [line for _, line in _lines(path)]
    ignored = label_roles.find_ignored(names)
    # labelme gives `__ignore__` no number.
    return _table(path, [name for name in names if name not in ignored], None)


def _read_dataset_meta(path: str) -> ClassTable:
    content = json_files.read_object(path)
    labels = content.get("label_map")
    if not isinstance(labels, dict):
        listed = content.get("labels")
        labels = {str(n): each for n, each in enumerate(listed)} if _is_list(listed) else {}
    names = _parse_labels(labels, path, "label_map")
    given = content.get("segmentation_colors")
    colors = [_color(each) for each in given] if _is_list(given) else []
    if colors and (len(colors) != len(names) or None in colors):
        raise ValueError(
            f"{printable(path)}: segmentation_colors has {len(colors)} entries and label_map "
            f"{len(names)} names; expected [red, green, blue] of 0..255 for each name."
        )
    background = names.get(_number(content.get("background_label")))
    numbers = sorted(names)
    return _table(
        path, [names[each] for each in numbers], colors or None, numbers, background=background
    )


def table_of_labels(path: str, labels: Mapping[str, Any]) -> ClassTable:
    """Makes a table of names by their ids, such as {"0": "road"}; `path` is that of their file."""
    names = _parse_labels(labels, path, "it")
    numbers = sorted(names)
    return _table(path, [names[each] for each in numbers], None, numbers)


def _read_id2label(path: str) -> ClassTable:
    return table_of_labels(path, json_files.read_object(path))


def _parse_labels(labels: Mapping[str, Any], path: str, what: str) -> dict[int, str]:
    names: dict[int, str] = {}
    for key, name in labels.items():
        if not key.isdecimal() or not isinstance(name, str):
            raise ValueError(
                f"{printable(path)}: {what} has {json_files.shown(key)}: "
                f'{json_files.shown(name)}; expected numbers and names, such as "0": "road".'
            )
        names[int(key)] = name
    return names


_READERS = {
    LABELMAP: _read_labelmap,
    CLASS_NAMES: _read_class_names,
    DATASET_META: _read_dataset_meta,
    ID2LABEL: _read_id2label,
}


def _table(
    path: str,
    names: Sequence[str],
    colors: Sequence[Color | None] | None,
    numbers: Sequence[int] | None = None,
    background: str | None = None,
) -> ClassTable:
    """Makes a table of names, their colors and their numbers in masks without colors."""
    if not 1 <= len(names) <= _MAX_CLASSES + 1:
        raise ValueError(
            f"{printable(path)} names {len(names)} classes; expected 1 to {_MAX_CLASSES}."
        )
    for what, values in (("name", names), ("color", colors or ())):
        for index, value in enumerate(values):
            if not value or value in values[:index]:
                raise ValueError(
                    f"{printable(path)}: the {what} {value!r} is empty or there twice."
                )
    ignored = label_roles.find_ignored(names, background)
    kept = [index for index, name in enumerate(names) if name not in ignored]
    palette: tuple[Color, ...] | None = None
    void: tuple[Color, ...] = ()
    if colors is not None:
        palette = tuple(color for index in kept if (color := colors[index]))
        void = tuple(color for index, color in enumerate(colors) if color and index not in kept)
        if VOID_COLOR not in (*palette, *void):
            void = (*void, VOID_COLOR)
    classes = ClassFile(
        names=tuple(names[index] for index in kept),
        palette=palette,
        ignore_label=DEFAULT_IGNORE_LABEL,
        ignore_palette=void,
    )
    ids = dict.fromkeys(numbers or range(len(names)), DEFAULT_IGNORE_LABEL)
    order = list(ids)
    ids.update((order[index], class_id) for class_id, index in enumerate(kept))
    return ClassTable(path, classes, {n: class_id for n, class_id in ids.items() if n != class_id})


def _lines(path: str) -> list[tuple[int, str]]:
    """Returns number and text of the lines that are neither empty nor comments."""
    lines = enumerate(files.read_text(path).splitlines(), start=1)
    return [
        (number, line.strip())
        for number, line in lines
        if line.strip() and not line.startswith("#")
    ]


def _describe_line(path: str, number: int, line: str) -> str:
    return (
        f"{printable(path)}, line {number}: {line!r}; expected NAME:RED,GREEN,BLUE:: with colors "
        "of 0..255."
    )


def _color(value: object) -> Color | None:
    """Returns a color of three numbers of 0..255; None if it is none."""
    if not _is_list(value) or len(value) != 3:
        return None
    if not all(isinstance(each, int) and 0 <= each <= 255 for each in value):
        return None
    red, green, blue = value
    return red, green, blue


def _number(value: object) -> int:
    return int(value) if isinstance(value, int | str) and str(value).isdecimal() else -1


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)
