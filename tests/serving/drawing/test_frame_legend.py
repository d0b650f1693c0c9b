"""The strip below the frames of a video."""

import numpy as np
import pytest

from serving.drawing.frame_legend import FrameLegend

NAMES = [f"class of a long name {number}" for number in range(30)]
PALETTE = [(200, 8 * number, 0) for number in range(30)]


def shares(*class_ids: int, number: int) -> np.ndarray:
    found = np.zeros(number)
    found[list(class_ids)] = 1 / len(class_ids)
    return found


def places(legend: FrameLegend, found: np.ndarray) -> dict[tuple[int, ...], tuple[int, int]]:
    """Returns where the swatch of each color is."""
    strip = np.asarray(legend.draw(found))
    where = {}
    for color in PALETTE:
        is_color = (strip == color).all(axis=2)
        if is_color.sum() > 40:
            rows, columns = np.nonzero(is_color)
            where[color] = (rows.min(), columns.min())
    return where


def test_every_strip_has_one_size_and_a_class_one_place():
    legend = FrameLegend((720, 1280), NAMES[:8], PALETTE[:8])
    assert legend.num_places >= 8
    assert 0 < legend.height <= 720 / 4
    together = places(legend, shares(*range(8), number=8))
    assert len(set(together.values())) == len(together) == 8
    for class_id in range(8):
        alone = places(legend, shares(class_id, number=8))
        assert alone == {PALETTE[class_id]: together[PALETTE[class_id]]}
    assert legend.draw(np.zeros(8)).size == (1280, legend.height)


def test_of_more_classes_than_there_are_places_the_largest_appear():
    legend = FrameLegend((300, 640), NAMES, PALETTE)
    assert 0 < legend.num_places < 30
    found = np.linspace(1, 2, 30)
    shown = places(legend, found / found.sum())
    assert set(shown) == set(PALETTE[-legend.num_places :])


@pytest.mark.parametrize("size", [(40, 600), (600, 100)])
def test_frames_too_small_for_letters_have_none(size):
    legend = FrameLegend(size, NAMES[:3], PALETTE[:3])
    assert (legend.height, legend.num_places) == (0, 0)
