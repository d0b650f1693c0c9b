"""sources.annotated: labels become classes, regions masks."""

import json

import numpy as np
import pytest
from PIL import Image

from datasets.segmentation import checks
from datasets.segmentation.annotations.labeled_image import Annotations, LabeledImage, Region
from datasets.segmentation.annotations.shapes import Rectangle
from datasets.segmentation.encoder import SegmentationEncoder
from datasets.segmentation.sources import annotated
from datasets.segmentation.sources.source import Source

SIZE = (6, 8)
LARGE, SMALL = Rectangle(((0, 0), (5, 5))), Rectangle(((2, 2), (3, 3)))


@pytest.fixture
def images(tmp_path):
    """Paths of four images and of the file that describes them."""
    (tmp_path / "labels.json").write_text("{}")
    for number in range(4):
        rng = np.random.default_rng(number)
        pixels = rng.integers(0, 256, (*SIZE, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    return [str(tmp_path / f"{number}.png") for number in range(4)], str(tmp_path / "labels.json")


def annotations(images, *regions: Region, **fields) -> Annotations:
    paths, file = images
    labeled = [LabeledImage(str(n), path, file, regions, SIZE) for n, path in enumerate(paths)]
    return Annotations(**{"splits": {"all": labeled}, "labels": ("dog", "cat"), **fields})


def mask_of(source: Source) -> np.ndarray:
    return source.read_mask(source.splits["train"][0])


def test_labels_follow_the_background_and_later_regions_lie_above(images, tmp_path):
    regions = Region("cat", SMALL), Region("dog", LARGE)
    source = annotated.make_source(annotations(images, *regions), str(tmp_path))
    assert source.class_names == ("background", "dog", "cat")
    assert [len(samples) for samples in source.splits.values()] == [3, 1]
    assert list(source.splits) == ["train", "val"]
    expected = np.zeros(SIZE, np.uint8)
    expected[:6, :6] = 1
    np.testing.assert_array_equal(mask_of(source), expected)
    above = annotated.make_source(
        annotations(images, *regions), str(tmp_path), overlaps=annotated.SMALL_ABOVE_LARGE
    )
    expected[2:4, 2:4] = 2
    np.testing.assert_array_equal(mask_of(above), expected)


def test_what_no_region_covers_is_ignored_where_they_are_to_cover_everything(images, tmp_path):
    complete = annotations(images, Region("dog", LARGE), Region("cat", SMALL), is_complete=True)
    source = annotated.make_source(complete, str(tmp_path))
    assert source.class_names == ("dog", "cat")
    assert np.unique(mask_of(source)).tolist() == [0, 1, 255]
    report = checks.check_source(source, show_progress=False)
    assert not [problem for problem in report.problems if problem.severity == "error"]


def test_an_export_may_have_its_own_background_and_ignored_labels(images, tmp_path):
    own = annotations(
        images,
        Region("dog", LARGE),
        Region("edge", SMALL),
        labels=("dog", "nothing", "edge"),
        background="nothing",
        ignored=frozenset({"edge"}),
        colors={"dog": (1, 2, 3)},
    )
    source = annotated.make_source(own, str(tmp_path))
    assert source.class_names == ("nothing", "dog")
    assert source.palette[1] == (1, 2, 3)
    assert np.unique(mask_of(source)).tolist() == [0, 1, 255]


def test_a_class_file_chooses_labels_and_their_order(images, tmp_path):
    path = tmp_path / "classes.json"
    path.write_text(json.dumps({"names": ["background", "cat"], "palette": [[0, 0, 0], "#ff0000"]}))
    both = annotations(images, Region("dog", LARGE), Region("cat", SMALL))
    source = annotated.make_source(both, str(tmp_path))
    assert source.palette == ((0, 0, 0), (255, 0, 0))
    assert np.bincount(mask_of(source).reshape(-1)).tolist() == [44, 4]
    (problem,) = source.problems
    assert problem.message == "labels without a class here become 'background': dog."
    path.write_text(json.dumps({"names": ["cat", "dog"]}))
    source = annotated.make_source(both, str(tmp_path))
    assert np.unique(mask_of(source)).tolist() == [0, 1, 255]
    path.write_text(json.dumps({"names": ["cat", "dgo"]}))
    with pytest.raises(ValueError, match=r"classes\.json names dgo, .* the labels dog, cat"):
        annotated.make_source(both, str(tmp_path))


def test_splits_have_the_names_of_records(images, tmp_path):
    whole = annotations(images, Region("dog", LARGE)).splits["all"]
    splits = {"Training": whole[:2], "valid": whole[2:]}
    source = annotated.make_source(annotations(images, splits=splits), str(tmp_path))
    assert {name: len(samples) for name, samples in source.splits.items()} == {"train": 2, "val": 2}
    with pytest.raises(ValueError, match=r"val_fraction is 0\.5, but"):
        annotated.make_source(annotations(images, splits=splits), str(tmp_path), val_fraction=0.5)
    with pytest.raises(ValueError, match="has the splits val, x, and none is called train"):
        annotated.make_source(
            annotations(images, splits={"x": whole[:2], "valid": whole[2:]}), str(tmp_path)
        )


def test_too_many_labels_are_refused(images, tmp_path):
    many = annotations(images, labels=[f"thing {number}" for number in range(300)])
    with pytest.raises(ValueError, match="there are 301 labels, and masks have 255 classes"):
        annotated.make_source(many, str(tmp_path))


def test_a_broken_region_is_named_and_another_region_is_another_record(images, tmp_path):
    broken = annotations(images, Region("dog", Rectangle(((0, 0), (2, 2)))), Region("cat", SMALL))
    source = annotated.make_source(broken, str(tmp_path))
    other = annotated.make_source(annotations(images, Region("cat", SMALL)), str(tmp_path))
    encoder = SegmentationEncoder(source, None)
    fingerprints = [
        encoder.fingerprint(each.splits["train"], is_checked=True) for each in (source, other)
    ]
    assert fingerprints[0] != fingerprints[1]
    assert fingerprints[0] == encoder.fingerprint(source.splits["train"], is_checked=True)


def test_an_image_of_another_size_than_was_labeled_is_named(images, tmp_path):
    paths, file = images
    labeled = [
        LabeledImage(name, path, file, [Region("dog", SMALL)], size)
        for name, path, size in (("a", paths[0], (6, 1 << 40)), ("b", paths[1], SIZE[::-1]))
    ]
    source = annotated.make_source(
        annotations(images, splits={"train": labeled}), str(tmp_path), val_fraction=0
    )
    with pytest.raises(
        ValueError, match=r"image 'a' was labeled as 1099511627776x6 .* is 8x6\. Put"
    ):
        mask_of(source)
    # An EXIF orientation may have turned one of the two.
    assert source.read_mask(source.splits["train"][1]).shape == SIZE[::-1]


def test_the_size_of_the_image_counts_where_none_is_written_down(images, tmp_path):
    paths, file = images
    labeled = [LabeledImage("a", paths[0], file, [Region("dog", SMALL)])]
    source = annotated.make_source(
        annotations(images, splits={"train": labeled}), str(tmp_path), val_fraction=0
    )
    assert mask_of(source).shape == SIZE
    image = Image.open(paths[0])
    exif = image.getexif()
    exif[0x0112] = 6  # Turned by 90 degrees.
    image.save(paths[0], exif=exif)
    assert mask_of(source).shape == SIZE[::-1]
    _, mask = source.read_example(source.splits["train"][0])
    assert mask.shape == SIZE[::-1]
