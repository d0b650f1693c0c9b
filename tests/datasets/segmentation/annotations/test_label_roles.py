"""annotations.label_roles: what labels say of themselves."""

import pytest

from datasets.segmentation.annotations import label_roles


def test_backgrounds_and_ignored_labels_are_known_by_name():
    labels = ["cat", "_background_", "background", "__ignore__", "Void", "ignored", "voids"]
    assert label_roles.find_background(labels) == "_background_"
    assert label_roles.find_background(["cat"]) is None
    assert label_roles.find_ignored(labels) == {"__ignore__", "Void", "ignored"}
    assert label_roles.find_ignored(["void"], background="void") == set()


@pytest.mark.parametrize(
    ("text", "color"),
    [
        ("red", (255, 0, 0)),
        ("#0a0b0c", (10, 11, 12)),
        ("rgba(255, 0, 0, 0.7)", (255, 0, 0)),
        ("nothing", None),
        ("", None),
        (None, None),
    ],
)
def test_colors_are_those_of_style_sheets(text, color):
    assert label_roles.parse_color(text) == color
