"""The memory of images is bounded by their pixels, which the heads of their files tell."""

import os

import numpy as np
import pytest
from PIL import Image

from datasets.images.memory_limit import MemoryLimit, count_pixels
from datasets.records import conversion
from datasets.segmentation import checks, encoder
from datasets.segmentation.sources import folder
from tests.support import sample_images


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.jpg", {}),
        ("a.jpg", {"progressive": True}),
        (
            "a.jpg",
            {"exif": sample_images.exif(6), "comment": b"x" * 50_000, "icc_profile": b"y" * 90_000},
        ),
        ("a.png", {}),
        ("a.bmp", {}),
        ("a.tif", {}),
        ("a.gif", {}),
        ("a.webp", {}),
        ("a.ppm", {}),
    ],
)
def test_pixels_are_those_that_pillow_finds(tmp_path, name, options):
    path = sample_images.save(tmp_path / name, sample_images.smooth_rgb(31, 57), **options)
    assert count_pixels(path) == 31 * 57
    gray = sample_images.save(tmp_path / f"gray{name}", sample_images.smooth_rgb(31, 57)[..., 0])
    assert count_pixels(gray) == 31 * 57


def test_files_that_are_no_images_have_no_pixels(tmp_path):
    whole = sample_images.save(tmp_path / "a.jpg", sample_images.smooth_rgb())
    with open(whole, "rb") as file:
        data = file.read()
    for size in (0, 1, 3, 20, 100):
        (tmp_path / "cut.jpg").write_bytes(data[:size])
        assert count_pixels(str(tmp_path / "cut.jpg")) == 0
    (tmp_path / "text.png").write_text("text")
    os.mkfifo(tmp_path / "pipe.jpg")
    for name in ("text.png", "pipe.jpg", "missing.png", "."):
        assert count_pixels(str(tmp_path / name)) == 0


def test_what_pillow_refuses_for_its_size_is_left_to_it(tmp_path, monkeypatch):
    path = sample_images.save(tmp_path / "a.png", sample_images.smooth_rgb(31, 57))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 31 * 57 // 2 - 1)
    assert count_pixels(path) == 0


def test_the_default_holds_every_image_that_pillow_reads():
    assert MemoryLimit().max_pixels > 2 * Image.MAX_IMAGE_PIXELS


@pytest.fixture
def source(tmp_path):
    """Two small images, and one of 90,000 pixels, which take 2 MB."""
    for index, side in enumerate([20, 300, 30]):
        mask = np.full((side, side), index % 2, np.uint8)
        sample_images.save_pair(tmp_path / "pets" / "train", f"p{index}", mask, index)
    sample_images.write_json(tmp_path / "pets" / "classes.json", {"names": ["background", "pet"]})
    return folder.open_source(str(tmp_path / "pets"))


def test_the_check_names_an_image_that_alone_takes_more(source):
    report = checks.check_source(source, show_progress=False, memory_limit=MemoryLimit(1))
    (error,) = report.errors
    sample = source.splits["train"][1]
    assert (error.kind, error.path, error.name) == ("memory", sample.image_path, "p1")
    assert error.message == (
        "0.1 million pixels take about 2 MB of memory, more than memory_limit_mb, 1. Cut it into "
        "tiles, scale it down, or give --memory_limit_mb=2."
    )
    assert report.statistics["train"].num_examples == 2
    assert not checks.check_source(source, show_progress=False, memory_limit=MemoryLimit(2)).errors


def convert(source, directory, *, skip_failures=False, **options):
    plan = encoder.plan_shards(source, str(directory), skip_failures=skip_failures)
    return conversion.convert(plan, show_progress=False, skip_failures=skip_failures, **options)


def test_the_conversion_refuses_it_or_leaves_it_out(source, tmp_path):
    small = {"memory_limit": MemoryLimit(1)}
    with pytest.raises(ValueError, match=r"p1\.jpg: 0\.1 million pixels .* --memory_limit_mb=2"):
        convert(source, tmp_path / "a", **small)
    spec, (failure,) = convert(source, tmp_path / "a", skip_failures=True, **small)
    assert (failure.name, spec.split("train").num_examples) == ("p1", 2)
    plan = encoder.plan_shards(source, str(tmp_path / "b"))
    plan.prepare()
    (shard,) = plan.shards
    assert conversion.write_shard(plan, shard, (), True, MemoryLimit(1)).failures == (failure,)


def test_a_tighter_limit_gives_the_same_bytes(source, tmp_path):
    convert(source, tmp_path / "a", num_workers=4)
    convert(source, tmp_path / "b", num_workers=4, memory_limit=MemoryLimit(2))
    for name in ("train-00000-of-00001.tfrecord", "dataset.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
