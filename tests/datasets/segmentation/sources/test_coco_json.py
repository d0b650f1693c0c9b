"""sources.coco_json: regions in COCO's JSON."""

import math

import numpy as np
import pytest
from pycocotools import mask as coco_mask

from datasets.segmentation import checks, sources
from datasets.segmentation.sources import coco_json
from tests.support.sample_images import save, smooth_rgb, write_json

SIZE = (20, 30)
LARGE = [[0, 0, 20, 0, 20, 15, 0, 15]]
SMALL = [[5, 5, 9, 5, 9, 9, 5, 9]]
CATEGORIES = [
    {"id": 7, "name": "dog", "supercategory": "pet"},
    {"id": 3, "name": "cat", "supercategory": "pet"},
]


def write(path, annotations, names=("a.jpg", "b.jpg"), categories=CATEGORIES, folder=None) -> None:
    """Writes a file of images with numbers from 1, and the images."""
    images = [
        {"id": number, "file_name": name, "height": SIZE[0], "width": SIZE[1]}
        for number, name in enumerate(names, start=1)
    ]
    annotations = [{"id": n, **each} for n, each in enumerate(annotations)]
    content = {"info": {}, "images": images, "annotations": annotations, "categories": categories}
    write_json(path, content)
    for name in names:
        save((folder or path.parent) / name, smooth_rgb(*SIZE))


def region(image: int, category: int, segmentation, **fields):
    return {"image_id": image, "category_id": category, "segmentation": segmentation, **fields}


def mask_of(source, split="train", number=0) -> np.ndarray:
    return source.read_mask(source.splits[split][number])


def test_cocos_own_layout_is_found_with_its_splits(tmp_path):
    for split, names in (("train2017", ("a.jpg", "b.jpg")), ("val2017", ("c.jpg",))):
        write(
            tmp_path / "annotations" / f"instances_{split}.json",
            [region(1, 3, SMALL), region(1, 7, LARGE)],
            names,
            folder=tmp_path / split,
        )
        write_json(tmp_path / "annotations" / f"captions_{split}.json", {"annotations": []})
        write_json(tmp_path / "annotations" / f"panoptic_{split}.json", {"annotations": []})
    assert sources.find_source(str(tmp_path)) == "coco_json"
    source = sources.open_source("coco_json", str(tmp_path))
    assert source.class_names == ("background", "cat", "dog")
    assert {split: len(samples) for split, samples in source.splits.items()} == {
        "train": 2,
        "val": 1,
    }
    mask = mask_of(source)
    assert np.bincount(mask.reshape(-1)).tolist() == [300, 16, 284]
    assert mask[5:9, 5:9].tolist() == [[1] * 4] * 4
    report = checks.check_source(source, show_progress=False)
    assert not [problem for problem in report.problems if problem.severity == "error"]


def test_images_of_one_name_are_those_beside_their_file(tmp_path):
    for split, category in (("train", 3), ("val", 7)):
        write(
            tmp_path / split / "labels.json",
            [region(1, category, SMALL)],
            names=("a.jpg",),
            folder=tmp_path / split / "images",
        )
    source = sources.open_source("coco_json", str(tmp_path))
    assert source.problems == ()
    for split in ("train", "val"):
        (sample,) = source.splits[split]
        assert sample.image_path == str(tmp_path / split / "images" / "a.jpg")
        assert mask_of(source, split).max() == (1 if split == "train" else 2)


def test_the_order_of_the_file_may_decide_overlaps(tmp_path):
    write(tmp_path / "a.json", [region(1, 3, SMALL), region(1, 7, LARGE)])
    source = sources.open_source("coco_json", str(tmp_path), overlaps="file_order", val_fraction=0)
    assert np.unique(mask_of(source)).tolist() == [0, 2]


def test_run_lengths_of_both_forms_are_those_of_pycocotools(tmp_path):
    pixels = np.random.default_rng(0).random(SIZE) < 0.4
    short = coco_mask.encode(np.asfortranarray(pixels.astype(np.uint8)))
    flat = pixels.T.reshape(-1).astype(int)
    changes = np.flatnonzero(np.diff(flat)) + 1
    counts = np.diff([0, *changes, len(flat)]).tolist()
    counts = counts if not flat[0] else [0, *counts]
    write(
        tmp_path / "a.json",
        [
            region(1, 3, {"size": [*SIZE], "counts": short["counts"].decode()}),
            region(2, 3, {"size": [*SIZE], "counts": counts}, iscrowd=1),
        ],
    )
    source = coco_json.open_source(str(tmp_path), val_fraction=0)
    for number in range(2):
        np.testing.assert_array_equal(mask_of(source, number=number), pixels)


def test_roboflows_splits_are_its_folders_and_its_group_is_no_class(tmp_path):
    group = {"id": 0, "name": "animals", "supercategory": "none"}
    members = [{**each, "supercategory": "animals"} for each in CATEGORIES]
    for split in ("train", "valid"):
        write(
            tmp_path / split / "_annotations.coco.json",
            [region(1, 7, SMALL)],
            ("x.jpg",),
            [group, *members],
        )
    source = coco_json.open_source(str(tmp_path))
    assert source.class_names == ("background", "cat", "dog")
    assert list(source.splits) == ["train", "val"]
    messages = [problem.message for problem in source.problems]
    assert "categories that only group others are left out: animals." in messages


def test_what_has_no_polygon_is_counted_and_images_without_regions_are_background(tmp_path):
    write(tmp_path / "a.json", [region(1, 3, []), region(1, 7, [[1, 1, 2, 2], *SMALL])])
    source = coco_json.open_source(str(tmp_path), val_fraction=0)
    messages = " ".join(problem.message for problem in source.problems)
    assert "is left out: 1 annotations without polygons." in messages
    assert "1 of 2 images have no region" in messages
    assert mask_of(source).sum() == 2 * 16
    assert not mask_of(source, number=1).any()


def test_annotations_of_images_that_were_taken_out_are_left_out(tmp_path):
    write(tmp_path / "a.json", [region(9, 3, SMALL), region(1, 7, SMALL)])
    source = coco_json.open_source(str(tmp_path), val_fraction=0)
    messages = [problem.message for problem in source.problems if problem.severity == "warning"]
    assert "1 annotations of no image are left out: annotation 1 has the image_id 9." in messages
    assert mask_of(source).sum() == 2 * 16


@pytest.mark.parametrize(
    ("annotations", "message"),
    [
        ([region(9, 3, SMALL)], r"annotation 1 has the image_id 9, of no image"),
        ([region(1, 3, [])], r"a\.json has no regions of images"),
    ],
)
def test_wrong_annotations_are_named(tmp_path, annotations, message):
    write(tmp_path / "a.json", annotations)
    with pytest.raises(ValueError, match=message):
        coco_json.open_source(str(tmp_path))


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        (region(1, 4, SMALL), r"annotation 1 has the category_id 4, of no category"),
        (region(1, 3, [["x"]]), r"annotation 1 has a segmentation of another form"),
        (region(1, 3, {"counts": [1]}), r"annotation 1 has a segmentation of another form"),
        (region(1, 3, [[1, 1, math.nan, 1, 3, 3]]), r"has the coordinate nan, which is far from"),
    ],
)
def test_a_wrong_annotation_is_an_error_of_its_image(tmp_path, annotation, message):
    write(tmp_path / "a.json", [annotation, region(2, 3, SMALL)])
    source = coco_json.open_source(str(tmp_path), val_fraction=0)
    damaged, whole = source.splits["train"]
    with pytest.raises(ValueError, match=message):
        source.read_mask(damaged)
    assert source.read_mask(whole).any()


def test_files_of_another_form_are_named(tmp_path):
    write(tmp_path / "a.json", [region(1, 3, SMALL)], categories=[{"id": 1}])
    with pytest.raises(ValueError, match="images and categories have no ids, or categories no"):
        coco_json.open_source(str(tmp_path))
    write_json(tmp_path / "a.json", {"images": {}, "annotations": []})
    with pytest.raises(ValueError, match=r"a\.json: 'categories' is not a list of objects"):
        coco_json.open_source(str(tmp_path))


def test_captions_alone_are_another_tasks(tmp_path):
    write_json(tmp_path / "annotations" / "captions_train2017.json", {"images": []})
    assert not coco_json.matches(str(tmp_path))
    with pytest.raises(ValueError, match="For captions give --dataset=coco_captions"):
        coco_json.open_source(str(tmp_path))


def test_categories_of_one_name_are_one_class_and_it_is_told(tmp_path):
    twice = [{"id": 3, "name": "cat"}, {"id": 5, "name": "cat"}]
    square = [[1, 1, 3, 1, 3, 3]]
    write(
        tmp_path / "instances_train.json",
        [region(1, 3, square), region(2, 5, square)],
        categories=twice,
    )
    source = sources.open_source("coco_json", str(tmp_path), val_fraction=0.0)
    assert source.class_names == ("background", "cat")
    assert "categories of one name are one class: cat." in [
        each.message for each in source.problems
    ]
