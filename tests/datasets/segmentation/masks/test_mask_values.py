"""masks.mask_values and mask_format: values of mask files become class ids."""

import io

import numpy as np
import pytest
from PIL import Image

from datasets.segmentation.masks import mask_values
from datasets.segmentation.masks.mask_format import MaskFormat
from datasets.segmentation.masks.raw_mask import RawMask

IDS = np.zeros((48, 64), np.uint8)
IDS[10:30, 20:50] = 1


def test_a_mapping_is_read_in_order():
    assert list(mask_values.parse("255:1, 0:0").items()) == [(0, 0), (255, 1)]
    assert mask_values.parse("0:0,65535:255") == {0: 0, 65535: 255}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' is not a pair of numbers; expected VALUE:ID pairs such as 0:0,255:1"),
        ("0,255", "'0' is not a pair"),
        ("0:0,255:cat", "'255:cat' is not a pair"),
        ("0:-1", "'0:-1' is not a pair"),
        ("0:0,0:1", "value 0 is named twice"),
        ("0:0,1:256", "'1:256' is out of range"),
        ("65536:0", "'65536:0' is out of range"),
    ],
)
def test_contradictions_are_named(text, message):
    with pytest.raises(mask_values.MappingError, match=message):
        mask_values.parse(text)


def test_ids_must_fit_the_classes():
    mask_values.check({0: 0, 128: 255, 255: 1}, None, 255)
    mask_values.check({0: 0, 255: 2}, 3, 255)
    mask_values.check({0: 9, 255: 0}, 1, 9)
    with pytest.raises(mask_values.MappingError, match="has the ids 0, 2, but not 1"):
        mask_values.check({0: 0, 255: 2}, None, 255)
    with pytest.raises(mask_values.MappingError, match="the id 2, but the 2 classes have the ids"):
        mask_values.check({0: 0, 255: 2}, 2, 255)


@pytest.mark.parametrize(
    ("values", "num_classes", "flag"),
    [
        ({0, 255}, None, "0:0,255:1"),
        ({0, 255}, 2, "0:0,255:1"),
        ({0, 100, 200}, None, "0:0,100:1,200:2"),
        ({0, 64, 128, 255}, 3, "0:0,64:1,128:2,255:255"),
        ({0, 64, 128, 255}, 4, "0:0,64:1,128:2,255:3"),
        ({0, 100, 200}, 2, None),  # Which of them is no class?
        ({0, 1, 254, 255}, None, None),  # A mask that was JPEG once.
        ({0, 1}, 2, None),  # These are ids.
    ],
)
def test_the_flag_is_suggested_where_values_lie_apart(values, num_classes, flag):
    expected = flag and f"--mask_values={flag}"
    assert mask_values.suggest(values, num_classes) == expected


def decode(values, mapping, **fields) -> np.ndarray:
    return MaskFormat(values=mapping).decode(RawMask("a.png", values, **fields))


def test_values_become_ids():
    values = np.choose(IDS, [7, 200]).astype(np.uint8)
    np.testing.assert_array_equal(decode(values, {7: 0, 200: 1}), IDS)
    np.testing.assert_array_equal(decode(np.dstack([values] * 3), {7: 0, 200: 1}), IDS)
    np.testing.assert_array_equal(decode(values.astype(np.int64) * 9, {63: 0, 1800: 1}), IDS)


def test_values_without_an_id_are_named():
    values = IDS * 255
    values[0, :2] = (3, 77)
    with pytest.raises(ValueError, match=r"a\.png: values 3, 77 are not in mask_values, .*0, 255"):
        decode(values, {0: 0, 255: 1})


def as_jpeg(values: np.ndarray, quality: int, mode: str = "L") -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(values).convert(mode).save(buffer, "JPEG", quality=quality)
    return np.array(Image.open(buffer))


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("quality", [95, 75, 40])
def test_a_jpeg_of_two_values_is_restored(quality, mode):
    values = as_jpeg(IDS * 255, quality, mode)
    assert len(np.unique(values)) > 2
    restored = decode(values, {0: 0, 255: 1}, lossy_format="JPEG")
    np.testing.assert_array_equal(restored, IDS)


def test_a_jpeg_of_three_values_is_refused():
    values = IDS * 255
    values[32:44, 4:30] = 128
    with pytest.raises(ValueError, match=r"regions of about 12\d, and mask_values names 0 and 255"):
        decode(as_jpeg(values, 90), {0: 0, 255: 1}, lossy_format="JPEG")
    with pytest.raises(ValueError, match="a mask saved as JPEG, which blurs"):
        decode(as_jpeg(values, 90), {0: 0, 128: 1, 255: 2}, lossy_format="JPEG")


def test_a_jpeg_of_values_that_lie_close_is_refused():
    with pytest.raises(ValueError, match="a mask saved as JPEG, which blurs"):
        decode(as_jpeg(IDS, 90), {0: 0, 1: 1}, lossy_format="JPEG")
