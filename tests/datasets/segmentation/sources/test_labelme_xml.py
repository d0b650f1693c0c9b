"""sources.labelme_xml: MIT's LabelMe, an XML file for each image."""

import numpy as np
import pytest
from PIL import Image

from datasets.segmentation import checks, sources
from datasets.segmentation.sources import labelme_xml
from tests.support.sample_images import save, smooth_rgb

SIZE = (30, 40)
SQUARE = ((2, 2), (10, 2), (10, 10), (2, 10))
VOC = """<annotation><filename>a.jpg</filename><segmented>0</segmented>
<object><name>dog</name><bndbox><xmin>1</xmin></bndbox></object></annotation>"""


def polygon(points) -> str:
    return f"<polygon>{''.join(f'<pt><x>{x}</x><y>{y}</y></pt>' for x, y in points)}</polygon>"


def outlined(name: str, points=SQUARE, deleted: int = 0) -> str:
    return f"<object><name>{name}</name><deleted>{deleted}</deleted>{polygon(points)}</object>"


def write(root, folder: str, name: str, *objects: str, size=SIZE) -> None:
    path = root / "Annotations" / folder / f"{name}.xml"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = f"<imagesize><nrows>{size[0]}</nrows><ncols>{size[1]}</ncols></imagesize>"
    path.write_text(
        f"<annotation><filename>{name}.jpg</filename>{lines}{''.join(objects)}</annotation>"
    )
    image = root / "Images" / folder / f"{name}.jpg"
    image.parent.mkdir(parents=True, exist_ok=True)
    save(image, smooth_rgb(*SIZE))


def opened(root, **options):
    assert sources.find_source(str(root)) == "labelme_xml"
    return labelme_xml.open_source(str(root), val_fraction=0, **options)


def test_objects_become_masks_and_later_ones_lie_above(tmp_path):
    door = ((8, 8), (20, 8), (20, 20), (8, 20))
    write(tmp_path, "street", "a", outlined("house"), outlined("door", door))
    source = opened(tmp_path)
    assert source.class_names == ("background", "door", "house")
    (sample,) = source.splits["train"]
    assert sample.name == "street/a"
    mask = source.read_mask(sample)
    assert (mask[3, 3], mask[9, 9], mask[15, 15], mask[25, 35]) == (2, 1, 1, 0)


def test_objects_that_were_segmented_have_a_mask_of_their_own(tmp_path):
    segmented = "<object><name>cup</name><segm><mask>a_mask_0.png</mask></segm></object>"
    write(tmp_path, "street", "a", segmented)
    pixels = np.zeros((*SIZE, 4), np.uint8)
    pixels[5:9, 6:12, 3] = 200
    masks = tmp_path / "Masks" / "street"
    masks.mkdir(parents=True)
    Image.fromarray(pixels).save(masks / "a_mask_0.png")
    source = opened(tmp_path)
    (sample,) = source.splits["train"]
    assert source.read_mask(sample).nonzero()[0].size == 4 * 6
    Image.fromarray(pixels[:15, :20]).save(masks / "a_mask_0.png")
    source = opened(tmp_path)
    with pytest.raises(ValueError, match=r"a bitmap of 20x15 in an image of 40x30"):
        source.read_mask(source.splits["train"][0])
    (masks / "a_mask_0.png").unlink()
    source = opened(tmp_path)
    with pytest.raises(ValueError, match=r"there is no mask .*a_mask_0\.png\. Put it there"):
        source.read_mask(source.splits["train"][0])


def test_what_is_deleted_or_has_no_area_is_counted(tmp_path):
    objects = outlined("dog"), outlined("cat", deleted=1), outlined(""), outlined("ox", SQUARE[:2])
    write(tmp_path, "", "a", *objects)
    source = opened(tmp_path)
    assert source.class_names == ("background", "dog")
    (told,) = [each.message for each in source.problems if each.kind == "shapes"]
    for count in ("1 deleted objects", "1 objects of fewer than 3", "1 objects without a name"):
        assert count in told


def test_folders_called_as_splits_are_splits_and_a_size_may_be_missing(tmp_path):
    write(tmp_path, "train", "a", outlined("dog"), size=("", ""))
    write(tmp_path, "val", "a", outlined("dog"))
    source = labelme_xml.open_source(str(tmp_path))
    assert sorted(source.splits) == ["train", "val"]
    assert source.read_mask(source.splits["train"][0]).shape == SIZE


def test_damage_of_one_file_leaves_the_others(tmp_path):
    for name in "ab":
        write(tmp_path, "", name, outlined("dog"))
    path = tmp_path / "Annotations" / "a.xml"
    path.write_text(path.read_text()[:-20])
    source = opened(tmp_path)
    damaged, whole = source.splits["train"]
    assert source.read_mask(whole).any()
    with pytest.raises(ValueError, match=r"a\.xml is not valid XML"):
        source.read_mask(damaged)


def test_a_file_with_a_document_type_is_told(tmp_path):
    for name in "ab":
        write(tmp_path, "", name, outlined("dog"))
    path = tmp_path / "Annotations" / "a.xml"
    path.write_text(f"<!DOCTYPE annotation>{path.read_text()}")
    source = opened(tmp_path)
    with pytest.raises(ValueError, match=r"a\.xml has a document type .* Remove it"):
        source.read_mask(source.splits["train"][0])


def test_an_image_without_objects_is_background_or_missing(tmp_path):
    for name, objects in (("a", [outlined("dog")]), ("b", []), ("c", [])):
        write(tmp_path, "", name, *objects)
    (tmp_path / "Annotations" / "other.xml").write_text("<settings/>")
    (tmp_path / "Images" / "c.jpg").unlink()
    source = opened(tmp_path)
    samples = source.splits["train"]
    assert [sample.name for sample in samples] == ["a", "b", "c"]
    assert not source.read_mask(samples[1]).any()
    report = checks.check_source(source, show_progress=False)
    assert [(each.kind, each.path) for each in report.errors] == [
        ("missing", str(tmp_path / "Images" / "c.jpg"))
    ]


def test_files_beside_their_images_are_read(tmp_path):
    write(tmp_path, "", "a", outlined("dog"))
    for folder in ("Annotations", "Images"):
        for path in (tmp_path / folder).iterdir():
            path.rename(tmp_path / path.name)
        (tmp_path / folder).rmdir()
    source = opened(tmp_path)
    assert {each.kind for each in source.problems} == {"split"}
    assert source.read_mask(source.splits["train"][0]).any()


def test_voc_and_other_folders_are_not_labelmes(tmp_path):
    write(tmp_path, "", "a")
    (tmp_path / "Annotations" / "a.xml").write_text(VOC)
    assert sources.find_source(str(tmp_path)) == "folder"
    with pytest.raises(ValueError, match=r"expected LabelMe's folders Annotations/"):
        labelme_xml.open_source(str(tmp_path))


def test_a_real_export_is_read(shared):
    source = labelme_xml.open_source(str(shared / "samples" / "labelme" / "mit_labelme_xml"))
    names = ("background", "b1", "hg", "license plate", "m1", "o1", "q1", "window")
    assert source.class_names == names
    (sample,) = source.splits["train"]
    mask = source.read_mask(sample)
    assert mask.shape == (77, 102)
    folder = shared / "samples" / "labelme" / "mit_labelme_xml" / "Masks" / "subset1"
    alpha = np.asarray(Image.open(folder / "img1_mask_1.png").getchannel("A"))
    assert ((mask == 3) == (alpha > 0)).all()  # Nothing lies above the license plate.
