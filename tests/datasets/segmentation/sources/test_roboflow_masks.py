"""sources.roboflow_masks: masks beside images, and a table of pixel values."""

import numpy as np
import pytest

from datasets.segmentation import checks, sources
from tests.support.sample_images import save, smooth_rgb, write, write_json

CLASSES = "Pixel Value, Class\n0, background\n1, cat\n4, void\n7, dog, large"
IDS = np.array([[0, 1, 4, 7]], np.uint8)


def save_split(folder, *names: str, classes: str = CLASSES, ids: np.ndarray = IDS) -> None:
    write(folder / "_classes.csv", classes)
    for number, name in enumerate(names):
        save(folder / f"{name}.jpg", smooth_rgb(*ids.shape, shift=number))
        save(folder / f"{name}_mask.png", ids)


def open_export(root, **options):
    assert sources.find_source(str(root)) == "roboflow_masks"
    return sources.open_source("roboflow_masks", str(root), **options)


def test_values_are_the_classes_of_the_table(tmp_path):
    save_split(tmp_path / "train", "a", "b")
    save_split(tmp_path / "valid", "c")
    source = open_export(tmp_path)
    assert source.class_names == ("background", "cat", "dog, large")
    names = [[sample.name for sample in samples] for samples in source.splits.values()]
    assert dict(zip(source.splits, names, strict=True)) == {"train": ["a", "b"], "val": ["c"]}
    np.testing.assert_array_equal(source.read_mask(source.splits["val"][0]), [[0, 1, 255, 2]])
    report = checks.check_source(source, show_progress=False)
    assert not [problem for problem in report.problems if problem.severity == "error"]


def test_a_class_file_chooses_by_name(tmp_path):
    save_split(tmp_path / "train", "a", "b")
    write_json(tmp_path / "classes.json", {"names": ["background", "dog, large"]})
    source = open_export(tmp_path)
    np.testing.assert_array_equal(source.read_mask(source.splits["train"][0]), [[0, 0, 255, 1]])
    assert source.problems[0].message == "labels without a class here become 'background': cat."


def test_versions_of_an_image_stay_in_one_split(tmp_path):
    names = [f"{image}_jpg.rf.{number}" for image in "abcde" for number in range(3)]
    save_split(tmp_path, *names)
    source = open_export(tmp_path, val_fraction=0.4)
    images = {split: {s.name[0] for s in samples} for split, samples in source.splits.items()}
    assert {split: len(samples) for split, samples in source.splits.items()} == {
        "train": 9,
        "val": 6,
    }
    assert images["train"].isdisjoint(images["val"])


def test_what_is_missing_or_unknown_is_reported(tmp_path):
    save_split(tmp_path / "train", "a", "b")
    (tmp_path / "train" / "b_mask.png").unlink()
    save(tmp_path / "train" / "c.jpg", smooth_rgb(*IDS.shape))
    save(tmp_path / "train" / "c_mask.png", IDS + 1)
    problems = checks.check_source(open_export(tmp_path, val_fraction=0), show_progress=False)
    kinds = {each.kind: each.message for each in problems.problems if each.severity == "error"}
    assert kinds.keys() == {"missing", "ids"}
    assert "values 2, 5, 8 are not in _classes.csv, which names 0, 1, 4, 7" in kinds["ids"]


def test_files_of_image_classes_are_no_masks(tmp_path):
    write(tmp_path / "train" / "_classes.csv", "filename, cat, dog\na.jpg, 1, 0\n")
    assert sources.find_source(str(tmp_path)) == sources.FOLDER
    with pytest.raises(ValueError, match=r"holds train; expected folders such as train/ with"):
        sources.open_source("roboflow_masks", str(tmp_path))


def test_a_folder_without_its_table_is_named(tmp_path):
    save_split(tmp_path / "train", "a")
    save_split(tmp_path / "valid", "c")
    (tmp_path / "train" / "_classes.csv").unlink()
    with pytest.raises(ValueError, match=r"train has masks and no _classes\.csv"):
        open_export(tmp_path)


def test_contradictions_are_named(tmp_path):
    save_split(tmp_path / "train", "a")
    save_split(tmp_path / "valid", "b", classes="Pixel Value, Class\n0, cat\n")
    with pytest.raises(ValueError, match=r"train/_classes\.csv and .*valid/.* name different"):
        open_export(tmp_path)
    write(tmp_path / "valid" / "_classes.csv", "Pixel Value, Class\n0, cat\n0, dog\n")
    with pytest.raises(
        ValueError, match=r"_classes\.csv, line 3: '0, dog'; expected a pixel value"
    ):
        open_export(tmp_path)
    write(tmp_path / "valid" / "_classes.csv", "0, cat\n")
    with pytest.raises(ValueError, match=r"valid/_classes\.csv does not begin with .Pixel Value"):
        open_export(tmp_path)
    save_split(tmp_path / "valid", "b")
    (tmp_path / "train").rename(tmp_path / "one")
    with pytest.raises(ValueError, match="has the splits val, one, and none is called train"):
        open_export(tmp_path)
    (tmp_path / "one").rename(tmp_path / "train")
    (tmp_path / "valid" / "b_mask.png").unlink()
    with pytest.raises(ValueError, match=r"valid has no image with a mask beside it: it holds"):
        open_export(tmp_path)


def test_a_real_export(shared):
    folder = shared / "samples" / "roboflow" / "png_mask_semantic"
    if not folder.is_dir():
        pytest.skip(f"needs {folder}")
    source = open_export(folder)
    assert source.class_names[:3] == ("background", "cabinet", "ceiling")
    assert {split: len(samples) for split, samples in source.splits.items()} == {
        "train": 3,
        "val": 3,
        "test": 3,
    }
    report = checks.check_source(source, show_progress=False)
    assert not [problem for problem in report.problems if problem.severity == "error"]
