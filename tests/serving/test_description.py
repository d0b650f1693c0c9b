"""Descriptions of models that were edited by hand, damaged, or made to do harm."""

import json

import pytest

from serving import description

NAMES = '"class_names": ["a", "b"]'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "Expecting value"),
        (b"[1]", r"it is \[1\]; expected an object"),
        (b"null", "it is null; expected an object"),
        (b'{"class_names": ["B\xe4ume"]}', r"it is not UTF-8 \(byte 19\); save it as UTF-8"),
        (b"\xff\xfe{\0}\0", "not UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"crop_size": ' + b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b'{"crop_size": [%s, 1]}' % (b"9" * 5000), "Exceeds the limit"),
        (b'{"crop_size": [%s, 1]}' % (b"9" * 999), "a number of more than 60 digits"),
        (b" " * (1 << 24) + b"{}", "more than 16777216"),
        (b'{"class_names": "ab"}', 'class_names is "ab"; expected a list'),
        (b'{"class_names": {"0": "a"}}', "class_names is .*; expected a list"),
        (b'{"class_names": [1, 2]}', "class_names has 1; expected names in quotes"),
        (b'{"class_names": [null]}', "class_names has null; expected names in quotes"),
        (json.dumps({"class_names": ["x"] * 300}).encode(), "300 names; expected at most 256"),
        (b'{%b, "palette": [[0, 0, 0]]}' % NAMES.encode(), "2 class_names and 1 colors"),
        (b'{"palette": [[0, 0, 0]]}', "0 class_names and 1 colors"),
        (b'{%b, "palette": [[0, 0], [0, 0]]}' % NAMES.encode(), r"palette has \[0, 0\]; expected"),
        (b'{%b, "palette": [7, 8]}' % NAMES.encode(), r"palette has 7; expected \[red, green"),
        (b'{%b, "palette": [[0, 0, 256], [0, 0, 0]]}' % NAMES.encode(), "has 256; expected 0 to"),
        (b'{%b, "palette": [[0, 0, -1], [0, 0, 0]]}' % NAMES.encode(), "has -1; expected 0 to"),
        (b'{%b, "palette": [["0", 0, 0], [0, 0, 0]]}' % NAMES.encode(), 'has "0"; expected whole'),
        (b'{%b, "palette": [[0.5, 0, 0], [0, 0, 0]]}' % NAMES.encode(), "has 0.5; expected whole"),
        (b'{"crop_size": 513}', r"crop_size is 513; expected \[height, width\]"),
        (b'{"crop_size": "513,513"}', r'crop_size is "513,513"; expected'),
        (b'{"crop_size": [513]}', r"crop_size is \[513\]; expected"),
        (b'{"crop_size": ["513", "513"]}', 'crop_size has "513"; expected whole numbers'),
        (b'{"crop_size": [true, 513]}', "crop_size has true; expected whole numbers"),
        (b'{"crop_size": [NaN, 513]}', "crop_size has NaN; expected whole numbers"),
        (b'{"crop_size": [1e999, 513]}', "crop_size has Infinity; expected whole numbers"),
        (b'{"crop_size": [1e9, 1e9]}', "crop_size has 1000000000.0; expected 1 to 65536"),
        (b'{"crop_size": [-1, 513]}', "crop_size has -1; expected 1 to 65536"),
        (b'{"crop_size": [0, 513]}', "crop_size has 0; expected 1 to 65536"),
        (b'{"min_resize_value": "x"}', 'min_resize_value has "x"; expected whole numbers'),
        (b'{"min_resize_value": [1]}', r"min_resize_value has \[1\]; expected whole numbers"),
    ],
)
def test_damaged_descriptions_are_one_line_that_names_the_file(content, message):
    pattern = rf"^the description of x\.pb .*: x\.json: .*{message}"
    with pytest.raises(ValueError, match=pattern) as error:
        description.parse(content, "x.pb", "x.json")
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
        found = description.parse(json.dumps(content).encode(encoding), "x.pb")
        assert found.class_names == ("sky", "Bäume", "\u3000空", r"a\x1b[2J\nb\ud800")
        assert found.palette == ((0, 0, 0), (1, 2, 3), (255, 255, 255), (4, 5, 6))
        assert found.crop_size == (33, 65)
        assert found.min_resize_value is None
    assert description.parse(b"{}", "x.pb") == description.Metadata()
