"""What an export says about its model: read from JSON that may come from anywhere."""

import dataclasses
import json
import re
from collections.abc import Mapping
from typing import Any

# Beyond them, numbers are mistakes or worse; no image has such a side.
MAX_SIDE = 1 << 16
# Class ids are written as 8-bit masks.
MAX_CLASSES = 256
MAX_BYTES = 1 << 24

# They would move the cursor of a terminal or end a line; halves of surrogates cannot be printed.
_UNPRINTABLE = re.compile("[\0-\x1f\x7f-\x9f\ud800-\udfff]")
_MAX_SHOWN = 60


@dataclasses.dataclass(frozen=True)
class Metadata:
    """What an export says about its model; graphs made elsewhere say nothing.

    Attributes:
      class_names: name of each class id, or () when unknown.
      palette: RGB color, 0..255, of each class id, or () when unknown.
      crop_size: (height, width) of the largest image the graph takes, or None when unknown.
      min_resize_value: shorter side to which the graph resizes every image itself, or None.
    """

    class_names: tuple[str, ...] = ()
    palette: tuple[tuple[int, int, int], ...] = ()
    crop_size: tuple[int, int] | None = None
    min_resize_value: int | None = None


def parse(content: bytes, graph: str, source: str | None = None) -> Metadata:
    """Reads the description of a model.

    Control characters in names of classes become escapes such as `\\x1b`.

    Args:
      content: JSON.
      graph: file of the graph that it describes, for errors.
      source: the file that it comes from, None where it is in the graph itself.

    Raises:
      ValueError: it is damaged, or a value makes no sense; the message names the file and the
        value.
    """
    try:
        return _metadata(parse_json(content))
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        where = "" if source is None else f"{source}: "
        raise ValueError(
            f"the description of {graph} cannot be read: {where}{reason.removesuffix('.')}."
        ) from None


def parse_json(content: bytes) -> Mapping[str, Any]:
    """Reads an object of JSON.

    Raises:
      ValueError: it is none; the message is a phrase.
      RecursionError: it is nested too deeply.
    """
    if len(content) > MAX_BYTES:
        raise ValueError(f"it has {len(content)} bytes, more than {MAX_BYTES}")
    try:
        values = json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ValueError(f"it is not UTF-8 (byte {error.start}); save it as UTF-8") from None
    if not isinstance(values, dict):
        raise ValueError(f"it is {_shown(values)}; expected an object")
    return values


def _metadata(values: Mapping[str, Any]) -> Metadata:
    names = _list(values, "class_names")
    for name in names:
        if not isinstance(name, str):
            raise ValueError(f"class_names has {_shown(name)}; expected names in quotes")
    if len(names) > MAX_CLASSES:
        raise ValueError(f"class_names has {len(names)} names; expected at most {MAX_CLASSES}")
    palette = []
    for color in _list(values, "palette"):
        if not isinstance(color, list) or len(color) != 3:
            raise ValueError(f"palette has {_shown(color)}; expected [red, green, blue]")
        palette.append(tuple(_integer(value, "palette", 0, 255) for value in color))
    if palette and len(palette) != len(names):
        raise ValueError(f"{len(names)} class_names and {len(palette)} colors in palette")
    crop_size = values.get("crop_size")
    if crop_size is not None:
        if not isinstance(crop_size, list) or len(crop_size) != 2:
            raise ValueError(f"crop_size is {_shown(crop_size)}; expected [height, width]")
        crop_size = tuple(_integer(side, "crop_size", 1, MAX_SIDE) for side in crop_size)
    shorter = values.get("min_resize_value")
    return Metadata(
        class_names=tuple(_UNPRINTABLE.sub(_escaped, name) for name in names),
        palette=tuple(palette),
        crop_size=crop_size,
        min_resize_value=(
            None if shorter is None else _integer(shorter, "min_resize_value", 1, MAX_SIDE)
        ),
    )


def _list(values: Mapping[str, Any], key: str) -> list:
    value = values.get(key)
    if value is not None and not isinstance(value, list):
        raise ValueError(f"{key} is {_shown(value)}; expected a list")
    return value or []


def _integer(value: Any, key: str, smallest: int, largest: int) -> int:
    is_whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if not is_whole or isinstance(value, bool):
        raise ValueError(f"{key} has {_shown(value)}; expected whole numbers")
    if not smallest <= value <= largest:
        raise ValueError(f"{key} has {_shown(value)}; expected {smallest} to {largest}")
    return int(value)


def _shown(value: Any) -> str:
    """Returns a value as JSON, on one line, not too long."""
    if isinstance(value, int) and not -(10**_MAX_SHOWN) < value < 10**_MAX_SHOWN:
        return "a number of more than 60 digits"
    text = json.dumps(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape", "surrogatepass").decode()
