"""Descriptions of models that were edited by hand, damaged, or made to do harm."""

import json

import pytest

from serving import contract

NAMES = '"class_names": ["a", "b"]'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"[1]", r"holds \[1\]; expected an object"),
        (b"null", "holds null; expected an object"),
        (
            b'{"class_names": ["B\xe4ume"]}',
            r"is not UTF-8 text \(byte 0xe4 at 19\): save",
        ),
        (b"\xff\xfe{\0}\0", "not UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"crop_size": ' + b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b'{"crop_size": [%s, 1]}' % (b"9" * 5000), r"crop_size\[0\]' is 9+, too large"),
        (b'{"class_names": "ab"}', "'class_names' is 'ab'; expected a list of texts"),
        (b'{"class_names": {"0": "a"}}', "'class_names' is .*; expected a list"),
        (b'{"class_names": [1, 2]}', r"'class_names\[0\]' is 1; expected text in quotes"),
        (b'{"class_names": [null]}', r"'class_names\[0\]' is null; expected text in quotes"),
        (json.dumps({"class_names": ["x"] * 300}).encode(), "300 names; expected at most 256"),
        (
            json.dumps({"task": "deeplab", "class_names": ["x"] * 300}).encode(),
            "300 names; expected at most 256",
        ),
        (b'{%b, "palette": [[0, 0, 0]]}' % NAMES.encode(), "2 class_names, but 1 colors"),
        (b'{"palette": [[0, 0, 0]]}', "0 class_names, but 1 colors"),
        (b'{%b, "palette": [[0, 0], [0, 0]]}' % NAMES.encode(), r"\[0, 0\]; expected a list of 3"),
        (b'{%b, "palette": [7, 8]}' % NAMES.encode(), r"'palette\[0\]' is 7; expected a list of 3"),
        (b'{%b, "palette": [[0, 0, 256], [0, 0, 0]]}' % NAMES.encode(), "has 256; expected 0 to"),
        (b'{%b, "palette": [[0, 0, -1], [0, 0, 0]]}' % NAMES.encode(), "has -1; expected 0 to"),
        (b'{%b, "palette": [["0", 0, 0], [0, 0, 0]]}' % NAMES.encode(), "is '0'; expected a whole"),
        (b'{%b, "palette": [[0.5, 0, 0], [0, 0, 0]]}' % NAMES.encode(), "is 0.5; expected a whole"),
        (b'{"crop_size": 513}', "'crop_size' is 513; expected a list of 2 whole numbers"),
        (b'{"crop_size": "513,513"}', "'crop_size' is '513,513'; expected a list of 2"),
        (b'{"crop_size": [513]}', r"'crop_size' is \[513\]; expected a list of 2 whole"),
        (b'{"crop_size": ["513", "513"]}', r"'crop_size\[0\]' is '513'; expected a whole number"),
        (b'{"crop_size": [true, 513]}', r"'crop_size\[0\]' is true; expected a whole number"),
        (b'{"crop_size": [NaN, 513]}', r"'crop_size\[0\]' is NaN, too large or not a number"),
        (b'{"crop_size": [1e999, 513]}', r"'crop_size\[0\]' is 1e999, too large or not a number"),
        (b'{"crop_size": [1e9, 1e9]}', "crop_size has 1000000000; expected 1 to 65536"),
        (b'{"crop_size": [-1, 513]}', "crop_size has -1; expected 1 to 65536"),
        (b'{"crop_size": [0, 513]}', "crop_size has 0; expected 1 to 65536"),
        (b'{"task": "poetry"}', "task is 'poetry'; expected one of deeplab, classification"),
        (b'{"min_resize_value": "x"}', "'min_resize_value' is 'x'; expected a whole number"),
        (b'{"min_resize_value": [1]}', r"'min_resize_value' is \[1\]; expected a whole number"),
    ],
)
def test_damaged_descriptions_are_one_line_that_names_the_file(content, message):
    with pytest.raises(ValueError, match=rf"^x\.json.* .*{message}") as error:
        contract.parse_metadata(content, "x.json")
    assert len(str(error.value)) < 300
    assert str(error.value).isprintable()


def test_sound_descriptions_are_taken():
    content = {
        "class_names": ["sky", "Bäume", "\u3000空", "a\x1b[2J\nb\ud800"],
        "palette": [[0, 0, 0], [1, 2, 3], [255, 255, 255.0], [4, 5, 6]],
        "crop_size": [33, 65.0],
        "min_resize_value": None,
        "anything": {"else": [1, "2"]},
    }
    for encoding in ("utf-8", "utf-8-sig"):
        found = contract.parse_metadata(json.dumps(content).encode(encoding), "x.pb")
        assert found.class_names == ("sky", "Bäume", "\u3000空", r"a\x1b[2J\nb\ud800")
        assert found.palette == ((0, 0, 0), (1, 2, 3), (255, 255, 255), (4, 5, 6))
        assert found.crop_size == (33, 65)
        assert found.min_resize_value is None
    assert contract.parse_metadata(b"{}", "x.pb") == contract.Metadata()
