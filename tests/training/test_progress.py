"""The progress line against a clock that is set by hand."""

import pytest

from training.progress import Progress


class Clock:
    """Seconds, set by a test."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_speed_and_time_left_count_from_the_last_line():
    clock = Clock()
    lines = Progress(num_steps=1000, images_per_step=8, clock=clock)
    lines.add_wait(50.0)  # The first step is slow, and not counted.
    lines.start(1)
    clock.now += 9.0
    lines.add_wait(0.2)
    lines.add_wait(0.07)

    first = lines.line(10, loss=1.23456, learning_rate=0.00697)
    clock.now += 5.0
    second = lines.line(20, loss=0.5, learning_rate=0.006)

    assert first == (
        "step   10/1000  loss 1.2346  learning rate 0.00697  8.0 images/s  data 3%  "
        "16 min 30 s left"
    )
    assert second.endswith("16.0 images/s  data 0%  8 min 10 s left")
    assert lines.measured == {"images_per_sec": 16.0, "data_wait": 0.0}
    assert lines.advice() is None


def test_a_training_that_waits_for_its_data_says_so_once():
    clock = Clock()
    lines = Progress(num_steps=100, images_per_step=8, clock=clock)
    lines.start(1)
    advice = []
    for step in (6, 11, 16):
        clock.now += 10.0
        lines.add_wait(3.5)
        lines.line(step, loss=1.0, learning_rate=0.1)
        assert lines.measured["data_wait"] == pytest.approx(0.35)
        advice.append(lines.advice())
    assert advice[0] is None  # Five steps say little.
    assert "waits for its data 35% of the time: it is bound by its input" in advice[1]
    assert advice[2] is None


def test_without_a_step_before_there_is_no_speed():
    line = Progress(num_steps=5, images_per_step=8, clock=Clock()).line(1, 1.0, 0.1)

    assert line == "step 1/5  loss 1.0000  learning rate 0.1"


def test_the_time_of_the_rest_is_told_once_after_the_first_steps():
    clock = Clock()
    lines = Progress(num_steps=1000, images_per_step=8, clock=clock)
    assert lines.forecast(0, None) is None
    lines.start(1)
    clock.now += 5.0
    assert lines.forecast(2, None) is None
    clock.now += 5.0
    assert lines.forecast(3, None) == ("a step takes 5 s, so there are about 1 h 23 min to go")
    assert lines.forecast(4, None) is None


def test_a_training_run_that_takes_longer_than_asked_is_warned_of():
    clock = Clock()
    lines = Progress(num_steps=1000, images_per_step=8, clock=clock)
    lines.start(1)
    clock.now += 10.0
    assert lines.forecast(3, hours=0.5) == (
        "warning: a step takes 5 s, so there are about 1 h 23 min to go, and hours is 0.5: end it, "
        "and take a smaller network, or 360 steps."
    )
    validated = Progress(num_steps=1000, images_per_step=8, clock=clock)
    validated.start(1)
    clock.now += 20.0
    validated.leave_out(10.0)
    line = validated.forecast(3, hours=0.5)
    assert "about 2 h 46 min to go" in line
    assert "or 180 steps" in line
    enough = Progress(num_steps=1000, images_per_step=8, clock=clock)
    enough.start(1)
    clock.now += 10.0
    assert "warning" not in enough.forecast(3, hours=1.2)


def test_what_is_left_out_of_the_speed_counts_for_the_time_that_is_left():
    clock = Clock()
    lines = Progress(num_steps=101, images_per_step=8, clock=clock)
    lines.start(1)
    clock.now += 40.0
    lines.leave_out(20.0)  # A validation, after which the first line comes.

    line = lines.line(21, loss=1.0, learning_rate=0.1)

    assert line.endswith("8.0 images/s  data 0%  2 min 40 s left")  # 80 steps of 1 s, and 80 s.


def test_a_training_run_that_becomes_slower_is_warned_of_once():
    clock = Clock()
    lines = Progress(num_steps=721, images_per_step=8, clock=clock)
    lines.start(1)
    clock.now += 15.0
    assert "warning" not in lines.forecast(4, hours=1.0)
    assert lines.overrun(4, hours=1.0) is None
    clock.now += 100.0
    assert lines.overrun(14, hours=None) is None
    assert lines.overrun(14, hours=1.0) == (
        "warning: training will take about 1 h 46 min in all, and hours is 1: steps take 8.8 s "
        "with all that is done between them. Does something else use this machine?"
    )
    assert lines.overrun(15, hours=1.0) is None
