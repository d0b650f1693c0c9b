"""Crops for a network and a dataset."""

import pytest

from deeplab.data import crop_sizes
from deeplab.options import ResizeOptions
from tests.support import tiny_dataset


@pytest.mark.parametrize(
    ("output_stride", "resize", "expected"),
    [
        (16, {}, (369, 481)),
        (8, {}, (361, 481)),
        (16, {"min_resize_value": 300, "max_resize_value": 513}, (513, 513)),
        (16, {"min_resize_value": 300, "max_resize_value": 500}, (513, 513)),
        (16, {"min_resize_value": 9, "max_resize_value": 300}, (273, 305)),
        (
            16,
            {"min_resize_value": 300, "max_resize_value": 500, "resize_factor": 8},
            (497, 497),
        ),
    ],
)
def test_the_smallest_crop_that_holds_all_images(tmp_path, output_stride, resize, expected):
    images = [
        ("wide", *tiny_dataset.random_image(0, 10, 480)),
        ("high", *tiny_dataset.random_image(1, 360, 12)),
    ]
    spec = tiny_dataset.write(tmp_path, images)
    assert crop_sizes.smallest(spec, ["train"], output_stride, ResizeOptions(**resize)) == expected


def test_images_that_are_resized_are_not_padded_to_a_square(tmp_path):
    images = [("a", *tiny_dataset.random_image(0, 60, 80))]
    spec = tiny_dataset.write(tmp_path, images, split="val")
    resize = ResizeOptions(min_resize_value=120, max_resize_value=240)
    assert crop_sizes.smallest(spec, ["val"], 16, resize) == (129, 161)


def test_a_crop_for_images_without_limit_is_refused(tmp_path):
    spec = tiny_dataset.write(tmp_path, [("one", *tiny_dataset.random_image(0, 9, 9))])
    with pytest.raises(ValueError, match="give max_resize_value, or the crop size"):
        crop_sizes.smallest(spec, ["train"], 16, ResizeOptions(min_resize_value=300))


def test_crop_sizes_are_multiples_of_the_stride_plus_one():
    crop_sizes.check((513, 321), 16)
    with pytest.raises(ValueError, match=r"crop height is 512; .* 16 plus one, such as 497 or 513"):
        crop_sizes.check((512, 513), 16)
    with pytest.raises(ValueError, match=r"crop width is 5; .* such as 1 or 17"):
        crop_sizes.check((17, 5), 16)
    with pytest.raises(ValueError, match=r"crop height is 0; .* such as 1"):
        crop_sizes.check((0, 17), 16)
    with pytest.raises(ValueError, match="crop size is 513; expected two numbers"):
        crop_sizes.check((513,), 16)
