"""Which frames are taken, by time."""

import pytest

from serving.video.sampling import Sampler


def taken(times, frames_per_second, rate):
    sampler = Sampler(frames_per_second, rate)
    return [index for index, time in enumerate(times) if sampler.takes(time)]


@pytest.mark.parametrize("rate", [10.0, 25.0, 30000 / 1001, 120.0])
@pytest.mark.parametrize("wanted", [None, 1.0, 1.001, 40.0])
def test_no_frame_is_lost_where_as_many_are_wanted_as_there_are(rate, wanted):
    # Containers round times to milliseconds.
    times = [round(index / rate, 3) for index in range(1000)]
    assert taken(times, wanted and wanted * rate, rate) == list(range(1000))


def test_frames_are_evenly_spaced_in_time():
    times = [index / 25 for index in range(250)]
    assert taken(times, 5, 25) == list(range(0, 250, 5))
    assert len(taken(times, 10, 25)) == 100
    assert taken(times, 0.5, 25) == [0, 50, 100, 150, 200]


def test_a_gap_is_not_made_up_for():
    times = [0, 0.1, 0.2, 0.3, 5.0, 5.1, 5.2, 5.3, 5.4]
    assert taken(times, 5, 10) == [0, 2, 4, 6, 8]
