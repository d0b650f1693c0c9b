"""Commands that run beside a training run: which checkpoints they take, and what they say."""

import os

import numpy as np
import pytest

from tests.support import toy_training
from tests.training.test_checkpoints import save
from training import arrivals
from training.arrivals import Arrivals


def _save(run, step: int) -> str:
    return save(run, step, {"weights": np.full(3, step, np.float32)})


def _remove(prefix: str) -> None:
    """Removes a checkpoint as TensorFlow does it: the index first."""
    for ending in (".index", ".data-00000-of-00001"):
        os.remove(prefix + ending)


def _read_step(prefix: str) -> int:
    return int(toy_training.read(prefix)["weights"][0])


class _Clock:
    """Stands in for the module `time`: sleeping runs the next of some actions."""

    def __init__(self, *actions):
        self.now = 1000.0
        self.slept = []
        self._actions = list(actions)

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds))
        self.now += seconds
        self._actions.pop(0)()


@pytest.fixture
def lines():
    return []


def _arrivals(run, limit, lines, interval_secs=0) -> Arrivals:
    return Arrivals(
        str(run),
        limit,
        interval_secs,
        report=lines.append,
        warn=lambda line: lines.append(f"warning: {line}"),
    )


def test_it_says_once_what_it_waits_for(tmp_path, monkeypatch, lines):
    def nothing():
        pass

    clock = _Clock(
        nothing, nothing, lambda: _save(tmp_path, 5), nothing, lambda: _save(tmp_path, 10)
    )
    monkeypatch.setattr(arrivals, "time", clock)
    arriving = _arrivals(tmp_path, 2, lines)

    steps = [arriving.read(checkpoint, _read_step) for checkpoint in arriving]

    assert steps == [5, 10]
    assert clock.slept == [1] * 5
    assert lines == [
        f"waiting for the first checkpoint in {tmp_path}: it holds none yet (train.py saves one "
        "every save_interval_secs, and when it ends)",
        f"waiting for the next checkpoint in {tmp_path}: model.ckpt-5 is the newest",
    ]


def test_the_interval_lies_between_two_starts(tmp_path, monkeypatch, lines):
    _save(tmp_path, 5)
    clock = _Clock(lambda: _save(tmp_path, 10))
    monkeypatch.setattr(arrivals, "time", clock)
    arriving = _arrivals(tmp_path, 2, lines, interval_secs=300)

    def read(checkpoint):
        clock.now += 20
        return _read_step(checkpoint)

    assert [arriving.read(checkpoint, read) for checkpoint in arriving] == [5, 10]
    assert clock.slept == [280]
    assert lines == [
        f"waiting for the next checkpoint in {tmp_path} (looking again in 280 s)",
    ]


def test_the_newest_that_exists_is_taken_where_one_is_removed_at_once(tmp_path, lines):
    """With a limit of 1, which does not wait."""
    prefixes = [_save(tmp_path, step) for step in (5, 10, 15)]
    arriving = _arrivals(tmp_path, 1, lines)

    def read(checkpoint):
        if checkpoint != prefixes[0]:
            _remove(checkpoint)
        return _read_step(checkpoint)

    assert [arriving.read(checkpoint, read) for checkpoint in arriving] == [None, None, 5]
    assert lines == [
        f"warning: checkpoint {prefix} was removed before it could be read, so the next one is "
        "taken (train.py keeps more with a larger max_checkpoints_to_keep)"
        for prefix in (prefixes[2], prefixes[1])
    ]


def test_none_that_is_left_is_an_error(tmp_path, lines):
    _save(tmp_path, 5)
    arriving = _arrivals(tmp_path, 1, lines)

    def read(checkpoint):
        _remove(checkpoint)
        return _read_step(checkpoint)

    assert arriving.read(next(arriving), read) is None
    with pytest.raises(ValueError, match=f"folder {tmp_path} holds no checkpoint"):
        next(arriving)


def test_one_that_is_removed_while_waiting_does_not_count_nor_delay(tmp_path, monkeypatch, lines):
    _save(tmp_path, 5)
    monkeypatch.setattr(arrivals, "time", _Clock())  # Any sleep would fail.
    arriving = _arrivals(tmp_path, 1 + 1, lines, interval_secs=300)

    def read(checkpoint):
        if checkpoint.endswith("-5"):
            _save(tmp_path, 10)
            _remove(checkpoint)
        return _read_step(checkpoint)

    assert [arriving.read(next(arriving), read) for _ in range(2)] == [None, 10]


def test_a_checkpoint_that_is_there_but_damaged_stays_an_error(tmp_path, lines):
    prefix = _save(tmp_path, 5)
    with open(f"{prefix}.data-00000-of-00001", "wb"):
        pass
    arriving = _arrivals(tmp_path, 0, lines)
    with pytest.raises(IndexError):
        arriving.read(next(arriving), lambda checkpoint: toy_training.read(checkpoint))
    with pytest.raises(ValueError, match="another network"):
        arriving.read(prefix, lambda checkpoint: _raise(ValueError("another network")))
    assert lines == []


def _raise(error):
    raise error


def test_one_checkpoint_that_was_named_must_be_there(tmp_path, lines):
    prefix = _save(tmp_path, 5)
    arriving = _arrivals(prefix, 1, lines)
    assert next(arriving) == prefix
    _remove(prefix)
    with pytest.raises(ValueError, match="gone"):
        arriving.read(prefix, lambda checkpoint: _raise(ValueError("gone")))


def test_a_folder_that_is_removed_ends_the_wait(tmp_path, monkeypatch, lines):
    run = tmp_path / "run"
    run.mkdir()
    monkeypatch.setattr(arrivals, "time", _Clock(run.rmdir))
    with pytest.raises(ValueError, match=f"{run} was removed: there is nothing to wait for"):
        next(_arrivals(run, 0, lines))
