"""Reads JSON files of labelling tools, which may be hundreds of megabytes."""

import base64
import json
import re
from typing import Any

from common.texts import printable

_HEAD_BYTES = 1 << 16


def read(path: str, takes_nan: bool = False) -> Any:
    """Reads a JSON file.

    Args:
      path: of the file.
      takes_nan: whether NaN and infinity are numbers; otherwise they are an error of the file.

    Raises:
      ValueError: it is not JSON; the message names it.
    """

    def refuse(constant: str) -> None:
        raise ValueError(f"it holds {constant}, which is not a number.")

    try:
        with open(path, encoding="utf-8-sig") as file:
            return json.load(file, parse_constant=None if takes_nan else refuse)
    except json.JSONDecodeError as error:
        raise ValueError(
            f"{printable(path)} is not valid JSON: {error.msg}, line {error.lineno} column "
            f"{error.colno}."
        ) from None
    except UnicodeDecodeError:
        raise ValueError(f"{printable(path)} is not UTF-8 text: save it as UTF-8.") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{printable(path)}: {error}") from None


def read_base64(path: str, key: str) -> bytes:
    """Reads the bytes that a JSON object has in base64; a ValueError names file and key."""
    content = read(path)
    try:
        return base64.b64decode(content[key], validate=True)
    except (KeyError, TypeError, ValueError):
        raise ValueError(f"{printable(path)}: {key!r} holds nothing in base64.") from None


def begins_with(path: str, start: str, keys: frozenset[str]) -> bool:
    """Whether the head of a file starts with a bracket and has one of some keys."""
    with open(path, "rb") as file:
        head = file.read(_HEAD_BYTES).decode("utf-8-sig", errors="replace").lstrip()
    return head.startswith(start) and not keys.isdisjoint(re.findall(r'"(\w+)"\s*:', head))
