"""sources.cvat: CVAT for images 1.1."""

import numpy as np
import pytest
from PIL import Image

from datasets.segmentation import checks, sources
from tests.support.sample_images import save, smooth_rgb, write, write_json

SIZE = (6, 8)
META = """<meta><task><labels>
  <label><name>dog</name><color>#0a0b0c</color><type>any</type></label>
  <label><name>cat</name></label>
  <label><name>nose</name><type>points</type></label>
  <label><name>paw</name><parent>dog</parent></label>
</labels></task></meta>"""


def write_export(root, *shapes: str, meta: str = META, attributes: str = "") -> None:
    """Writes an export of two images, the first of which has the shapes."""
    images = [
        f'<image id="{n}" name="{name}" width="8" height="6" {attributes}>{inside}</image>'
        for n, (name, inside) in enumerate({"a.png": "".join(shapes), "x/b.png": ""}.items())
    ]
    text = f"<annotations><version>1.1</version>{meta}{''.join(images)}</annotations>"
    write(root / "annotations.xml", text)
    for name in ("a.png", "x/b.png"):
        save(root / "images" / name, smooth_rgb(*SIZE, shift=len(name)))


def open_export(root, **options):
    assert sources.find_source(str(root)) == "cvat"
    return sources.open_source("cvat", str(root), val_fraction=0, **options)


def mask_of(source) -> np.ndarray:
    return source.read_mask(source.splits["train"][0])


def box(label: str, left, top, right, bottom, more: str = "") -> str:
    corners = f'xtl="{left}" ytl="{top}" xbr="{right}" ybr="{bottom}"'
    return f'<box label="{label}" {corners} {more}/>'


def test_labels_are_those_of_the_task(tmp_path):
    write_export(tmp_path, box("dog", 1, 2, 4, 5))
    source = open_export(tmp_path)
    assert source.class_names == ("background", "dog", "cat")
    assert source.palette[1] == (10, 11, 12)
    assert [sample.name for sample in source.splits["train"]] == ["a", "x/b"]
    expected = np.zeros(SIZE, np.uint8)
    expected[2:5, 1:4] = 1
    np.testing.assert_array_equal(mask_of(source), expected)
    report = checks.check_source(source, show_progress=False)
    assert not [problem for problem in report.problems if problem.severity == "error"]
    assert "1 of 2 images have no region" in report.problems[0].message


def test_every_shape_covers_its_pixels(tmp_path):
    write_export(
        tmp_path,
        '<polygon label="cat" points="0,0;3,0;3,2;0,2"/>',
        '<mask label="dog" rle="1, 2, 3" left="5" top="0" width="3" height="2"/>',
        box("cat", 1, 3, 5, 5, 'rotation="90.0"'),
        '<ellipse label="dog" cx="6" cy="4" rx="1" ry="1"/>',
    )
    expected = np.zeros(SIZE, np.uint8)
    expected[:2, :3] = 2
    expected[0, 6:8] = 1
    expected[2:6, 2:4] = 2
    expected[4, 5:8] = expected[3:6, 6] = 1
    np.testing.assert_array_equal(mask_of(open_export(tmp_path)), expected)


def test_a_higher_z_order_lies_above(tmp_path):
    shapes = (
        box("cat", 0, 0, 4, 4, 'z_order="1"'),
        box("dog", 0, 0, 8, 6, 'z_order="0"'),
        box("dog", 2, 2, 3, 3, 'z_order="-1"'),
    )
    write_export(tmp_path, *shapes)
    assert np.bincount(mask_of(open_export(tmp_path)).reshape(-1)).tolist() == [0, 32, 16]
    above = mask_of(open_export(tmp_path, overlaps="small_above_large"))
    assert np.bincount(above.reshape(-1)).tolist() == [0, 33, 15]


def test_what_covers_nothing_is_left_out_and_told(tmp_path):
    points = 'points="1,1;2,2"'
    write_export(
        tmp_path,
        f'<polyline label="cat" {points}/><points label="nose" {points}/><tag label="cat"/>',
        box("", 0, 0, 2, 2),
    )
    told = [problem.message for problem in open_export(tmp_path).problems]
    assert "is left out: 1 box without a label, 1 points, 1 polyline." in told[1]


@pytest.mark.parametrize(
    "shape",
    [
        '<polygon label="cat" points="0,0;3,0;3"/>',
        '<polygon label="cat" points="0,0;nan,0;3,3"/>',
        '<polygon label="cat"/>',
        '<mask label="cat" rle="1,2" left="0" top="0" width="2" height="2"/>',
        '<ellipse label="cat" cx="x" cy="1" rx="1" ry="1"/>',
        '<box label="cat" xtl="1"/>',
    ],
)
def test_a_broken_shape_is_an_error_of_its_image(tmp_path, shape):
    write_export(tmp_path, shape)
    report = checks.check_source(open_export(tmp_path), show_progress=False)
    (problem,) = (each for each in report.problems if each.severity == "error")
    assert problem.name == "a"
    assert problem.path == str(tmp_path / "annotations.xml")
    assert problem.message.startswith("region 1 of image 'a': ")


def test_subsets_are_splits(tmp_path):
    image = '<image id="0" name="a.png" subset="{}" width="8" height="6"></image>'
    subsets = "".join(map(image.format, ("Train", "Validation")))
    write(tmp_path / "annotations.xml", f"<annotations>{META}{subsets}</annotations>")
    for subset in ("Train", "Validation"):
        save(tmp_path / "images" / subset / "a.png", smooth_rgb(*SIZE))
    source = sources.open_source("cvat", str(tmp_path))
    paths = {split: samples[0].image_path for split, samples in source.splits.items()}
    assert paths == {
        "train": str(tmp_path / "images/Train/a.png"),
        "val": str(tmp_path / "images/Validation/a.png"),
    }


def test_labels_that_the_file_does_not_declare_are_sorted(tmp_path):
    write_export(tmp_path, box("b", 0, 0, 2, 2), box("a", 0, 0, 2, 2), meta="")
    source = open_export(tmp_path)
    assert source.class_names == ("background", "a", "b")
    write_json(tmp_path / "classes.json", {"names": ["b", "background"]})
    assert np.unique(mask_of(open_export(tmp_path))).tolist() == [1]


def test_other_files_are_named(tmp_path):
    write(tmp_path / "a.xml", "<annotations><version>1.1</version><track id='0'/></annotations>")
    with pytest.raises(ValueError, match=r'a\.xml is an export "CVAT for video"'):
        open_export(tmp_path)
    write_export(tmp_path)
    (tmp_path / "a.xml").unlink()
    for name in ("a.png", "x/b.png"):
        (tmp_path / "images" / name).unlink()
    with pytest.raises(ValueError, match=r'none of the 2 images .* again with "Save images"'):
        open_export(tmp_path)
    image = '<image name="a.png" width="8" height="-1"/>'
    write(tmp_path / "annotations.xml", f"<annotations><version>1.1</version>{image}</annotations>")
    with pytest.raises(ValueError, match=r"image 'a\.png' has the height '-1' and the width '8'"):
        open_export(tmp_path)
    write(tmp_path / "annotations.xml", "<annotation><folder/></annotation>")
    assert sources.find_source(str(tmp_path)) == sources.FOLDER
    with pytest.raises(ValueError, match="expected the XML file of CVAT's export"):
        sources.open_source("cvat", str(tmp_path))


def test_masks_agree_with_those_of_labelme(shared):
    """The sample was made from the masks that labelme drew."""
    samples = shared / "samples"
    if not samples.is_dir():
        pytest.skip(f"needs {samples}")
    source = open_export(samples / "cvat" / "images_1.1_mask")
    truth = samples / "labelme" / "semantic_segmentation" / "data_dataset_voc"
    names = np.array((truth / "class_names.txt").read_text().split("\n"))
    for sample in source.splits["train"]:
        expected = np.array(Image.open(truth / "SegmentationClass" / f"{sample.name}.png"))
        expected[expected == 255] = 0  # Regions that are ignored are not in the sample.
        found = source.read_mask(sample)
        np.testing.assert_array_equal(found == 0, expected == 0)
        kept = found > 0
        assert (np.array(source.class_names)[found[kept]] == names[expected[kept]]).all()


def test_projects_and_tasks_of_datumaro_open(shared):
    samples = shared / "samples" / "cvat" / "for_images"
    if not samples.is_dir():
        pytest.skip(f"needs {samples}")
    project = sources.open_source("cvat", str(samples / "export_project"))
    assert {split: len(group) for split, group in project.splits.items()} == {
        "train": 2,
        "val": 2,
        "test": 2,
    }
    assert mask_of(open_export(samples / "export_task")).sum() == 8
