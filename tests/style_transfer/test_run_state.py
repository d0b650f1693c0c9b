"""style_transfer.run_state: what is kept is what comes back."""

import os

import numpy as np
import pytest

from style_transfer import run_state
from style_transfer.optimizers import Adam
from style_transfer.run_state import RunState

IMAGE = np.arange(24, dtype=np.float32).reshape(2, 4, 3)


def test_what_is_kept_comes_back(tmp_path):
    assert run_state.load(str(tmp_path), Adam(1.0, True)) is None
    adam = Adam(1.0, True, step=7, mean=IMAGE + 1, square=IMAGE + 2)
    RunState({"a": "b"}, 1, 7, IMAGE, IMAGE + 3, 2.5, 6, adam, True).save(str(tmp_path))
    assert os.listdir(tmp_path) == [run_state.FILE]
    taken = Adam(2.0, False)
    found = run_state.load(str(tmp_path), taken)
    assert (found.settings, found.scale, found.step) == ({"a": "b"}, 1, 7)
    assert (found.best_loss, found.best_step) == (2.5, 6)
    assert (found.is_finished, found.adam is taken) == (True, True)
    assert (taken.step, taken.learning_rate) == (7, 2.0)
    for one, two in ((found.image, IMAGE), (found.best, IMAGE + 3), (taken.square, IMAGE + 2)):
        np.testing.assert_array_equal(one, two)
    RunState({}).save(str(tmp_path))
    found = run_state.load(str(tmp_path), Adam(1.0, True))
    assert (found.image, found.best, found.adam, found.best_loss) == (None, None, None, np.inf)


def test_a_damaged_state_is_named(tmp_path):
    RunState({"a": "b"}, image=IMAGE).save(str(tmp_path))
    path = tmp_path / run_state.FILE
    content = path.read_bytes()
    for damaged in (b"", b"text", content[: len(content) // 2]):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"state\.npz is damaged .*Begin anew with --over"):
            run_state.load(str(tmp_path), Adam(1.0, True))
