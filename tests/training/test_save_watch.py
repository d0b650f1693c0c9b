"""A worker says when nobody saves."""

import pytest

from training import save_watch
from training.save_watch import SaveWatch


class _Clock:
    """Stands in for the module `time`."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def strftime(self, form: str) -> str:
        return f"12:00:{self.now:02.0f}"


@pytest.fixture
def look_at(monkeypatch):
    """Returns a function that makes looks (time, saved step, step) and returns what was said."""

    def look_at(interval_secs: float, looks) -> list[str | None]:
        clock = _Clock()
        monkeypatch.setattr(save_watch, "time", clock)
        watch = SaveWatch(interval_secs)
        said = []
        for now, saved_step, step in looks:
            clock.now = now
            said.append(watch.look(saved_step, step))
        return said

    return look_at


def test_two_intervals_without_a_checkpoint_are_said_once(look_at):
    said = look_at(10, [(1, 50, 52), (20, 50, 60), (22, 50, 61), (40, 50, 70), (99, 50, 90)])

    assert said[:2] == [None, None]
    assert (
        "no checkpoint was saved since step 50, for two save intervals (since 12:00:01" in said[2]
    )
    assert "it is step 61 now" in said[2]
    assert "Start it again with the same command" in said[2]
    assert said[3:] == [None, None]


def test_the_end_of_the_outage_is_said_and_the_next_one_is_too(look_at):
    said = look_at(10, [(0, -1, 0), (20, -1, 9), (30, 15, 16), (40, 20, 22), (60, 20, 30)])

    assert said[0] is None
    assert "no checkpoint was saved so far" in said[1]
    assert said[2] == "checkpoints are saved again: step 15"
    assert said[3] is None
    assert "since step 20" in said[4]


def test_no_checkpoints_before_the_end_are_not_missed(look_at):
    assert look_at(0, [(0, -1, 0), (9999, -1, 10)]) == [None, None]
