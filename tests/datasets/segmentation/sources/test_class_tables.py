"""sources.class_tables: what labelling tools write beside masks."""

import numpy as np
import pytest
from PIL import Image

from datasets.segmentation import checks, sources
from datasets.segmentation.sources import class_tables
from tests.support.sample_images import save, save_palette_mask, smooth_rgb, write, write_json

RED, GREEN, VOID = (200, 0, 0), (0, 200, 0), (224, 224, 192)
LABELMAP = (
    "# label:color_rgb:parts:actions\nbackground:0,0,0::\nrobot: arm:200,0,0::\n"
    "ignore:9,9,9::\ncat:0,200,0:tail,ear:sit\n"
)
META = {
    "label_map": {"0": "Void", "2": "cat", "5": "dog"},
    "segmentation_colors": [[0, 0, 0], list(RED), list(GREEN)],
    "background_label": "0",
}


def save_voc(root, mask, *names: str) -> None:
    """Writes images and one mask for all, as CVAT and labelme2voc do."""
    for name in names:
        save(root / "JPEGImages" / f"{name}.jpg", smooth_rgb(*np.asarray(mask).shape[:2]))
        save(root / "SegmentationClass" / f"{name}.png", mask)


def errors_of(source) -> list[str]:
    problems = checks.check_source(source, show_progress=False).problems
    return [problem.message for problem in problems if problem.severity == "error"]


def open_folder(root):
    assert sources.find_source(str(root)) == sources.FOLDER
    return sources.open_source(sources.FOLDER, str(root))


def test_cvats_masks_have_the_colors_of_its_labelmap(tmp_path):
    save_voc(tmp_path, np.array([[(0, 0, 0), RED, (9, 9, 9), GREEN, VOID]], np.uint8), "a", "b")
    write(tmp_path / "labelmap.txt", LABELMAP)
    write(tmp_path / "ImageSets" / "Segmentation" / "default.txt", "a\nb\n")
    source = open_folder(tmp_path)
    assert source.class_names == ("background", "robot: arm", "cat")
    assert source.palette == ((0, 0, 0), RED, GREEN)
    assert {split: len(samples) for split, samples in source.splits.items()} == {
        "train": 1,
        "val": 1,
    }
    np.testing.assert_array_equal(
        source.read_mask(source.splits["train"][0]), [[0, 1, 255, 2, 255]]
    )
    assert not errors_of(source)


def test_lists_of_subsets_are_splits(tmp_path):
    save_voc(tmp_path, np.array([[RED]], np.uint8), "a", "b")
    write(tmp_path / "labelmap.txt", LABELMAP)
    write(tmp_path / "ImageSets" / "Segmentation" / "Train.txt", "a\n")
    write(tmp_path / "ImageSets" / "Segmentation" / "Validation.txt", "b\n")
    source = open_folder(tmp_path)
    assert [sample.name for sample in source.splits["val"]] == ["b"]


def test_masks_of_numbers_follow_the_order_of_the_labelmap(tmp_path):
    save_voc(tmp_path, np.array([[0, 1, 2, 3, 255]], np.uint8), "a", "b")
    write(tmp_path / "labelmap.txt", LABELMAP)
    source = open_folder(tmp_path)
    np.testing.assert_array_equal(
        source.read_mask(source.splits["train"][0]), [[0, 1, 255, 2, 255]]
    )


def test_labels_without_colors_get_those_of_voc(tmp_path):
    write(tmp_path / "labelmap.txt", "background\n")
    with pytest.raises(ValueError, match=r"labelmap\.txt, line 1: 'background'; expected NAME:RED"):
        class_tables.find_class_table(str(tmp_path))
    write(tmp_path / "labelmap.txt", "background:::\ncat:::\n")
    table = class_tables.find_class_table(str(tmp_path))
    assert table is not None
    assert table.classes.palette == ((0, 0, 0), (128, 0, 0))
    write(tmp_path / "labelmap.txt", "background:0,0,0::\ncat:::\n")
    with pytest.raises(ValueError, match="some labels have colors and others have none"):
        class_tables.find_class_table(str(tmp_path))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a:1,2,3::\na:4,5,6::\n", r"the name 'a' is empty or there twice"),
        ("a:1,2,3::\nb:1,2,3::\n", r"the color \(1, 2, 3\) is empty or there twice"),
        ("a:1,2,300::\n", r"line 1: 'a:1,2,300::'; expected NAME:RED,GREEN,BLUE"),
        ("a:red::\n", r"line 1: 'a:red::'; expected"),
        ("# nothing\n", r"labelmap\.txt names 0 classes; expected 1 to 255"),
    ],
)
def test_a_wrong_labelmap_is_named(tmp_path, text, message):
    write(tmp_path / "labelmap.txt", text)
    with pytest.raises(ValueError, match=message):
        class_tables.find_class_table(str(tmp_path))


def test_labelmes_masks_have_the_indices_of_its_class_names(tmp_path):
    names = ["_background_", "cat", "dog"]
    mask = np.array([[0, 1, 2, 255]], np.uint8)
    palette = [(0, 0, 0), (128, 0, 0), (0, 128, 0)]
    for name in ("a", "b"):
        save_palette_mask(tmp_path / "SegmentationClass" / f"{name}.png", mask, palette)
        save(tmp_path / "JPEGImages" / f"{name}.jpg", smooth_rgb(*mask.shape))
    write(tmp_path / "class_names.txt", "\n".join(names))
    source = open_folder(tmp_path)
    assert source.class_names == tuple(names)
    np.testing.assert_array_equal(source.read_mask(source.splits["val"][0]), mask)
    assert not errors_of(source)


def test_datumaros_masks_have_the_colors_of_its_meta(tmp_path):
    mask = np.array([[(0, 0, 0), RED, GREEN]], np.uint8)
    for name in ("a", "b"):
        save(tmp_path / "images" / f"{name}.jpg", smooth_rgb(*mask.shape[:2]))
        save(tmp_path / "masks" / f"{name}.png", mask)
    write_json(tmp_path / "dataset_meta.json", META)
    source = open_folder(tmp_path)
    assert source.class_names == ("Void", "cat", "dog")
    np.testing.assert_array_equal(source.read_mask(source.splits["train"][0]), [[0, 1, 2]])
    for name in ("a", "b"):  # The numbers of the file instead.
        save(tmp_path / "masks" / f"{name}.png", np.array([[0, 2, 5]], np.uint8))
    np.testing.assert_array_equal(source.read_mask(source.splits["train"][0]), [[0, 1, 2]])
    # Only the file says that Void is something to learn.
    write_json(tmp_path / "dataset_meta.json", {**META, "background_label": None})
    assert open_folder(tmp_path).class_names == ("cat", "dog")


def test_a_wrong_meta_is_named(tmp_path):
    path = tmp_path / "dataset_meta.json"
    write_json(path, {**META, "label_map": {"a": "b"}})
    with pytest.raises(ValueError, match=r"label_map has 'a': 'b'; expected numbers and names"):
        class_tables.find_class_table(str(tmp_path))
    write_json(path, {**META, "segmentation_colors": [[0, 0, 0]]})
    with pytest.raises(ValueError, match="segmentation_colors has 1 entries and label_map 3"):
        class_tables.find_class_table(str(tmp_path))
    write_json(path, {"labels": ["a", "b"]})
    table = class_tables.find_class_table(str(tmp_path))
    assert table is not None
    assert table.classes.names == ("a", "b")


def test_a_color_that_the_table_lacks_is_named_with_the_table(tmp_path):
    save_voc(tmp_path, np.array([[(0, 0, 0), (1, 2, 3)]], np.uint8), "a", "b")
    write(tmp_path / "labelmap.txt", LABELMAP)
    (message, *_) = errors_of(open_folder(tmp_path))
    assert "have colors that labelmap.txt does not name: (1, 2, 3). Add them there" in message


def test_classes_json_goes_first(tmp_path):
    save_voc(tmp_path, np.array([[0, 1]], np.uint8), "a", "b")
    write(tmp_path / "labelmap.txt", LABELMAP)
    write_json(tmp_path / "classes.json", {"names": ["x", "y"]})
    assert open_folder(tmp_path).class_names == ("x", "y")


def test_an_export_without_its_images_says_so(tmp_path):
    save(tmp_path / "SegmentationClass" / "a.png", np.array([[0, 1]], np.uint8))
    write(tmp_path / "labelmap.txt", LABELMAP)
    with pytest.raises(ValueError, match="There are masks in SegmentationClass/, but no images"):
        open_folder(tmp_path)


def test_a_folder_called_voc2012_may_have_classes_of_its_own(tmp_path):
    root = tmp_path / "VOC2012"
    save_voc(root, np.array([[RED]], np.uint8), "a", "b")
    write(root / "ImageSets" / "Segmentation" / "train.txt", "a\nb\n")
    assert sources.find_source(str(root)) == "voc2012"
    write(root / "labelmap.txt", LABELMAP)
    assert sources.find_source(str(root)) == sources.FOLDER


def test_masks_of_cvat_and_labelme_agree_with_labelmes(shared):
    samples = shared / "samples"
    if not samples.is_dir():
        pytest.skip(f"needs {samples}")
    folders = (
        samples / "cvat" / "segmentation_mask_1.1",
        samples / "labelme" / "semantic_segmentation" / "data_dataset_voc",
    )
    cvat, labelme = (open_folder(folder) for folder in folders)
    for split, group in labelme.splits.items():
        for ours, theirs in zip(cvat.splits[split], group, strict=True):
            found, expected = cvat.read_mask(ours), labelme.read_mask(theirs)
            np.testing.assert_array_equal(expected, Image.open(theirs.mask_path))
            names = [np.array([*source.class_names]) for source in (cvat, labelme)]
            np.testing.assert_array_equal(found == 255, expected == 255)
            kept = (expected != 255) & (expected > 0)
            assert (names[0][found[kept]] == names[1][expected[kept]]).all()
            assert ((found == 0) == (expected == 0)).all()


def test_id2label(tmp_path):
    path = write_json(tmp_path / "id2label.json", {"0": "void", "2": "b", "1": "a"})
    table = class_tables.find_class_table(str(tmp_path))
    assert table.classes.names == ("a", "b")
    assert table.id_map == {0: 255, 1: 0, 2: 1}
    write_json(path, {"road": 0})
    with pytest.raises(ValueError, match=r"id2label\.json: it has 'road': 0; expected numbers"):
        class_tables.find_class_table(str(tmp_path))
