"""Traces for TensorBoard's profiler."""

import pytest

from tests.support import toy_training


def _traces(logdir) -> list:
    return sorted(logdir.glob("plugins/profile/*/*.xplane.pb"))


def test_trace_holds_the_steps_that_were_asked_for(tmp_path):
    toy_training.train(tmp_path, 5, profile_steps=(2, 3))
    (trace,) = _traces(tmp_path)
    content = trace.read_bytes()
    assert b"MatMul" in content
    assert b"train" in content


def test_trace_is_written_when_a_training_ends_before(tmp_path):
    with pytest.raises(ValueError, match="step 2"):
        toy_training.train(
            tmp_path,
            5,
            profile_steps=(1, 4),
            open_batches=lambda batch_size, seed: toy_training.dataset(8).take(1),
        )
    assert len(_traces(tmp_path)) == 1


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ((3,), "profile_steps is 3; expected the first and the last step"),
        ((0, 3), "profile_steps is 0,3; expected the first and the last step"),
        ((4, 3), "profile_steps is 4,3; expected the first and the last step"),
        ((3, 6), "profile_steps is 3,6, but training ends at step 5"),
    ],
)
def test_wrong_ranges_are_refused(tmp_path, steps, message):
    with pytest.raises(ValueError, match=message):
        toy_training.train(tmp_path, 5, profile_steps=steps)


def test_steps_that_are_done_already_are_refused(tmp_path):
    toy_training.train(tmp_path, 2)
    with pytest.raises(ValueError, match="begin at 3 or later"):
        toy_training.train(tmp_path, 5, profile_steps=(2, 4))
