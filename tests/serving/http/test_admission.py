"""Which images a model takes, by their number, their tiles and the time that they need."""

import time

import pytest

from serving.http import pace
from serving.http.admission import Admission, Limits
from serving.http.pace import Pace
from serving.http.refusals import Refusal


def admission(image_seconds: float = 0.1, tile_seconds: float = 0.1, **limits) -> Admission:
    paces = Pace(), Pace()
    for each, seconds in zip(paces, (image_seconds, tile_seconds), strict=True):
        for _ in range(50):
            each.note(1, seconds)
    return Admission(Limits(**limits), *paces)


def refusal(taken: Admission, num_tiles: list[int]) -> Refusal:
    with pytest.raises(Refusal) as refused, taken.admit(num_tiles):
        pass
    return refused.value


def test_images_are_counted_until_they_are_answered():
    taken = admission(num_images=4)
    with taken.admit([0, 0, 0]):
        refused = refusal(taken, [0, 9])
        assert (refused.status, refused.headers["Retry-After"]) == (429, "1")
        with taken.admit([9]):
            assert taken.num_images == 4
    with pytest.raises(ValueError, match="x"), taken.admit([3]):
        raise ValueError("x")
    assert (taken.num_images, taken._num_tiles) == (0, 0)


def test_more_images_than_are_ever_taken_are_too_many():
    refused = refusal(admission(num_images=4), [0] * 5)
    assert (refused.status, "--queue_size" in refused.message) == (413, True)


def test_an_image_of_many_tiles_is_too_large():
    refused = refusal(admission(num_tiles=9), [10])
    assert (refused.status, "--max_tiles" in refused.message) == (413, True)


def test_an_image_that_takes_too_long_is_too_large():
    slow = admission(image_seconds=60.0, tile_seconds=0.5, seconds=30.0)
    refused = refusal(slow, [61])
    assert refused.status == 413
    assert "61 tiles of the network's size, at least 30 s" in refused.message
    with slow.admit([0]):
        pass  # A whole image is tried: it is how its pace becomes known.
    refused = refusal(slow, [31, 0, 30])
    assert "the request's images take 61 tiles of the network's size, at least" in refused.message
    slow._tile_pace.note(1, 0.1)
    with slow.admit([61]):
        pass  # It has been fast at times.


def test_images_that_would_be_late_are_refused_with_the_time_to_wait():
    taken = admission(image_seconds=1.0, tile_seconds=0.5, seconds=30.0)
    with taken.admit([30]):
        refused = refusal(taken, [20])
        assert (refused.status, refused.headers["Retry-After"]) == (429, "15")
        with taken.admit([0] * 9):  # As tiles and images take turns, each takes twice as long.
            assert refusal(taken, [0, 0]).headers["Retry-After"] == "18"


def test_a_pace_follows_what_is_noted():
    measured = Pace()
    assert measured.fastest == 0
    for _ in range(50):
        measured.note(4, 2.0)
    measured.note(1, 0.75)
    assert measured.seconds == pytest.approx(0.55, abs=1e-3)
    assert measured.fastest == 0.5


def test_a_pace_of_long_ago_refuses_nothing(monkeypatch):
    slow = admission(tile_seconds=9.0)
    assert refusal(slow, [9]).status == 413
    now = time.monotonic()
    monkeypatch.setattr(pace.time, "monotonic", lambda: now + 61)
    with slow.admit([9]):
        pass
