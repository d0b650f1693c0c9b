"""JSON files that are damaged, edited, or not what their name says."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest

from common import json_files


@dataclasses.dataclass(frozen=True)
class _Inner:
    sizes: tuple[int, int]
    rates: tuple[float, ...] = ()


@dataclasses.dataclass(frozen=True)
class _Outer:
    name: str
    inner: _Inner
    flag: bool = False
    limit: int | None = None
    cells: tuple[Mapping[str, Any], ...] | None = None


CONTENT = {"name": "x", "inner": {"sizes": [3, 4]}}

DAMAGED = {
    b"": "is empty: copy it again",
    b"{": "is not valid JSON: Expecting property name enclosed in double quotes, line 1 column 2",
    b"[1]": r"holds \[1\]; expected an object",
    b'{"a": "\xff"}': r"is not UTF-8 text \(byte 0xff at 7\): save it as UTF-8",
    '{"a": 1}'.encode("utf-16"): "is not UTF-8 text",
    b"[" * 100_000: "is nested too deeply",
    b'{"a":' * 100 + b"1" + b"}" * 100: "is nested too deeply",
    b'{"a": {"b": [0, NaN]}}': r"'a.b\[1\]' is NaN, too large or not a number",
    b'{"a": -Infinity}': "'a' is -Infinity, too large or not a number",
    b'{"a": 1e999}': "'a' is 1e999, too large or not a number",
    b'{"a": ' + b"7" * 5000 + b"}": "'a' is 7{60}, too large or not a number",
    b'{"a": 1, "b": 2, "a": 3}': "the key 'a' stands there twice",
}


@pytest.mark.parametrize("data", DAMAGED, ids=lambda data: repr(data[:12]))
def test_what_is_wrong_with_a_file_is_said_in_a_line(tmp_path, data):
    path = tmp_path / "options.json"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=DAMAGED[data]) as raised:
        json_files.read_object(str(path))
    assert str(path) in str(raised.value)
    assert str(raised.value).isprintable()


def test_a_byte_order_mark_and_64_bits_are_read(tmp_path):
    path = tmp_path / "x.json"
    path.write_bytes(b'\xef\xbb\xbf{"a": -123456789012345678, "b": [1.5, null, true, "\\u00df"]}')
    assert json_files.read_object(str(path)) == {
        "a": -123456789012345678,
        "b": [1.5, None, True, "ß"],
    }


def test_a_record_has_the_types_of_its_fields():
    record = json_files.to_record(
        _Outer,
        {
            "name": "x",
            "inner": {"sizes": [3, 4], "rates": [1, 0.5]},
            "flag": True,
            "limit": 5,
            "cells": [{"op": "conv", "kernel": [3, 3]}],
        },
        "f.json",
    )
    assert record == _Outer(
        "x", _Inner((3, 4), (1.0, 0.5)), True, 5, ({"op": "conv", "kernel": (3, 3)},)
    )
    assert isinstance(record.inner.rates[0], float)
    assert json_files.to_record(_Outer, CONTENT, "f.json") == _Outer("x", _Inner((3, 4)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": 3}, "f.json: 'name' is 3; expected text in quotes."),
        ({"limit": "21"}, "f.json: 'limit' is '21'; expected a whole number or null."),
        ({"limit": 2.0}, "f.json: 'limit' is 2.0; expected a whole number or null."),
        ({"limit": True}, "f.json: 'limit' is true; expected a whole number or null."),
        ({"flag": 1}, "f.json: 'flag' is 1; expected true or false."),
        ({"inner": [1]}, "f.json: 'inner' is [1]; expected an object: {…}."),
        (
            {"inner": {"sizes": [3]}},
            "f.json: 'inner.sizes' is [3]; expected a list of 2 whole numbers.",
        ),
        (
            {"inner": {"sizes": [3, "\x1b4"]}},
            "f.json: 'inner.sizes[1]' is '\\x1b4'; expected a whole number.",
        ),
        ({"inner": {}}, "f.json lacks the key 'inner.sizes'."),
        ({"cells": [1]}, "f.json: 'cells[0]' is 1; expected an object: {…}."),
        ({"nam": 1}, "f.json has the unknown key 'nam': is it 'name'?"),
        ({"zzzzzz": 1}, "f.json has the unknown key 'zzzzzz': remove it."),
        ({"name": ["y" * 99]}, f"f.json: 'name' is [\"{'y' * 58}…; expected text in quotes."),
    ],
)
def test_a_field_of_another_type_is_named_with_its_value(changes, message):
    with pytest.raises(ValueError, match=r"^f\.json") as raised:
        json_files.to_record(_Outer, {**CONTENT, **changes}, "f.json")
    assert str(raised.value) == message
