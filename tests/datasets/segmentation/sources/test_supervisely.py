"""sources.supervisely: objects of images in a file each."""

import base64
import io
import zlib

import numpy as np
import pytest
from PIL import Image

from datasets.segmentation import checks, sources
from tests.support.sample_images import save, smooth_rgb, write_json

SIZE = (6, 8)
META = {
    "classes": [
        {"title": "dog", "shape": "polygon", "color": "#0a0b0c"},
        {"title": "road", "shape": "line", "color": "#FFFFFF"},
        {"title": "cat", "shape": "any"},
    ],
    "tags": [],
}
SQUARE = [[0, 0], [4, 0], [4, 4], [0, 4]]


def polygon(label: str, points=SQUARE, interior=()):
    return {
        "geometryType": "polygon",
        "classTitle": label,
        "points": {"exterior": points, "interior": [*interior]},
    }


def bitmap(label: str, pixels, left: int, top: int):
    file = io.BytesIO()
    Image.fromarray(np.array(pixels, bool)).save(file, "PNG")
    data = base64.b64encode(zlib.compress(file.getvalue())).decode()
    geometry = {"data": data, "origin": [left, top]}
    return {"geometryType": "bitmap", "classTitle": label, "bitmap": geometry}


def write_image(root, name: str, *objects, dataset="ds0", tags=()) -> None:
    content = {
        "size": {"height": SIZE[0], "width": SIZE[1]},
        "tags": [{"name": tag} for tag in tags],
        "objects": [*objects],
    }
    write_json(root / "meta.json", META)
    write_json(root / dataset / "ann" / f"{name}.json", content)
    save(root / dataset / "img" / name, smooth_rgb(*SIZE))


def open_export(root, **options):
    assert sources.find_source(str(root)) == "supervisely"
    return sources.open_source("supervisely", str(root), **options)


def mask_of(source) -> np.ndarray:
    return source.read_mask(source.splits["train"][0])


def names_of(source) -> dict[str, list[str]]:
    return {split: [sample.name for sample in samples] for split, samples in source.splits.items()}


def test_objects_cover_their_pixels(tmp_path):
    write_image(
        tmp_path,
        "a.png",
        polygon("cat", interior=[[[1, 1], [2, 1], [2, 2], [1, 2]]]),
        bitmap("dog", [[1, 0], [1, 1]], 6, 0),
        {
            "geometryType": "rectangle",
            "classTitle": "dog",
            "points": {"exterior": [[6, 4], [7, 5]], "interior": []},
        },
        {"geometryType": "line", "classTitle": "road", "points": {"exterior": SQUARE}},
    )
    source = open_export(tmp_path, val_fraction=0)
    assert source.class_names == ("background", "dog", "cat")
    assert source.palette[1] == (10, 11, 12)
    expected = np.zeros(SIZE, np.uint8)
    expected[:5, :5] = 2
    expected[1:3, 1:3] = 0
    expected[[0, 1, 1], [6, 6, 7]] = 1
    expected[4:, 6:] = 1
    np.testing.assert_array_equal(mask_of(source), expected)
    assert "is left out: 1 line." in source.problems[0].message
    report = checks.check_source(source, show_progress=False)
    assert not [problem for problem in report.problems if problem.severity == "error"]


def test_a_later_object_lies_above(tmp_path):
    write_image(tmp_path, "a.png", polygon("cat", [[0, 0], [1, 0], [1, 1]]), polygon("dog"))
    assert np.unique(mask_of(open_export(tmp_path))).tolist() == [0, 1]
    small = open_export(tmp_path, overlaps="small_above_large")
    assert np.unique(mask_of(small)).tolist() == [0, 1, 2]


def test_datasets_may_be_splits(tmp_path):
    for dataset in ("train", "val"):
        write_image(tmp_path, "a.png", polygon("cat"), dataset=dataset)
    assert names_of(open_export(tmp_path)) == {"train": ["a"], "val": ["a"]}
    write_image(tmp_path, "a.png", polygon("cat"), dataset="more/train")
    assert names_of(open_export(tmp_path)) == {
        "train": ["more/train/a", "train/a"],
        "val": ["val/a"],
    }


def test_tags_may_be_splits(tmp_path):
    for name, tags in {"a.png": ["good", "train"], "b.png": ["val"], "c.png": []}.items():
        write_image(tmp_path, name, polygon("cat"), tags=tags)
    source = open_export(tmp_path)
    assert names_of(source) == {"train": ["a"], "val": ["b"]}
    assert "is left out: 1 image without a tag of a split." in source.problems[0].message


def test_names_have_the_dataset_where_there_are_several(tmp_path):
    for dataset in ("ds0", "ds1", "more/ds0"):
        write_image(tmp_path, "a.png", polygon("cat"), dataset=dataset)
    names = names_of(open_export(tmp_path, val_fraction=0))
    assert names == {"train": ["ds0/a", "ds1/a", "more/ds0/a"]}


def test_older_exports_leave_the_ending_and_the_type_out(tmp_path):
    old = polygon("cat")
    del old["geometryType"]
    write_image(tmp_path, "a.png", old)
    annotations = tmp_path / "ds0" / "ann"
    (annotations / "a.png.json").rename(annotations / "a.json")
    assert (mask_of(open_export(tmp_path)) == 2).sum() == 25


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (polygon("cat", [[0, 0], [1]]), "a polygon cannot be read: ValueError"),
        (polygon("cat", [[0, 0], [1, 1]]), "a polygon has 2 points; expected 3 or more"),
        (polygon("cat", None), "a polygon cannot be read: TypeError"),
        ({**polygon("cat"), "geometryType": "rectangle"}, "a rectangle cannot be read"),
        ({**polygon("cat"), "geometryType": "bitmap"}, "a bitmap cannot be read: KeyError"),
        ({**bitmap("cat", [[1]], 0, 0), "bitmap": {"data": "x", "origin": [0, 0]}}, "is damaged"),
    ],
)
def test_a_broken_object_is_an_error_of_its_image(tmp_path, broken, message):
    write_image(tmp_path, "a.png", broken)
    write_image(tmp_path, "b.png", polygon("cat"))
    report = checks.check_source(open_export(tmp_path, val_fraction=0), show_progress=False)
    (problem,) = (each for each in report.problems if each.severity == "error")
    assert problem.name == "a"
    assert message in problem.message


def test_a_damaged_file_and_an_image_without_one_leave_the_others(tmp_path):
    for name in ("a.png", "b.png", "c.png"):
        write_image(tmp_path, name, polygon("cat"))
    (tmp_path / "ds0" / "ann" / "a.png.json").write_text('{"objects": [')
    (tmp_path / "ds0" / "ann" / "c.png.json").unlink()
    source = open_export(tmp_path, val_fraction=0)
    damaged, whole = source.splits["train"]
    with pytest.raises(ValueError, match=r"a\.png\.json is not valid JSON"):
        source.read_mask(damaged)
    assert source.read_mask(whole).any()
    (unused,) = (problem for problem in source.problems if problem.kind == "unused")
    assert unused.message == "1 file is left out: images without an annotation, ds0/c.png."


def test_other_folders_are_named(tmp_path):
    write_json(tmp_path / "meta.json", META)
    assert sources.find_source(str(tmp_path)) == sources.FOLDER
    with pytest.raises(
        ValueError, match=r"holds meta\.json; expected Supervisely's meta\.json and"
    ):
        sources.open_source("supervisely", str(tmp_path))
    write_image(tmp_path, "a.png", polygon("cat"))
    (tmp_path / "ds0" / "img" / "a.png").unlink()
    with pytest.raises(ValueError, match=r"none of the 1 images .* or put them into img/"):
        open_export(tmp_path)
    write_json(tmp_path / "meta.json", {"classes": [{"title": "x", "shape": {}}]})
    with pytest.raises(ValueError, match="none of the 1 images"):
        open_export(tmp_path)
    write_json(tmp_path / "meta.json", {"classes": [{"name": "x"}]})
    with pytest.raises(ValueError, match=r"classes has \{\"name\": \"x\"\}; expected a title"):
        open_export(tmp_path)
    write_json(tmp_path / "meta.json", META)
    write_json(tmp_path / "ds0" / "ann" / "a.png.json", [])
    with pytest.raises(ValueError, match=r"a\.png\.json has no list 'objects'"):
        open_export(tmp_path)


def test_bitmaps_agree_with_the_masks_of_labelme(shared):
    """The sample was made from the masks that labelme drew."""
    samples = shared / "samples"
    if not samples.is_dir():
        pytest.skip(f"needs {samples}")
    source = open_export(samples / "supervisely", val_fraction=0)
    truth = samples / "labelme" / "semantic_segmentation" / "data_dataset_voc"
    names = np.array((truth / "class_names.txt").read_text().split("\n"))
    assert len(source.splits["train"]) == 3
    for sample in source.splits["train"]:
        expected = np.array(Image.open(truth / "SegmentationClass" / f"{sample.name}.png"))
        expected[expected == 255] = 0  # Regions that are ignored are not in the sample.
        found = source.read_mask(sample)
        np.testing.assert_array_equal(found == 0, expected == 0)
        kept = found > 0
        assert (np.array(source.class_names)[found[kept]] == names[expected[kept]]).all()
