"""Records of images with masks: made of a sample's files, or of what was read of them."""

import dataclasses

import numpy as np
import pytest

from datasets.images import decoding
from datasets.segmentation.class_statistics import count_ids
from datasets.segmentation.encoder import SegmentationEncoder
from datasets.segmentation.sources import folder
from tests.support import sample_images


@pytest.fixture
def source(tmp_path):
    """A photo that is kept as it is, and a gray TIFF, which becomes a PNG."""
    mask = np.zeros((24, 40), np.uint8)
    mask[:5] = 1
    sample_images.save_pair(tmp_path / "pets" / "train", "a", mask, 0)
    sample_images.save_pair(tmp_path / "pets" / "train", "b", mask, 1)
    train = tmp_path / "pets" / "train" / "images"
    sample_images.save(train / "b.tif", sample_images.smooth_rgb(24, 40, 1)[..., 0])
    (train / "b.jpg").unlink()
    return folder.open_source(str(tmp_path / "pets"))


@pytest.mark.parametrize("gradient_format", ["int16", "png", None])
def test_what_was_read_gives_the_record_of_the_files(source, gradient_format):
    encoder = SegmentationEncoder(source, gradient_format)
    for sample in source.splits["train"]:
        mask = source.read_mask(sample)
        image = decoding.read_image(sample.image_path, mask.shape, encoder.with_gradient)
        read = encoder.encode_read(sample, image, mask, count_ids(mask))
        stored = encoder.encode(sample)
        assert read.record == stored.record
        np.testing.assert_array_equal(read.facts[0], stored.facts[0])
        assert read.facts[1] == stored.facts[1] == (24, 40)
    assert encoder.with_gradient == (gradient_format is not None)


def test_ids_without_a_class_are_refused(source):
    (sample, _) = source.splits["train"]
    few = dataclasses.replace(source, class_names=("all",), palette=((0, 0, 0),))
    with pytest.raises(ValueError, match=r"a\.png: ids 1 have no class"):
        SegmentationEncoder(few, None).encode(sample)


def test_the_fingerprint_tells_files_and_options_apart(source):
    samples = source.splits["train"]
    made = [
        SegmentationEncoder(source, gradient_format).fingerprint(samples, is_checked)
        for gradient_format in ("int16", None)
        for is_checked in (False, True)
    ]
    assert all(made.count(each) == 1 for each in made)
    again = SegmentationEncoder(source, "int16").fingerprint(samples, False)
    assert again == made[0]
    assert SegmentationEncoder(source, "int16").fingerprint(samples[:1], False) != made[0]
