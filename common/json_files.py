"""Writes JSON files, and reads those that people edit and disks damage.

Errors name the file, the key and the value.

content = json_files.read_object("options.json")
options = json_files.to_record(ModelOptions, content, "options.json")
"""

import dataclasses
import difflib
import json
import math
import re
import types
import typing
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from common import files
from common.texts import printable

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

# A description is kilobytes; a file that took the place of one may be anything.
_MAX_BYTES = 64 << 20
# Whole numbers of more digits do not fit into 64 bits.
_MAX_DIGITS = 18
_MAX_DEPTH = 50
_MAX_SHOWN_CHARS = 60

# What a type is called, one and several.
_KINDS = {
    int: ("a whole number", "whole numbers"),
    float: ("a number", "numbers"),
    str: ("text in quotes", "texts"),
    bool: ("true or false", "truth values"),
    type(None): ("null", "nulls"),
}

_Record = TypeVar("_Record", bound="DataclassInstance")


class _NoNumber(str):
    """A number that no field can hold, as the file has it."""


def read(path: str) -> Any:
    """Reads a JSON file.

    Raises:
      OSError: the file cannot be opened.
      ValueError: it is not JSON, not UTF-8, nested too deeply, or holds a number that 64 bits
        cannot; the message names the file and, where there is one, the key and its value.
    """
    with open(path, "rb") as file:
        data = file.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise ValueError(
            f"{printable(path)} is not a JSON file: larger than {_MAX_BYTES >> 20} MB."
        )
    return parse(data, path)


def read_object(path: str) -> dict[str, Any]:
    """Reads a JSON file that holds one object; raises what `read` does, also for anything else."""
    return _object(read(path), path)


def parse(data: bytes, source: str) -> Any:
    """Parses the content of a file; `source` names it in errors, which are those of `read`."""
    name = printable(source)
    if not data:
        raise ValueError(f"{name} is empty: copy it again.")
    try:
        content = json.loads(
            data.decode("utf-8-sig"),
            parse_int=_parse_int,
            parse_float=_parse_float,
            parse_constant=_NoNumber,
            object_pairs_hook=_without_repeats,
        )
        _check_numbers(content, "", 0)
        return content
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{name} is not UTF-8 text (byte {error.object[error.start]:#04x} at {error.start}): "
            "save it as UTF-8."
        ) from None
    except json.JSONDecodeError as error:
        raise ValueError(
            f"{name} is not valid JSON: {error.msg}, line {error.lineno} column {error.colno}."
        ) from None
    except RecursionError:
        raise ValueError(f"{name} is nested too deeply to be a description.") from None
    except ValueError as error:
        raise ValueError(f"{name}: {error}.") from None


def parse_object(data: bytes, source: str) -> dict[str, Any]:
    """Parses JSON that holds one object; see `parse` and `read_object`."""
    return _object(parse(data, source), source)


def _object(content: Any, source: str) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise ValueError(f"{printable(source)} holds {shown(content)}; expected an object: {{…}}.")
    return content


def defined(number: float) -> float | None:
    """Returns a number for a file, with null in place of what is not defined (NaN)."""
    return None if math.isnan(number) else float(number)


def write(path: str, fields: Mapping[str, Any]) -> None:
    """Writes a JSON file that people can read; it appears when it is complete."""
    text = json.dumps(fields, indent=2, ensure_ascii=False)
    # Numbers of one list stand on one line: a palette of 151 colors would take 755 lines.
    text = re.sub(r"\[[\d\s,]+\]", lambda match: " ".join(match[0].split()), text)
    files.write(path, f"{text}\n".encode())


def to_record(
    cls: type[_Record], content: Mapping[str, Any], source: str, key: str = ""
) -> _Record:
    """Makes an instance of a dataclass of an object's fields; lists become tuples.

    Fields may be numbers, text, truth values, None, tuples and mappings of these, dataclasses, and
    alternatives of them. Nothing is converted: 21 is not "21", and 1 is not true.

    Args:
      cls: the dataclass.
      content: a JSON object.
      source: name of the file, for errors.
      key: key of the object in the file; "" where it is the whole file.

    Raises:
      ValueError: a field is of another type, unknown, or missing without a default; names the file,
        the key, its value and what is expected.
    """
    name = printable(source)
    hints = typing.get_type_hints(cls)
    for field in content:
        if field not in hints:
            near = difflib.get_close_matches(field, hints, 1)
            advice = f"is it {shown(near[0])}?" if near else "remove it."
            raise ValueError(f"{name} has the unknown key {shown(_join(key, field))}: {advice}")
    for each in dataclasses.fields(cls):
        has_default = (each.default, each.default_factory) != (dataclasses.MISSING,) * 2
        if each.name not in content and not has_default:
            raise ValueError(f"{name} lacks the key {shown(_join(key, each.name))}.")
    return cls(**_check_fields(content, hints, source, key))


def check(value: Any, expected: Any, source: str, key: str) -> Any:
    """Returns a value of a JSON file if it is of a type (see `to_record`), with lists as tuples.

    Raises:
      ValueError: it is of another type; names the file, the key and the value.
    """
    origin, arguments = typing.get_origin(expected), typing.get_args(expected)
    if expected is Any:
        return _tuples(value)
    if origin in (types.UnionType, typing.Union):
        for each in arguments:
            if _fits(value, each):
                return check(value, each, source, key)
    elif _fits(value, expected):
        if isinstance(expected, type) and dataclasses.is_dataclass(expected):
            return to_record(expected, value, source, key)
        if origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
            arguments = (arguments[0],) * len(value)
        if origin is tuple and len(value) == len(arguments):
            return tuple(
                check(item, each, source, f"{key}[{index}]")
                for index, (item, each) in enumerate(zip(value, arguments, strict=True))
            )
        if origin is Mapping or expected is Mapping:
            item_type = arguments[1] if arguments else Any
            return _check_fields(value, dict.fromkeys(value, item_type), source, key)
        if origin is not tuple:
            return float(value) if expected is float else value
    raise ValueError(
        f"{printable(source)}: {shown(key)} is {shown(value)}; expected {_describe(expected)}."
    )


def _check_fields(
    content: Mapping[str, Any], hints: Mapping[str, Any], source: str, key: str
) -> dict[str, Any]:
    return {
        field: check(value, hints[field], source, _join(key, field))
        for field, value in content.items()
    }


def _fits(value: Any, expected: Any) -> bool:
    """Whether a value is of a type, without a look at what it contains."""
    origin = typing.get_origin(expected) or expected
    if origin is Any:
        return True
    if origin in (int, float) and isinstance(value, bool):
        return False
    if origin is float:
        return isinstance(value, int | float)
    if origin is tuple:
        return isinstance(value, list | tuple)
    if origin is Mapping or dataclasses.is_dataclass(origin):
        return isinstance(value, Mapping)
    return isinstance(value, origin)


def _describe(expected: Any, plural: bool = False) -> str:
    """Returns what a type is called in a message: "a list of 2 whole numbers or null"."""
    origin, arguments = typing.get_origin(expected), typing.get_args(expected)
    if origin in (types.UnionType, typing.Union):
        return " or ".join(_describe(each) for each in arguments)
    if origin is tuple:
        count = "" if arguments[-1] is Ellipsis else f"{len(arguments)} "
        lists = "lists" if plural else "a list"
        return f"{lists} of {count}{_describe(arguments[0], plural=True)}"
    return _KINDS.get(expected, ("an object: {…}", "objects"))[plural]


def _tuples(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return tuple(_tuples(item) for item in value)
    if isinstance(value, Mapping):
        return {field: _tuples(item) for field, item in value.items()}
    return value


def _parse_int(text: str) -> int | _NoNumber:
    return int(text) if len(text.lstrip("-")) <= _MAX_DIGITS else _NoNumber(text)


def _parse_float(text: str) -> float | _NoNumber:
    value = float(text)
    return value if math.isfinite(value) else _NoNumber(text)


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for field, value in pairs:
        if field in content:
            raise ValueError(f"the key {shown(field)} stands there twice")
        content[field] = value
    return content


def _check_numbers(value: Any, key: str, depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise RecursionError
    if isinstance(value, _NoNumber):
        raise ValueError(f"{shown(key)} is {value:.{_MAX_SHOWN_CHARS}}, too large or not a number")
    if isinstance(value, dict):
        for field, item in value.items():
            _check_numbers(item, _join(key, field), depth + 1)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _check_numbers(item, f"{key}[{index}]", depth + 1)


def _join(key: str, field: str) -> str:
    return f"{key}.{field}" if key else field


def shown(value: Any) -> str:
    """Returns a value as it stands in the file, shortened, on one line."""
    text = f"'{value}'" if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return printable(text if len(text) <= _MAX_SHOWN_CHARS else text[:_MAX_SHOWN_CHARS] + "…")
