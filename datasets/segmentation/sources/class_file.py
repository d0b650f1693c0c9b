"""`classes.json`: names, colors and the ignore label of a folder's masks.

    {
      "names": ["background", "cat", "dog"],
      "palette": [[0, 0, 0], [200, 60, 60], "#3c3cc8"],
      "ignore_label": 255,
      "ignore_palette": [[255, 255, 255]]
    }

Only `names` is required: the name of each class id, from 0 on. RGB masks need `palette`, and
outputs are painted with it; `ignore_palette` names the colors in them that are ignored. A list of
names alone is read, too, and so are names with their ids: {"background": 0, "cat": 1}.
"""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

from common import files, json_files, palettes
from common.texts import first_few, printable
from datasets.segmentation.masks.mask_format import Color

NAME = "classes.json"
DEFAULT_IGNORE_LABEL = 255


@dataclasses.dataclass(frozen=True)
class ClassFile:
    """What a class file says, with colors as RGB; without `palette` it names none."""

    names: tuple[str, ...]
    palette: tuple[Color, ...] | None = None
    ignore_label: int = DEFAULT_IGNORE_LABEL
    ignore_palette: tuple[Color, ...] = ()

    @property
    def display_palette(self) -> tuple[Color, ...]:
        """The file's colors, or those of PASCAL VOC when it names none."""
        return self.palette or palettes.voc_palette(len(self.names))

    @property
    def mask_colors(self) -> dict[Color, int] | None:
        """The id of each color of RGB masks, or None when the file names no colors."""
        if self.palette is None:
            return None
        return {
            **{color: class_id for class_id, color in enumerate(self.palette)},
            **dict.fromkeys(self.ignore_palette, self.ignore_label),
        }


@dataclasses.dataclass(frozen=True)
class _Content:
    """What stands in the file; a color may be text."""

    names: tuple[str, ...]
    palette: tuple[Color | str, ...] | None = None
    ignore_label: int = DEFAULT_IGNORE_LABEL
    ignore_palette: tuple[Color | str, ...] = ()


def read_class_file(path: str) -> ClassFile:
    """Reads a class file.

    Raises:
      ValueError: the file does not exist, or is not as the module docstring says; the message names
        the file and the key.
    """
    try:
        text = files.read_text(path)
    except FileNotFoundError:
        raise ValueError(f"class file {path} does not exist.") from None
    parsed = json_files.parse(text.encode(), path)
    try:
        fields = _fields(parsed)
    except ValueError as error:
        raise ValueError(
            f"{printable(path)} {error}; expected the names of all classes, from 0 on: "
            '{"names": ["background", "cat"]}.'
        ) from None
    content = json_files.to_record(_Content, fields, path)
    try:
        return _parse(content)
    except ValueError as error:
        raise ValueError(f"{printable(path)}: {error}") from None


def _fields(content: Any) -> Mapping[str, Any]:
    """Returns the keys and values of a class file, also of one that has names alone.

    Raises:
      ValueError: it has another form; the message goes on from the file's name.
    """
    if isinstance(content, list):
        return {"names": content}
    if not isinstance(content, dict):
        raise ValueError(f"holds {json_files.shown(content)}")
    if "names" in content:
        return content
    if not content or not all(type(value) is int for value in content.values()):
        raise ValueError("lacks the key 'names'")
    if sorted(content.values()) != list(range(len(content))):
        raise ValueError(f"has the ids {first_few(sorted(content.values()), 12)}")
    return {"names": sorted(content, key=content.__getitem__)}


def _parse(content: _Content) -> ClassFile:
    names, label = content.names, content.ignore_label
    if not 1 <= len(names) <= 256:
        raise ValueError(f"'names' has {len(names)} names; expected 1 to 256.")
    if "" in names:
        raise ValueError("'names' has an empty name.")
    _check_unique("names", names)
    palette = None
    if content.palette is not None:
        palette = _parse_colors("palette", content.palette)
        if len(palette) != len(names):
            raise ValueError(
                f"'palette' has {len(palette)} colors and 'names' {len(names)} names; expected "
                "one color for each name."
            )
    if not 0 <= label <= 255:
        raise ValueError(f"'ignore_label' is {label}; expected a number 0..255.")
    ignored = _parse_colors("ignore_palette", content.ignore_palette)
    if ignored and palette is None:
        raise ValueError("'ignore_palette' goes with 'palette', which is missing.")
    for color in {*ignored} & {*(palette or ())}:
        raise ValueError(f"color {color} is in 'palette' and in 'ignore_palette'.")
    return ClassFile(names, palette, label, ignored)


def _parse_colors(key: str, colors: Sequence[Color | str]) -> tuple[Color, ...]:
    parsed = tuple(_parse_color(key, color) for color in colors)
    _check_unique(key, parsed)
    return parsed


def _parse_color(key: str, color: Color | str) -> Color:
    values: Sequence[int] = ()
    if not isinstance(color, str):
        values = color
    elif re.fullmatch("#[0-9a-fA-F]{6}", color):
        values = bytes.fromhex(color[1:])
    if not values or not all(0 <= value <= 255 for value in values):
        shown = color if isinstance(color, str) else list(color)
        raise ValueError(
            f"{key!r} has {shown!r}; expected [red, green, blue] of 0..255, or '#rrggbb'."
        )
    red, green, blue = values
    return red, green, blue


def _check_unique(key: str, values: Sequence[object]) -> None:
    for index, value in enumerate(values):
        if value in values[:index]:
            raise ValueError(f"{key!r} has {value!r} twice.")
