"""`classes.json`: names, colors and the ignore label of a folder's masks.

    {
      "names": ["background", "cat", "dog"],
      "palette": [[0, 0, 0], [200, 60, 60], "#3c3cc8"],
      "ignore_label": 255,
      "ignore_palette": [[255, 255, 255]]
    }

Only `names` is required: the name of each class id, from 0 on. `palette` has a color for each
class, as [red, green, blue] or "#rrggbb"; RGB masks need it, and outputs are painted with it.
`ignore_label` (255 unless given) is the id of pixels that are never trained on or scored, and
`ignore_palette` names the colors that stand for it in RGB masks.
"""

import dataclasses
import difflib
import json
import re
from collections.abc import Sequence
from typing import TypeVar

from common import files, palettes
from datasets.segmentation.masks.mask_format import Color

DEFAULT_IGNORE_LABEL = 255

_T = TypeVar("_T")

_KEYS = ("names", "palette", "ignore_label", "ignore_palette")


@dataclasses.dataclass(frozen=True)
class ClassFile:
    """What a class file says.

    Attributes:
      names: name of each class id.
      palette: RGB color of each class id, or None when the file names no colors.
      ignore_label: id of pixels that are never trained on or scored.
      ignore_palette: colors that stand for the ignore label in RGB masks.
    """

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


def read_class_file(path: str) -> ClassFile:
    """Reads a class file.

    Raises:
      ValueError: there is no such file, or it is not as the head of this module says; the message
        names the file and the key.
    """
    try:
        text = files.read_text(path)
    except FileNotFoundError:
        raise ValueError(f"class file {path} does not exist.") from None
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: not a JSON file ({error}).") from None
    try:
        return _parse(content)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _parse(content: object) -> ClassFile:
    if not isinstance(content, dict):
        raise ValueError('expected an object such as {"names": ["background", "cat"]}.')
    for key in content:
        if key not in _KEYS:
            near = difflib.get_close_matches(key, _KEYS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"expected {', '.join(_KEYS)}."
            raise ValueError(f"unknown key {key!r}: {hint}")
    names = _parse_names(content.get("names"))
    palette = None
    if content.get("palette") is not None:
        palette = _parse_colors(content["palette"], "palette")
        if len(palette) != len(names):
            raise ValueError(
                f"'palette' has {len(palette)} colors and 'names' {len(names)} names; expected "
                "one color for each name."
            )
    ignore_label = content.get("ignore_label", DEFAULT_IGNORE_LABEL)
    if not _is_byte(ignore_label):
        raise ValueError(f"'ignore_label' is {ignore_label!r}; expected a number 0..255.")
    ignore_palette = _parse_colors(content.get("ignore_palette", []), "ignore_palette")
    if ignore_palette and palette is None:
        raise ValueError("'ignore_palette' goes with 'palette', which is missing.")
    shared = set(ignore_palette) & set(palette or ())
    if shared:
        raise ValueError(f"color {shared.pop()} is in 'palette' and in 'ignore_palette'.")
    return ClassFile(names, palette, ignore_label, ignore_palette)


def _parse_names(names: object) -> tuple[str, ...]:
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise ValueError("'names' is not a list of names; expected the name of each id, from 0 on.")
    if not 1 <= len(names) <= 256:
        raise ValueError(f"'names' has {len(names)} names; expected 1 to 256.")
    for name in _repeated(names):
        raise ValueError(f"'names' has {name!r} twice.")
    return tuple(names)


def _parse_colors(colors: object, key: str) -> tuple[Color, ...]:
    if not isinstance(colors, list):
        raise ValueError(f"{key!r} is {colors!r}; expected a list of colors.")
    parsed = tuple(_parse_color(color, key) for color in colors)
    for color in _repeated(parsed):
        raise ValueError(f"{key!r} has the color {color} twice.")
    return parsed


def _parse_color(color: object, key: str) -> Color:
    if isinstance(color, str) and re.fullmatch("#[0-9a-fA-F]{6}", color):
        color = list(bytes.fromhex(color[1:]))
    if not isinstance(color, list) or len(color) != 3 or not all(map(_is_byte, color)):
        raise ValueError(
            f"{key!r} has {color!r}; expected [red, green, blue] of 0..255, or '#rrggbb'."
        )
    red, green, blue = color
    return red, green, blue


def _is_byte(value: object) -> bool:
    return type(value) is int and 0 <= value <= 255


def _repeated(values: Sequence[_T]) -> list[_T]:
    return [value for index, value in enumerate(values) if value in values[:index]]
