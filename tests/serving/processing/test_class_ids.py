"""Class ids from coarse logits against the argmax of all logits, resized."""

import numpy as np
import pytest

from serving.processing import class_ids, resizing


def assert_as_of_all(logits: np.ndarray, height: int, width: int) -> None:
    resized = resizing.resize_bilinear(logits[np.newaxis], (height, width))[0]
    found = class_ids.upsampled_argmax(logits, height, width)
    expected = resized.argmax(-1)
    # Where two classes tie, rounding decides.
    of_found = np.take_along_axis(resized, found[..., np.newaxis].astype(np.intp), -1)[..., 0]
    np.testing.assert_allclose(of_found, resized.max(-1), atol=1e-5)
    assert np.mean(found == expected) > 0.999


@pytest.mark.parametrize("at_once", [1, 40, class_ids._VALUES_AT_ONCE])
@pytest.mark.parametrize("num_classes", [2, 3, 7, 300])
@pytest.mark.parametrize("size", [(41, 57), (11, 15), (161, 15)])
def test_ids_are_those_of_all_logits_resized(monkeypatch, at_once, num_classes, size):
    monkeypatch.setattr(class_ids, "_VALUES_AT_ONCE", at_once)
    random = np.random.RandomState(num_classes)
    coarse = random.normal(0, 1, [1, 4, 5, num_classes]).astype(np.float32)
    # Neighbors are alike, as in a network's logits, so that a few classes compete in a cell.
    logits = resizing.resize_bilinear(coarse, (11, 15))[0]
    assert_as_of_all(logits + random.normal(0, 0.1, logits.shape).astype(np.float32), *size)


def test_one_class_and_one_row_are_taken():
    random = np.random.RandomState(0)
    assert_as_of_all(np.zeros([3, 4, 1], np.float32), 9, 13)
    assert_as_of_all(random.normal(0, 1, [1, 4, 3]).astype(np.float32), 1, 13)
    assert_as_of_all(random.normal(0, 1, [1, 1, 3]).astype(np.float32), 1, 1)


def test_the_first_of_equal_classes_wins():
    logits = np.zeros([2, 2, 3], np.float32)
    logits[0, 0, 2] = logits[1, 1, 1] = 1  # Classes 1 and 2 are equal along a diagonal.
    found = class_ids.upsampled_argmax(logits, 5, 5)
    assert [found[index, 4 - index] for index in range(1, 4)] == [1, 1, 1]


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_logits_that_are_no_numbers_spoil_their_cells_only(value):
    logits = np.zeros([4, 4, 3], np.float32)
    logits[:2, :, 1] = logits[2:, :, 2] = 1
    expected = class_ids.upsampled_argmax(logits, 13, 13)
    logits[0, 0, 0] = value
    found = class_ids.upsampled_argmax(logits, 13, 13)
    np.testing.assert_array_equal(found[4:], expected[4:])
    np.testing.assert_array_equal(found[:, 4:], expected[:, 4:])


def test_ids_have_the_smallest_type_that_holds_them():
    for num_classes, dtype in ((256, np.uint8), (257, np.uint16)):
        logits = np.zeros([2, 2, num_classes], np.float32)
        logits[0, 0, num_classes - 1] = 1
        found = class_ids.upsampled_argmax(logits, 3, 3)
        assert found.dtype == dtype
        assert found.max() == num_classes - 1
