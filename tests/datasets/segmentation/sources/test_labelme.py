"""sources.labelme: a JSON file for each image."""

import base64
import io
import json
import os
import shutil

import numpy as np
import pytest
from PIL import Image

from datasets.segmentation import checks, sources
from datasets.segmentation.sources import labelme
from tests.support.sample_images import save, smooth_rgb, write_json

SIZE = (30, 40)
SQUARE = [[2, 2], [10, 2], [10, 10], [2, 10]]


def shape(label: str, points=SQUARE, kind: str | None = "polygon", **fields):
    return {"label": label, "points": points, "shape_type": kind, **fields}


def write_image(folder, name: str, *shapes, **fields) -> None:
    content = {
        "version": "5.5.0",
        "flags": {},
        "shapes": [*shapes],
        "imagePath": f"{name}.jpg",
        "imageData": None,
        "imageHeight": SIZE[0],
        "imageWidth": SIZE[1],
        **fields,
    }
    write_json(folder / f"{name}.json", content)
    save(folder / f"{name}.jpg", smooth_rgb(*SIZE))


def masks_of(source) -> dict[str, np.ndarray]:
    return {
        sample.name: source.read_mask(sample)
        for samples in source.splits.values()
        for sample in samples
    }


def test_a_folder_is_found_and_its_shapes_become_masks(tmp_path):
    write_image(tmp_path, "a", shape("dog"), shape("cat", [[4, 4], [20, 20]], "rectangle"))
    write_image(tmp_path, "b", shape("__ignore__"), shape("dog", [[20, 10], [25, 10]], "circle"))
    write_image(tmp_path, "c", shape("cat", kind=None))
    assert sources.find_source(str(tmp_path)) == "labelme"
    source = sources.open_source("labelme", str(tmp_path), val_fraction=0.3)
    assert source.class_names == ("background", "cat", "dog")
    assert {split: len(samples) for split, samples in source.splits.items()} == {
        "train": 2,
        "val": 1,
    }
    masks = masks_of(source)
    assert masks["a"][4:21, 4:21].tolist() == [[1] * 17] * 17
    assert masks["a"][2, 2] == 2
    assert masks["b"][5, 5] == 255
    assert masks["b"][10, 15:26].tolist() == [2] * 11
    assert masks["c"][2, 2:11].tolist() == [1] * 9
    report = checks.check_source(source, show_progress=False)
    assert not [problem for problem in report.problems if problem.severity == "error"]


def test_labels_have_the_order_of_their_file(tmp_path):
    write_image(tmp_path, "a", shape("cat"), shape("zebra"))
    (tmp_path / "labels.txt").write_text("__ignore__\n_background_\ndog\ncat\n")
    source = labelme.open_source(str(tmp_path), val_fraction=0)
    assert source.class_names == ("_background_", "dog", "cat", "zebra")


def test_lines_points_and_masks_have_the_pixels_that_labelme_gives_them(tmp_path):
    file = io.BytesIO()
    Image.fromarray(np.eye(4, dtype=bool)).save(file, "PNG")
    mask = base64.b64encode(file.getvalue()).decode()
    write_image(tmp_path, "line", shape("x", [[5, 15], [35, 15]], "line"))
    write_image(tmp_path, "strip", shape("x", [[5, 15], [35, 15], [35, 5]], "linestrip"))
    write_image(tmp_path, "point", shape("x", [[20, 15]], "point"))
    write_image(tmp_path, "mask", shape("x", [[7, 3], [10, 6]], "mask", mask=mask))
    masks = masks_of(labelme.open_source(str(tmp_path), val_fraction=0))
    assert masks["line"][:, 20].sum() == 10
    assert masks["strip"].sum() > masks["line"].sum()
    assert masks["point"][15, 15:26].tolist() == [1] * 11
    np.testing.assert_array_equal(masks["mask"][3:7, 7:11], np.eye(4))
    assert masks["mask"].sum() == 4


def test_folders_called_as_splits_are_splits(tmp_path):
    for split, name in (("train", "a"), ("train", "b"), ("valid", "c")):
        write_image(tmp_path / split, name, shape("dog"))
    source = labelme.open_source(str(tmp_path))
    names = {split: [each.name for each in samples] for split, samples in source.splits.items()}
    assert names == {"train": ["train/a", "train/b"], "val": ["valid/c"]}


def test_images_lie_where_the_file_says_or_beside_it(tmp_path):
    write_image(tmp_path / "labels", "a", shape("dog"), imagePath="..\\photos\\a.jpg")
    (tmp_path / "photos").mkdir()
    shutil.move(tmp_path / "labels" / "a.jpg", tmp_path / "photos" / "a.jpg")
    write_image(tmp_path / "labels", "b", shape("dog"), imagePath="C:\\Users\\me\\b.jpg")
    write_image(tmp_path / "labels", "c", shape("dog"), imagePath="c.json")
    source = labelme.open_source(str(tmp_path), val_fraction=0)
    folders = [sample.image_path.split("/")[-2] for sample in source.splits["train"]]
    assert folders == ["photos", "labels", "labels"]


def test_an_image_may_be_inside_its_file(tmp_path):
    write_image(tmp_path, "a", shape("dog"))
    data = (tmp_path / "a.jpg").read_bytes()
    write_image(tmp_path, "a", shape("dog"), imageData=base64.b64encode(data).decode())
    write_image(tmp_path, "b", shape("dog"), imageData="no base64 é")
    for name in "ab":
        (tmp_path / f"{name}.jpg").unlink()
    source = labelme.open_source(str(tmp_path), val_fraction=0)
    whole, damaged = source.splits["train"]
    example, mask = source.read_example(whole)
    assert example.encoded == data
    assert mask[2:11, 2:11].tolist() == [[1] * 9] * 9
    assert whole.places == (f"{tmp_path}/a.json, imageData", f"{tmp_path}/a.json")
    with pytest.raises(ValueError, match=r"b\.json: 'imageData' holds nothing in base64"):
        source.read_example(damaged)
    problems = checks.check_source(source).problems
    told = [(each.message, each.path) for each in problems if each.name == "b"]
    assert told == [  # Once, although image and mask cannot be read for it.
        ("'imageData' holds nothing in base64.", f"{tmp_path}/b.json, imageData")
    ]


def test_what_cannot_be_drawn_is_counted(tmp_path):
    write_image(
        tmp_path,
        "a",
        shape("dog"),
        shape("cat", [[1, 1]]),
        shape("", SQUARE),
        shape("dog", SQUARE, "hexagon"),
    )
    source = labelme.open_source(str(tmp_path), val_fraction=0)
    assert source.class_names == ("background", "dog")
    messages = [problem.message for problem in source.problems]
    assert (
        "what covers no area, or has no label, is left out: 1 hexagons of 4 points, 1 polygons of "
        "1 points, 1 shapes without a label." in messages
    )


def test_wrong_files_are_named(tmp_path):
    write_image(tmp_path, "a", shape("dog", [[1, 2], [3]]))
    with pytest.raises(ValueError, match=r"a\.json: the points of shape 1 are not pairs"):
        labelme.open_source(str(tmp_path))
    write_image(tmp_path, "a", shapes="none")
    with pytest.raises(ValueError, match=r"a\.json: 'shapes' is 'none'"):
        labelme.open_source(str(tmp_path))
    write_image(tmp_path, "a", shape("dog"))
    (tmp_path / "a.jpg").unlink()
    with pytest.raises(ValueError, match=r"has none of the 1 images .* beside its JSON file"):
        labelme.open_source(str(tmp_path))
    (tmp_path / "a.json").unlink()
    (tmp_path / "b.txt").write_text("")
    with pytest.raises(ValueError, match="expected labelme's JSON files and their images"):
        labelme.open_source(str(tmp_path))


def test_damage_of_one_file_and_files_that_are_not_labelmes_leave_the_others(tmp_path):
    for name in "abc":
        write_image(tmp_path, name, shape("dog"))
    os.truncate(tmp_path / "a.json", 60)
    (tmp_path / "c.json").write_text("")
    (tmp_path / "settings.json").write_text("{}")
    save(tmp_path / "d.jpg", smooth_rgb(20, 30))
    source = labelme.open_source(str(tmp_path), val_fraction=0)
    cut, whole, empty = source.splits["train"]
    assert (cut.name, whole.name, empty.name) == ("a", "b", "c")
    for damaged in (cut, empty):
        with pytest.raises(ValueError, match=rf"{damaged.name}\.json is not valid JSON"):
            source.read_mask(damaged)
    assert source.read_mask(whole).any()
    messages = [problem.message for problem in source.problems if problem.kind == "unused"]
    assert messages == [
        "1 file is left out: images that are not labeled, d.jpg.",
        "1 file is left out: not labelme's, settings.json.",
    ]


@pytest.mark.parametrize("kind", ["semantic_segmentation", "instance_segmentation"])
def test_masks_equal_those_of_labelmes_own_export(shared, tmp_path, kind):
    folder = shared / "samples" / "labelme" / kind
    if not folder.is_dir():
        pytest.skip("the samples of labelme are not here")
    for path in (folder / "data_annotated").iterdir():
        shutil.copy(path, tmp_path)
    shutil.copy(folder / "labels.txt", tmp_path)
    masks = masks_of(labelme.open_source(str(tmp_path)))
    assert len(masks) == 3
    for name, mask in masks.items():
        theirs = np.load(folder / "data_dataset_voc" / "SegmentationClassNpy" / f"{name}.npy")
        equal = np.where(mask == 255, -1, mask.astype(int)) == theirs
        assert equal.mean() > 0.9999


def test_other_json_files_are_not_labelmes(tmp_path):
    (tmp_path / "notes.json").write_text(json.dumps({"images": [], "shape": 3}))
    assert not labelme.matches(str(tmp_path))


@pytest.mark.parametrize("split", ["", "train"])
def test_masks_that_were_made_of_labelmes_files_go_before_them(tmp_path, split):
    images, masks = (tmp_path / split / name for name in ("images", "masks"))
    images.mkdir(parents=True)
    write_image(images, "a", shape("dog"))
    assert sources.find_source(str(tmp_path)) == "labelme"
    masks.mkdir()
    assert sources.find_source(str(tmp_path)) == "labelme"
    save(masks / "a.png", np.zeros(SIZE, np.uint8))
    assert sources.find_source(str(tmp_path)) == "folder"
