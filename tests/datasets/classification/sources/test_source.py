"""datasets.classification.sources.source: samples as records store them, and shares of classes."""

import io

import numpy as np
import pytest
from PIL import Image

from datasets.classification.sources.source import Sample, draw_val
from tests.support import sample_images


def make_samples(**counts: int) -> tuple[Sample, ...]:
    """Returns so many samples of each class."""
    return tuple(
        Sample(f"{name}/{index}.jpg", f"/data/{name}/{index}.jpg", label)
        for label, (name, count) in enumerate(counts.items())
        for index in range(count)
    )


def test_a_file_is_read_as_it_is(tmp_path):
    path = sample_images.save(tmp_path / "a.jpg", sample_images.smooth_rgb())
    image = Sample("a", path, 0).read()
    with open(path, "rb") as file:
        assert image.encoded == file.read()
    assert (image.format, image.size) == ("jpeg", (24, 40))


def test_pixels_are_read_without_a_file():
    pixels = sample_images.smooth_rgb()
    image = Sample("a", "/no/such/batch", 0, pixels).read()
    assert (image.format, image.size) == ("png", (24, 40))
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(image.encoded))), pixels)


@pytest.mark.parametrize(
    ("fraction", "expected"),
    [
        (None, {0: 10, 1: 2, 2: 0}),  # A fifth.
        (0.5, {0: 25, 1: 4, 2: 0}),  # Half of 9 is 4.5, which is rounded to even.
        (0.01, {0: 1, 1: 1, 2: 0}),  # At least one of a class, but not its only one.
        (0.99, {0: 49, 1: 8, 2: 0}),  # And at least one stays.
    ],
)
def test_the_share_is_that_of_each_class(fraction, expected):
    samples = make_samples(a=50, b=9, c=1)
    splits, problems = draw_val({"train": samples}, fraction, 0, "/data")
    counts = {label: sum(each.label == label for each in splits["val"]) for label in range(3)}
    assert counts == expected
    assert problems == []
    assert sorted([*splits["train"], *splits["val"]], key=samples.index) == list(samples)
    assert list(splits["train"]) == [each for each in samples if each not in splits["val"]]


def test_splits_of_the_data_are_kept():
    given = {"train": make_samples(a=4), "val": make_samples(a=2)}
    assert draw_val(given, None, 0, "/data") == (given, [])
    with pytest.raises(ValueError, match=r"val_fraction is 0\.5, but /data has splits of its own"):
        draw_val(given, 0.5, 0, "/data")


def test_without_val_there_is_a_warning():
    given = {"train": make_samples(a=4), "test": make_samples(a=2)}
    splits, (problem,) = draw_val(given, None, 0, "/data")
    assert splits == given
    assert (problem.severity, problem.path) == ("warning", "/data")
    assert draw_val({"train": given["train"]}, 0.0, 0, "/data")[1][0].kind == "split"
