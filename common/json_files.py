"""JSON files of facts: reads them so that whatever is wrong is told by file and key.

A file may have been edited by hand, truncated, or written by another program. The functions here
raise nothing but `ValueError` and `OSError`, in words.
"""

import json
from collections.abc import Callable
from typing import Any, TypeVar

from common.texts import printable

T = TypeVar("T")

# Numbers beyond it do not fit into TensorFlow's and numpy's integers.
MAX_INTEGER = 2**63 - 1
_MAX_SHOWN = 40


def read_object(path: str) -> dict[str, Any]:
    """Reads a JSON file that holds an object.

    Raises:
      OSError: the file cannot be opened.
      ValueError: it is not UTF-8, not JSON, or not an object. The message does not name the file.
    """
    with open(path, "rb") as file:
        data = file.read()
    try:
        fields = json.loads(data.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise ValueError(
            f"byte {error.start} is not UTF-8; save the file with the encoding UTF-8"
        ) from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(fields, dict):
        raise ValueError(f"it holds {shown(fields)}; expected an object, {{…}}")
    return fields


def take(fields: dict[str, Any], key: str, read: Callable[[Any, str], T], where: str = "") -> T:
    """Removes a value from an object and checks it.

    Args:
      fields: the object.
      key: its key.
      read: gets the value and its full key; returns what it stands for, or raises ValueError.
      where: full key of the object, for messages.

    Raises:
      ValueError: the key is missing, or the value is wrong.
    """
    full_key = join(where, key)
    if key not in fields:
        raise ValueError(f"{full_key} is missing")
    return read(fields.pop(key), full_key)


def refuse_rest(fields: dict[str, Any], where: str = "") -> None:
    """Raises ValueError for keys that nobody has taken: they may be misspelt."""
    for key in fields:
        raise ValueError(f"unknown key {printable(join(where, key))}")


def join(where: str, key: str) -> str:
    """Returns the full key of a value in an object."""
    return f"{where}.{key}" if where else key


def integer(low: int = 0, high: int = MAX_INTEGER) -> Callable[[Any, str], int]:
    """Returns a reader of whole numbers in a range; true, 3.0 and "3" are none."""

    def read(value: Any, key: str) -> int:
        if type(value) is not int or not low <= value <= high:
            raise ValueError(f"{key} is {shown(value)}; expected a whole number, {low} to {high}")
        return value

    return read


def boolean(value: Any, key: str) -> bool:
    """Reads true or false."""
    if not isinstance(value, bool):
        raise ValueError(f"{key} is {shown(value)}; expected true or false")
    return value


def text(value: Any, key: str) -> str:
    """Reads a string that can be written as UTF-8."""
    if not isinstance(value, str):
        raise ValueError(f"{key} is {shown(value)}; expected a text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{key} has half a character ({value!a})") from None
    return value


def file_name(value: Any, key: str) -> str:
    """Reads the name of a file or folder, which has no folder in front of it."""
    name = text(value, key)
    if name in ("", ".", "..") or "/" in name or "\0" in name:
        raise ValueError(f"{key} is {shown(name)}; expected a name without a folder")
    return name


def sequence(read: Callable[[Any, str], T]) -> Callable[[Any, str], tuple[T, ...]]:
    """Returns a reader of lists, given that of their items."""

    def read_all(value: Any, key: str) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise ValueError(f"{key} is {shown(value)}; expected a list")
        return tuple(read(item, f"{key}[{index}]") for index, item in enumerate(value))

    return read_all


def mapping(value: Any, key: str) -> dict[str, Any]:
    """Reads an object, as a copy that may be taken apart."""
    if not isinstance(value, dict):
        raise ValueError(f"{key} is {shown(value)}; expected an object, {{…}}")
    return dict(value)


def shown(value: Any) -> str:
    """Returns a value as it stands in the file, shortened, on one line."""
    if isinstance(value, (list, dict)) and value:
        return "a list" if isinstance(value, list) else "an object"
    try:
        written = json.dumps(value)
    except ValueError:  # A whole number of thousands of digits.
        return "a number of thousands of digits"
    return written if len(written) <= _MAX_SHOWN else f"{written[:_MAX_SHOWN]}…"


def _refuse_constant(name: str) -> None:
    raise ValueError(f"it holds {name}, which is no JSON")
