"""What the examination of one example finds besides problems, which test_checks.py has."""

import hashlib
import pathlib

import numpy as np
import pytest
from PIL import Image

from datasets.images import jpeg_damage
from datasets.records.problems import ERROR
from datasets.segmentation import sample_checks
from datasets.segmentation.palette_agreement import UsedColors
from datasets.segmentation.sources.source import Sample, Source
from tests.support.sample_images import save, save_palette_mask, smooth_rgb

PALETTE = ((0, 0, 0), (200, 0, 0), (0, 200, 0))
IDS = np.zeros((6, 8), np.uint8)
IDS[2:4], IDS[5] = 2, 255


@pytest.fixture
def sample(tmp_path) -> Sample:
    image = save(tmp_path / "a.jpg", smooth_rgb(6, 8))
    return Sample("a", image, save(tmp_path / "a.png", IDS))


def examine(sample: Sample) -> sample_checks.Finding:
    names = ("ground", "cat", "dog")
    source = Source("pets", names, PALETTE, 255, {"train": [sample]})
    with jpeg_damage.listening() as listener:
        return sample_checks.examine(source, "train", sample, listener)


def test_a_sound_example_is_measured(sample):
    finding = examine(sample)
    assert (finding.problems, finding.has_error) == ([], False)
    assert finding.size == (6, 8)
    assert finding.ids == {0, 2, 255}
    assert finding.histogram.tolist() == np.bincount(IDS.ravel(), minlength=256).tolist()
    content = pathlib.Path(sample.image_path).read_bytes()
    assert finding.digest == hashlib.blake2b(content, digest_size=16).digest()
    assert (finding.is_binary, finding.is_suspect, finding.colors) == (False, False, None)


def test_the_colors_of_a_palette_are_those_of_the_indices_that_occur(sample):
    save_palette_mask(sample.mask_path, np.where(IDS == 255, 1, IDS), [*PALETTE, (9, 9, 9)])
    colors = examine(sample).colors
    assert isinstance(colors, UsedColors)
    assert colors.used == (0, 1, 2)
    assert [colors.color(index) for index in colors.used] == [*PALETTE]


@pytest.mark.parametrize(
    ("values", "is_binary"),
    [((0, 255), True), ((255, 255), False), ((0, 0), False), ((0, 1), False)],
)
def test_a_mask_of_0_and_255_is_binary(sample, values, is_binary):
    save(sample.mask_path, np.where(IDS == 2, values[1], values[0]).astype(np.uint8))
    assert examine(sample).is_binary == is_binary


def test_a_mask_that_cannot_be_read_does_not_hide_the_image(sample):
    pathlib.Path(sample.mask_path).write_bytes(b"text")
    Image.fromarray(smooth_rgb(6, 8)).convert("L").save(sample.image_path)
    finding = examine(sample)
    assert (finding.size, finding.histogram, finding.ids) == (None, None, frozenset())
    assert finding.digest is not None
    found = [(problem.kind, problem.path) for problem in finding.problems]
    assert found == [("unreadable", sample.mask_path), ("converted", sample.image_path)]
    assert finding.has_error


def test_a_message_loses_the_path_that_is_told_beside_it(sample):
    finding = sample_checks.Finding("train", sample)
    for path in ("a\x1b.png", "b.png"):
        finding.report(ERROR, "ids", f"{path}: wrong", path)
    finding.report(ERROR, "ids", r"a\x1b.png: wrong", "a\x1b.png")
    assert [problem.message for problem in finding.problems] == ["wrong"] * 3
    assert {(problem.split, problem.name) for problem in finding.problems} == {("train", "a")}
