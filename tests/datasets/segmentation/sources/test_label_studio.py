"""sources.label_studio: tasks of Label Studio, and the images that they mean."""

import json

import numpy as np
import pytest
from PIL import Image

from datasets.segmentation import checks, sources
from tests.support.sample_images import save, smooth_rgb, write, write_json

SIZE = (10, 20)
CONFIG = """<View><Image name="image" value="$image"/>
  <BrushLabels name="tag" toName="image">
    <Label value="dog" background="rgba(1, 2, 3, 0.7)"/>
    <Label value="big cat" alias="cat" background="#0a0b0c"/>
    <Label value="cow" background="nothing"/>
  </BrushLabels>
</View>"""


def rectangle(label: str, left=0, top=0, width=50, height=50, **more):
    value = {"x": left, "y": top, "width": width, "height": height, "rectanglelabels": [label]}
    size = {"original_width": SIZE[1], "original_height": SIZE[0]}
    return {"type": "rectanglelabels", "from_name": "tag", "value": value, **size, **more}


def task(image: str, *results, **annotation):
    return {"data": {"image": image}, "annotations": [{"result": [*results], **annotation}]}


def write_export(root, *tasks, images=("a.jpg",), config=None) -> None:
    write_json(root / "export.json", tasks)
    for shift, name in enumerate(images):
        save(root / "images" / name, smooth_rgb(*SIZE, shift=shift))
    if config:
        write(root / "config.xml", config)


def open_export(root, **options):
    assert sources.find_source(str(root)) == "label_studio"
    return sources.open_source("label_studio", str(root), val_fraction=0, **options)


def masks_of(source) -> list[np.ndarray]:
    return [source.read_mask(sample) for sample in source.splits["train"]]


def counts(mask: np.ndarray) -> list[int]:
    return np.bincount(mask.reshape(-1)).tolist()


def test_labels_have_the_order_and_colors_of_the_interface(tmp_path):
    write_export(tmp_path, task("a.jpg", rectangle("cat"), rectangle("ant")), config=CONFIG)
    source = open_export(tmp_path)
    assert source.class_names == ("background", "dog", "cat", "cow", "ant")
    assert source.palette[1:3] == ((1, 2, 3), (10, 11, 12))
    (tmp_path / "config.xml").unlink()
    source = open_export(tmp_path)
    assert source.class_names == ("background", "ant", "cat")
    assert counts(masks_of(source)[0]) == [150, 50]  # The later one lies above.


@pytest.mark.parametrize(
    ("image", "file"),
    [
        ("a.jpg", "a.jpg"),
        ("/data/upload/3/1a2b3c4d-my_photo.jpg", "1a2b3c4d-my_photo.jpg"),
        ("/data/upload/3/1a2b3c4d-my_photo.jpg", "my_photo.jpg"),
        ("/data/local-files/?d=photos/b/a%20c.jpg", "b/a c.jpg"),
        ("s3://bucket/x/a.jpg", "a.jpg"),
        ("https://host/x/a%20c.jpg?X-Amz-Date=1&y=2", "a c.jpg"),
        ("C:\\photos\\a.jpg", "a.jpg"),
    ],
)
def test_an_image_is_found_by_its_name(tmp_path, image, file):
    write_export(tmp_path, task(image, rectangle("cat")), images=(file, "other.jpg"))
    (sample,) = open_export(tmp_path).splits["train"]
    assert sample.image_path == str(tmp_path / "images" / file)
    assert sample.name == file.removesuffix(".jpg")


def test_the_name_of_the_upload_counts_where_the_address_says_nothing(tmp_path):
    labeled = {**task("/image2", rectangle("cat")), "file_upload": "e97d4735-a.jpg"}
    write_export(tmp_path, labeled)
    (sample,) = open_export(tmp_path).splits["train"]
    assert sample.name == "a"


def test_one_of_several_annotations_counts(tmp_path):
    several = task("a.jpg", rectangle("cat", width=100), was_cancelled=True)
    several["annotations"] += [
        {"result": [rectangle("cat")]},
        {"result": [rectangle("cat", width=10)], "ground_truth": True},
    ]
    first = task("b.jpg", rectangle("cat"))
    first["annotations"].append({"result": []})
    cancelled = task("c.jpg", rectangle("cat"), was_cancelled=True)
    empty = task("d.jpg")
    broken = {"data": {"image": "e.jpg"}, "annotations": 1.5}
    write_export(
        tmp_path,
        several,
        first,
        cancelled,
        empty,
        broken,
        images=("a.jpg", "b.jpg", "c.jpg", "d.jpg"),
    )
    source = open_export(tmp_path)
    assert [counts(mask) for mask in masks_of(source)] == [[190, 10], [150, 50], [200]]
    told = "\n".join(problem.message for problem in source.problems)
    assert "1 of 3 images have no region, so that all of each is background: d.jpg" in told
    assert "2 images without a submitted annotation are left out: c.jpg, e.jpg" in told
    assert "2 images have several annotations; the one marked as ground truth counts" in told


def test_json_min_is_read_too(tmp_path):
    value = {**rectangle("cat")["value"], "original_width": SIZE[1], "original_height": SIZE[0]}
    write_json(tmp_path / "min.json", [{"image": "/data/upload/1/ab12-a.jpg", "tag": [value]}])
    save(tmp_path / "a.jpg", smooth_rgb(*SIZE))
    assert counts(masks_of(open_export(tmp_path))[0]) == [150, 50]


def test_files_may_be_splits(tmp_path):
    for split, name in (("train", "a.jpg"), ("val", "b.jpg")):
        write_json(tmp_path / f"{split}.json", [task(name, rectangle("cat"))])
        save(tmp_path / "images" / name, smooth_rgb(*SIZE))
    source = sources.open_source("label_studio", str(tmp_path))
    assert {split: samples[0].name for split, samples in source.splits.items()} == {
        "train": "a",
        "val": "b",
    }


def test_a_broken_result_is_an_error_of_its_image(tmp_path):
    broken = rectangle("cat")
    del broken["value"]["x"]
    fine = task("b.jpg", rectangle("cat"))
    write_export(tmp_path, task("a.jpg", broken), fine, images=("a.jpg", "b.jpg"))
    report = checks.check_source(open_export(tmp_path), show_progress=False)
    (problem,) = (each for each in report.problems if each.severity == "error")
    assert problem.message == "region 1 of image 'a': a rectangle has no 'x'."


def test_other_files_are_named(tmp_path):
    write_json(tmp_path / "a.json", {"pages": [], "notes": []})
    assert sources.find_source(str(tmp_path)) == sources.FOLDER
    with pytest.raises(ValueError, match="expected the file of Label Studio's export"):
        sources.open_source("label_studio", str(tmp_path))
    write(tmp_path / "a.json", '[{"was_cancelled": NaN}]')
    with pytest.raises(ValueError, match=r"a\.json: it holds NaN, which is not a number"):
        open_export(tmp_path)
    write(tmp_path / "a.json", '[{"was_cancelled": ')
    with pytest.raises(ValueError, match=r"a\.json is not valid JSON: .*line 1 column"):
        open_export(tmp_path)
    write_json(tmp_path / "a.json", [{"annotations": [], "drafts": []}])
    with pytest.raises(ValueError, match=r"a\.json: task 1 names no image"):
        open_export(tmp_path)
    write_json(tmp_path / "a.json", [task("a.jpg", rectangle("cat"))])
    with pytest.raises(ValueError, match=r"none of the 1 images .* under the names that they have"):
        open_export(tmp_path)


def test_brush_strokes_agree_with_the_masks_of_labelme(shared):
    """Label Studio's own program encoded the masks that labelme drew."""
    samples = shared / "samples"
    if not samples.is_dir():
        pytest.skip(f"needs {samples}")
    source = open_export(samples / "labelstudio" / "brush")
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


def test_polygons_of_a_real_export(shared, tmp_path):
    folder = shared / "samples" / "labelstudio"
    if not folder.is_dir():
        pytest.skip(f"needs {folder}")
    for name in ("polygons.json", "polygons_config.xml"):
        write(tmp_path / name, (folder / name).read_text())
    save(tmp_path / "000000000025.jpg", np.zeros((426, 640, 3), np.uint8))
    source = open_export(tmp_path)
    assert source.class_names == ("background", "Airplane", "Car")
    (result,) = json.loads((folder / "polygons.json").read_text())[0]["annotations"][0]["result"]
    x, y = np.array(result["value"]["points"]).T * [[6.4], [4.26]]
    area = abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2
    assert (masks_of(source)[0] == 1).sum() == pytest.approx(area, rel=0.01)
