"""datasets.classification.sources.class_names: files that order or rename classes."""

import pytest

from datasets.classification.sources import class_names

FOUND = ["n01", "n02", "new york"]


def order(tmp_path, text: str):
    path = tmp_path / "names.txt"
    path.write_text(text)
    return class_names.order(FOUND, str(path), "train")


def test_without_a_file_classes_keep_their_names():
    classes = class_names.order(FOUND, None, "train")
    assert classes.names == tuple(FOUND)
    assert classes.ids == {"n01": 0, "n02": 1, "new york": 2}


@pytest.mark.parametrize(
    ("text", "names", "ids"),
    [
        # Orders.
        ("n02\n\nnew york\r\nn01\n", ("n02", "new york", "n01"), (2, 0, 1)),
        # Renames.
        ("n01 tench\nn02: ox, cow\nnew york\tcity\n", ("tench", "ox, cow", "city"), (0, 1, 2)),
        ("new york\nn02 b\nn01,a", ("new york", "b", "a"), (2, 1, 0)),
        ("tench\nox\ncity", ("tench", "ox", "city"), (0, 1, 2)),
    ],
)
def test_lines_order_and_rename(tmp_path, text, names, ids):
    classes = order(tmp_path, text)
    assert classes.names == names
    assert tuple(classes.ids[name] for name in FOUND) == ids


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "n01\nn03\nnew york",
            r"names\.txt: line 2, 'n03', names no class of train",
        ),
        ("n01\nn02", r"names\.txt lacks the classes 'new york' of train"),
        ("n01\nn02\nnew york\nn01 b", "names the class 'n01' twice"),
        ("n01 a\nn02 a\nnew york", "gives the name 'a' twice"),
        ("a\na\nb", "names 'a' twice"),
        ("\n \n", "names no class"),
    ],
)
def test_what_does_not_fit_is_told(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        order(tmp_path, text)
