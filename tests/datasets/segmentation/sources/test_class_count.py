"""sources.class_count: classes are counted, and ids that are none are explained."""

import cv2
import numpy as np
import pytest

from datasets.segmentation.sources import class_count
from datasets.segmentation.sources.source import Sample
from tests.support.sample_images import save


def make_samples(folder, masks) -> list[Sample]:
    return [
        Sample(f"m{i}", f"m{i}.jpg", save(folder / f"m{i}.png", mask))
        for i, mask in enumerate(masks)
    ]


def disc(value: int) -> np.ndarray:
    return cv2.circle(np.zeros((90, 120), np.uint8), (50, 40), 25, value, -1)


def test_smooth_masks_are_no_classes(tmp_path):
    samples = make_samples(tmp_path, [cv2.GaussianBlur(disc(255), (0, 0), 2)] * 3)
    with pytest.raises(ValueError, match=r"occur only in ramps along borders between 0, 255, so"):
        class_count.find_classes(samples, "data")


def test_rims_are_no_classes_unless_they_are_named(tmp_path):
    rim = cv2.circle(disc(2), (50, 40), 25, 1, 1)
    with pytest.raises(ValueError, match=r"ids 1 occur only in thin rims .*classes\.json"):
        class_count.find_classes(make_samples(tmp_path, [rim] * 3), "data")


@pytest.mark.parametrize(
    ("values", "mapping"),
    [
        ((100, 200), {0: 0, 100: 1, 200: 2}),
        ((255,), {0: 0, 255: 1}),
        ((128,), {0: 0, 128: 1}),
    ],
)
def test_values_that_lie_apart_are_classes(tmp_path, values, mapping):
    found = class_count.find_classes(make_samples(tmp_path, map(disc, values)), "data")
    assert found.values == mapping
    assert len(found.classes.names) == len(mapping)
    [problem] = found.problems
    assert (problem.severity, problem.kind) == ("warning", "values")
    flag = ",".join(f"{value}:{number}" for value, number in mapping.items())
    assert f"each is taken for a class, as with --mask_values={flag}." in problem.message


def test_255_beside_other_values_may_be_what_is_ignored(tmp_path):
    samples = make_samples(tmp_path, [disc(128), disc(255)])
    with pytest.raises(ValueError, match=r"ids 0, 128, 255, .*--mask_values=0:0,128:1,255:2 "):
        class_count.find_classes(samples, "data")
    ignored = class_count.find_classes(make_samples(tmp_path, [disc(1), disc(255)]), "data")
    assert (len(ignored.classes.names), ignored.values, ignored.problems) == (2, None, ())


def test_few_of_small_ids_are_ids_and_of_large_ones_an_error(tmp_path):
    found = class_count.find_classes(make_samples(tmp_path, map(disc, (14, 15, 19))), "data")
    assert (len(found.classes.names), found.values) == (20, None)
    [problem] = found.problems
    assert (
        "only the ids 0, 14, 15, 19, and are taken for masks of the 20 classes" in problem.message
    )
    samples = make_samples(tmp_path, map(disc, (14, 15, 60)))
    with pytest.raises(ValueError, match="most ids up to 60 never occur"):
        class_count.find_classes(samples, "data")


def test_masks_of_two_values_may_be_jpeg(tmp_path):
    cv2.imwrite(str(tmp_path / "lossy.jpg"), disc(255))
    found = class_count.find_classes([Sample("a", "", str(tmp_path / "lossy.jpg"))], "data")
    assert found.values == {0: 0, 255: 1}
    cv2.imwrite(str(tmp_path / "lossy.jpg"), disc(120))
    found = class_count.find_classes([Sample("a", "", str(tmp_path / "lossy.jpg"))], "data")
    assert found.values is None


def painted(*colors) -> np.ndarray:
    """A picture with a stripe of each color, RGB."""
    return np.repeat(np.array(colors, np.uint8)[None], 40, axis=0).repeat(9, axis=1)


def test_colors_that_nothing_names_are_classes(tmp_path):
    red, green, void = (255, 0, 0), (0, 128, 0), (224, 224, 192)
    masks = [painted((0, 0, 0), red), painted(green, void), painted((0, 0, 0), (255, 255, 255))]
    found = class_count.find_classes(make_samples(tmp_path, masks), "data")
    assert found.classes.names == ("#000000", "#008000", "#ff0000", "#ffffff")
    assert found.classes.mask_colors[void] == 255
    assert "#000000, #008000, #ff0000, #ffffff. Name them in classes.json" in (
        found.problems[0].message
    )


def test_blended_colors_are_no_classes(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    found = class_count.find_classes(make_samples(tmp_path, [noise]), "data")
    assert found.classes.palette is None


def test_classes_of_mapped_values(tmp_path):
    samples = make_samples(tmp_path, [disc(255)])
    classes = class_count.find_classes(samples, "data", {0: 0, 128: 255, 255: 1}).classes
    assert classes.names == ("class_0", "class_1")
    with pytest.raises(ValueError, match="has the ids 0, 2, but not 1"):
        class_count.find_classes(samples, "data", {0: 0, 255: 2})


def test_masks_that_hold_no_ids_are_passed_over(tmp_path):
    samples = make_samples(tmp_path, [disc(3), (disc(1) + 700.0).astype(np.uint16)])
    cv2.imwrite(str(tmp_path / "lossy.jpg"), disc(255))
    samples.append(Sample("lossy", "", str(tmp_path / "lossy.jpg")))
    samples.append(Sample("other", "", save(tmp_path / "other.png", disc(1))))
    assert len(class_count.find_classes(samples, "data").classes.names) == 4
