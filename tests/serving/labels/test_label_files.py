"""label_files: predictions for labelling tools, read back as the class ids that they were."""

import json

import numpy as np
import pytest
from PIL import Image

from datasets.segmentation import sources
from serving.labels import label_files
from tests.support.sample_images import save, smooth_rgb

NAMES = ("background", "zebra", "ant")
SIZE = (40, 60)


def predict(seed: int) -> np.ndarray:
    """Returns class ids of regions with holes."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(0, 3, (9, 12)).astype(np.uint8))
    return np.asarray(coarse.resize(SIZE[::-1], Image.Resampling.NEAREST))


def write(label_format, folder, output, num_images=3, class_names=NAMES):
    """Saves images and writes labels of random predictions for them; returns these."""
    output.mkdir(exist_ok=True)
    predicted = {f"p{seed}": predict(seed) for seed in range(num_images)}
    paths = {name: save(folder / "town" / f"{name}.jpg", smooth_rgb(*SIZE)) for name in predicted}
    with label_files.writing(label_format, str(output), [*paths.values()], class_names) as labels:
        for name, class_ids in predicted.items():
            labels.add(paths[name], labels.describe(paths[name], name, class_ids))
    return predicted


def read(data_dir, label_format):
    assert sources.find_source(str(data_dir)) == label_format
    source = sources.open_source(label_format, str(data_dir), val_fraction=0.4)
    samples = [sample for samples in source.splits.values() for sample in samples]
    return source.class_names, {each.name: source.read_example(each)[1] for each in samples}


def test_labelme_files_beside_masks_are_read_back_as_they_were(tmp_path):
    predicted = write("labelme", tmp_path / "photos", tmp_path / "masks")
    assert sorted(path.name for path in (tmp_path / "masks").iterdir()) == [
        "labels.txt",
        "p0.json",
        "p1.json",
        "p2.json",
    ]
    content = json.loads((tmp_path / "masks" / "p0.json").read_text())
    assert content["imagePath"] == "../photos/town/p0.jpg"
    assert (content["imageHeight"], content["imageWidth"]) == SIZE
    assert min(len(shape["points"]) for shape in content["shapes"]) >= 3
    names, masks = read(tmp_path / "masks", "labelme")
    assert names == ("_background_", "zebra", "ant")
    assert masks.keys() == predicted.keys()
    for name, class_ids in predicted.items():
        np.testing.assert_array_equal(masks[name], class_ids)


def test_a_coco_file_is_read_back_as_it_was(tmp_path):
    predicted = write("coco", tmp_path / "photos", tmp_path / "photos")
    assert {path.name for path in (tmp_path / "photos").iterdir()} == {
        "town",
        label_files.COCO_NAME,
    }
    content = json.loads((tmp_path / "photos" / label_files.COCO_NAME).read_text())
    assert content["categories"][0] == {"id": 1, "name": "zebra", "supercategory": ""}
    assert content["images"][1] == {"id": 2, "file_name": "p1.jpg", "height": 40, "width": 60}
    numbers = [each["id"] for each in content["annotations"]]
    assert numbers == [*range(1, len(numbers) + 1)]
    left, top, width, height = content["annotations"][0]["bbox"]
    assert 0 <= left < left + width <= 60
    assert 0 <= top < top + height <= 40
    names, masks = read(tmp_path / "photos", "coco_json")
    assert names == NAMES
    assert len(masks) == len(predicted)
    for name, class_ids in predicted.items():
        np.testing.assert_array_equal(masks[name], class_ids)


def test_pycocotools_reads_the_areas_that_are_written(tmp_path, capsys):
    coco = pytest.importorskip("pycocotools.coco")
    write("coco", tmp_path / "photos", tmp_path / "out")
    labels = coco.COCO(str(tmp_path / "out" / label_files.COCO_NAME))
    assert len(labels.anns) > 10
    for annotation in labels.anns.values():
        assert labels.annToMask(annotation).sum() == annotation["area"]


def test_without_a_background_every_class_has_polygons(tmp_path):
    predicted = write("labelme", tmp_path, tmp_path / "out", 1, ("sky", "zebra", "ant"))
    shapes = json.loads((tmp_path / "out" / "p0.json").read_text())["shapes"]
    assert {shape["label"] for shape in shapes} == {"sky", "zebra", "ant"}
    lines = (tmp_path / "out" / "labels.txt").read_text().split()
    assert lines == ["__ignore__", "sky", "zebra", "ant"]
    assert set(np.unique(predicted["p0"])) == {0, 1, 2}


@pytest.mark.parametrize("names", [("sky", "zebra", "ant"), ("sky", "Background", "ant")])
@pytest.mark.parametrize(
    ("label_format", "dataset", "background"),
    [("labelme", "labelme", "_background_"), ("coco", "coco_json", "background")],
)
def test_classes_keep_their_ids_where_the_first_is_no_background(
    tmp_path, label_format, dataset, background, names
):
    predicted = write(label_format, tmp_path / "photos", tmp_path / "photos", class_names=names)
    read_names, masks = read(tmp_path / "photos", dataset)
    assert read_names == tuple(background if name == "Background" else name for name in names)
    for name, class_ids in predicted.items():
        (mask,) = (mask for key, mask in masks.items() if key.endswith(name))
        np.testing.assert_array_equal(mask, class_ids)


def test_an_order_of_classes_that_is_there_stays(tmp_path):
    (tmp_path / "classes.json").write_text("{}")
    write("coco", tmp_path, tmp_path, 1, ("sky", "zebra", "ant"))
    assert (tmp_path / "classes.json").read_text() == "{}"


def test_what_people_have_labeled_or_corrected_is_not_written_over(tmp_path):
    write("labelme", tmp_path, tmp_path / "out")
    names = ["p0", "p1", "p2", "new"]
    label_files.check("labelme", str(tmp_path / "out"), names)
    label_files.check("coco", str(tmp_path / "out"), names)
    path = tmp_path / "out" / "p1.json"
    content = json.loads(path.read_text())
    content["shapes"][0]["points"][0][0] += 1
    for text in (json.dumps(content), '{"shapes": []}', "[]", "no JSON"):
        path.write_text(text)
        with pytest.raises(ValueError, match=r"1 file of labels .*p1\.json.*another --output"):
            label_files.check("labelme", str(tmp_path / "out"), names)


def test_a_corrected_coco_file_is_not_written_over(tmp_path):
    write("coco", tmp_path, tmp_path)
    write("coco", tmp_path, tmp_path)
    label_files.check("coco", str(tmp_path), ["p0"])
    path = tmp_path / label_files.COCO_NAME
    written = json.loads(path.read_text())
    path.write_text(json.dumps(written, indent=2))
    label_files.check("coco", str(tmp_path), ["p0"])
    for change in (
        {"annotations": written["annotations"][1:]},
        {"categories": []},
        {"images": written["images"][1:]},
        {"info": {}},
    ):
        path.write_text(json.dumps(written | change))
        with pytest.raises(ValueError, match=r"1 file of labels .*coco_predictions\.json"):
            label_files.check("coco", str(tmp_path), ["p0"])


def test_a_list_of_labels_that_is_there_stays(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "labels.txt").write_text("mine\n")
    write("labelme", tmp_path, tmp_path / "out", 1)
    assert (tmp_path / "out" / "labels.txt").read_text() == "mine\n"


def test_an_interrupted_run_leaves_the_coco_file_of_the_last_one(tmp_path):
    write("coco", tmp_path, tmp_path)
    before = (tmp_path / label_files.COCO_NAME).read_bytes()
    with pytest.raises(KeyboardInterrupt), label_files.writing("coco", str(tmp_path), ["a"], NAMES):
        raise KeyboardInterrupt
    assert (tmp_path / label_files.COCO_NAME).read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == [label_files.COCO_NAME, "town"]
