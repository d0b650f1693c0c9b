"""simplification: points near a line go, fixed ones and those of thin rings stay."""

import pytest

from serving.labels import simplification

# A square of 10, whose upper side has a bump of 0.5.
SQUARE = [(0, 0), (5, -0.5), (10, 0), (10, 10), (0, 10)]


def test_points_near_a_line_go():
    assert simplification.simplify(SQUARE, (), 0.6) == [(0, 0), (10, 0), (10, 10), (0, 10)]
    assert simplification.simplify(SQUARE, (), 0.4) == SQUARE


def test_fixed_points_stay_whatever_the_tolerance():
    kept = simplification.simplify(SQUARE, (1,), 0.6)
    assert sorted(kept) == sorted(SQUARE)
    kept = simplification.simplify(SQUARE, (1, 2, 3, 4), 5.0)
    assert (5, -0.5) in kept


@pytest.mark.parametrize(
    "points",
    [
        [(3, 3)],
        [(0, 0), (9, 0)],
        [(0, 0), (1, 0), (1, 1), (0, 1)],
        [(0, 0), (20, 0), (20, 0.5), (0, 0.5)],
    ],
)
def test_what_would_vanish_stays(points):
    assert simplification.simplify(points, (), 1.0) == points


def test_area_has_the_sign_of_the_direction():
    assert simplification.area([(0, 0), (4, 0), (4, 3), (0, 3)]) == 12
    assert simplification.area([(0, 3), (4, 3), (4, 0), (0, 0)]) == -12
