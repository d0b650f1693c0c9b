"""annotations.coco_files: which of COCO's files count, and what stands in them."""

import pytest

from datasets.segmentation.annotations import coco_files
from tests.support.sample_images import write_json

KINDS, OTHERS = ("instances", "stuff"), ("captions", "panoptic")
EMPTY = {"images": [], "categories": [], "annotations": []}


def find(root) -> dict[str, str]:
    found = coco_files.find(str(root), KINDS, OTHERS)
    return {path.removeprefix(f"{root}/"): split for path, split in found.items()}


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (
            ["annotations/instances_train2017.json", "annotations/instances_val2017.json"],
            {
                "annotations/instances_train2017.json": "train",
                "annotations/instances_val2017.json": "val",
            },
        ),
        (
            ["a/stuff_val.json", "a/captions_val.json", "a/mine.json"],
            {"a/stuff_val.json": "val"},
        ),
        (
            ["a/stuff_val.json", "a/instances_val.json"],
            {"a/instances_val.json": "val"},
        ),
        (
            ["train/_annotations.coco.json", "valid/_annotations.coco.json"],
            {"train/_annotations.coco.json": "train", "valid/_annotations.coco.json": "valid"},
        ),
        (["instances_default.json"], {"instances_default.json": "default"}),
        (["my-labels.json"], {"my-labels.json": "default"}),
        (["captions_train.json"], {}),
    ],
)
def test_files_of_the_first_kind_count_with_the_splits_in_their_names(tmp_path, names, expected):
    for name in names:
        write_json(tmp_path / name, EMPTY)
    assert find(tmp_path) == expected


def test_categories_have_the_order_of_their_ids_and_their_colors(tmp_path):
    categories = [
        {"id": 20, "name": "b", "color": [1, 2, 3]},
        {"id": 3, "name": "a", "supercategory": "c", "color": [1, 2]},
    ]
    write_json(tmp_path / "x.json", {**EMPTY, "categories": categories})
    file = coco_files.read(str(tmp_path / "x.json"), "train")
    assert list(file.categories) == [3, 20]
    assert [each.color for each in file.categories.values()] == [None, (1, 2, 3)]


def test_only_unused_groups_are_left_out(tmp_path):
    categories = [
        {"id": 0, "name": "pets", "supercategory": "none"},
        {"id": 1, "name": "dog", "supercategory": "pets"},
        {"id": 2, "name": "cat", "supercategory": "cat"},
    ]
    annotations = [{"category_id": 2}]
    content = {"images": [], "categories": categories, "annotations": annotations}
    write_json(tmp_path / "x.json", content)
    file, [problem] = coco_files.drop_supercategories(
        coco_files.read(str(tmp_path / "x.json"), "train")
    )
    assert [each.name for each in file.categories.values()] == ["dog", "cat"]
    assert problem.message == "categories that only group others are left out: pets."


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "'annotations' is not a list of objects"),
        ({**EMPTY, "images": [3]}, "'images' is not a list of objects"),
        ({**EMPTY, "images": [{}]}, "images and categories have no ids, or categories no names"),
        ({**EMPTY, "categories": [{"id": 1}]}, "or categories no names"),
        ({"image": {}, "annotations": []}, "without categories, as Segment Anything writes them"),
    ],
)
def test_other_content_is_refused_with_the_file(tmp_path, content, message):
    write_json(tmp_path / "x.json", content)
    with pytest.raises(ValueError, match=rf"x\.json:? (.*)?{message}"):
        coco_files.read(str(tmp_path / "x.json"), "train")
