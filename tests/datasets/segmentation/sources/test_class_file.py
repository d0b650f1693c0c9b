"""sources.class_file: class files are read, and wrong ones named."""

import pytest

from datasets.segmentation.sources import class_file
from tests.support.sample_images import write, write_json


def write_classes(tmp_path, content) -> str:
    save_file = write if isinstance(content, str) else write_json
    return save_file(tmp_path / "classes.json", content)


def test_class_file_with_everything(tmp_path):
    path = write_classes(
        tmp_path,
        {
            "names": ["background", "cat"],
            "palette": [[0, 0, 0], "#ff8000"],
            "ignore_label": 7,
            "ignore_palette": ["#ffffff", [1, 2, 3]],
        },
    )
    classes = class_file.read_class_file(path)
    assert classes.names == ("background", "cat")
    assert classes.display_palette == ((0, 0, 0), (255, 128, 0))
    assert classes.mask_colors == {
        (0, 0, 0): 0,
        (255, 128, 0): 1,
        (255, 255, 255): 7,
        (1, 2, 3): 7,
    }


def test_class_file_with_names_only(tmp_path):
    classes = class_file.read_class_file(write_classes(tmp_path, {"names": ["a", "b", "c"]}))
    assert classes.ignore_label == 255
    assert classes.display_palette == ((0, 0, 0), (128, 0, 0), (0, 128, 0))
    assert classes.mask_colors is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not valid JSON"),
        ("7", r'holds 7; expected the names of all .*"names": \["background", "cat"\]'),
        ([], "has 0 names"),
        ({}, "lacks the key 'names'; expected the names"),
        ({"pallete": []}, "lacks the key 'names'; expected the names"),
        ({"sky": 0, "road": 2}, "has the ids 0, 2; expected the names of all classes, from 0 on"),
        ({"names": [1]}, r"'names\[0\]' is 1; expected text in quotes"),
        ({"names": ["a", ""]}, "has an empty name"),
        ({"names": []}, "has 0 names; expected 1 to 256"),
        ({"names": ["a", "a"]}, "has 'a' twice"),
        ({"names": ["a"], "pallete": []}, "unknown key 'pallete': is it 'palette'"),
        ({"names": ["a"], "palette": []}, "0 colors and 'names' 1 names"),
        ({"names": ["a"], "palette": [[0, 0, 256]]}, r"has \[0, 0, 256\]; expected"),
        ({"names": ["a"], "palette": ["#00zz00"]}, "has '#00zz00'; expected"),
        ({"names": ["a", "b"], "palette": ["#000000"] * 2}, r"'palette' has \(0, 0, 0\) twice"),
        ({"names": ["a"], "ignore_label": 256}, "'ignore_label' is 256; expected"),
        ({"names": ["a"], "ignore_label": True}, "'ignore_label' is true; expected"),
        ({"names": ["a"], "ignore_palette": ["#000000"]}, "goes with 'palette'"),
        (
            {"names": ["a"], "palette": ["#000000"], "ignore_palette": ["#000000"]},
            "in 'palette' and in 'ignore_palette'",
        ),
    ],
)
def test_wrong_class_file_is_named(tmp_path, content, message):
    with pytest.raises(ValueError, match=rf"classes\.json.*{message}"):
        class_file.read_class_file(write_classes(tmp_path, content))


@pytest.mark.parametrize("content", [["sky", "road"], {"road": 1, "sky": 0}])
def test_names_may_be_a_list_or_have_their_ids(tmp_path, content):
    found = class_file.read_class_file(write_classes(tmp_path, content))
    assert (found.names, found.palette) == (("sky", "road"), None)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_class_file_of_another_program_is_read(tmp_path, encoding):
    path = tmp_path / "classes.json"
    path.write_bytes('{"names": ["Straße", "道路"]}'.replace(" ", "\r\n").encode(encoding))
    assert class_file.read_class_file(str(path)).names == ("Straße", "道路")


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16-le"])
def test_class_file_of_an_unknown_encoding_is_named(tmp_path, encoding):
    path = tmp_path / "classes.json"
    path.write_bytes('{"names":\n["Straße"]}'.encode(encoding))
    with pytest.raises(ValueError, match=r"classes\.json: not a text file in .*Save it as UTF-8"):
        class_file.read_class_file(str(path))


def test_missing_class_file_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"class file .*none\.json does not exist"):
        class_file.read_class_file(str(tmp_path / "none.json"))
