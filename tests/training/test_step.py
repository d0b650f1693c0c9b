"""What happens in and around a step: errors, what is saved before them, and what is fetched."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from common.checkpoint_writer import Writer
from tests.support import toy_training
from training import checkpoints, summaries
from training.options import OptimizerOptions
from training.step import StepFunction


def _failing(at_step: int, message: str = "lost"):
    """Returns a clone function whose backward pass fails in a step of the run."""
    calls = []

    def build_clone(batch):
        def fail(value):
            calls.append(value)
            if len(calls) == at_step:
                raise RuntimeError(message)
            return value

        @tf.custom_gradient
        def poisoned(inputs):
            def gradient(upstream):
                passed = tf.py_func(fail, [upstream], tf.float32)
                passed.set_shape(upstream.shape)
                return passed

            return tf.identity(inputs), gradient

        bias = tf.get_variable("body/offset", [3], initializer=tf.zeros_initializer())
        toy_training.build_clone({**batch, "inputs": poisoned(batch["inputs"] + bias)})

    return build_clone


def _same(folder, step: int, expected_folder) -> None:
    found, expected = (
        toy_training.read_step(folder, step),
        toy_training.read_step(expected_folder, step),
    )
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)


@pytest.mark.parametrize("averaged", [False, True])
def test_error_in_a_step_saves_what_was_done_before_it(tmp_path, averaged):
    """All variables are those after the last whole step, moving statistics and averages too."""
    options = {"ema_decay": 0.9} if averaged else {}
    schedule = OptimizerOptions(base_learning_rate=0.01, learning_policy="step")
    options["optimizer_options"] = schedule
    lines = []
    with pytest.raises(ValueError, match=r"^step 4: .*lost"):
        toy_training.train(
            tmp_path / "failed", 9, build_clone=_failing(4), report=lines.append, **options
        )
    toy_training.train(tmp_path / "ended", 3, build_clone=_failing(0), **options)

    assert lines[-1] == f"saved {tmp_path}/failed/model.ckpt-3, the steps before the error"
    _same(tmp_path / "failed", 3, tmp_path / "ended")


def test_error_of_the_input_saves_what_was_done_before_it(tmp_path):
    def open_batches(batch_size, seed):
        batches = toy_training.dataset(8).enumerate()
        return batches.map(
            lambda number, batch: {
                **batch,
                "inputs": tf.debugging.check_numerics(
                    tf.where(number < 2, batch["inputs"], batch["inputs"] / 0.0), "broken"
                ),
            }
        )

    schedule = OptimizerOptions(base_learning_rate=0.01, learning_policy="step")
    with pytest.raises(ValueError, match=r"^step 3: .*broken"):
        toy_training.train(
            tmp_path / "failed", 9, open_batches=open_batches, optimizer_options=schedule
        )
    toy_training.train(tmp_path / "ended", 2, optimizer_options=schedule)

    _same(tmp_path / "failed", 2, tmp_path / "ended")


def test_summary_that_cannot_be_written_costs_no_step(tmp_path, monkeypatch):
    def fail(self, scalars, step):
        if step == 3:
            raise OSError("summaries in x cannot be written")

    monkeypatch.setattr(summaries.SummaryWriter, "add_scalars", fail)
    with pytest.raises(OSError, match=r"^summaries in x cannot be written$"):
        toy_training.train(tmp_path, 9)

    assert checkpoints.read_step(checkpoints.latest_checkpoint(str(tmp_path))) == 3


def test_first_step_that_fails_and_an_update_that_is_half_done_are_not_saved(tmp_path):
    with pytest.raises(ValueError, match=r"^step 1: .*lost"):
        toy_training.train(tmp_path / "first", 9, build_clone=_failing(1))
    assert checkpoints.latest_checkpoint(str(tmp_path / "first")) is None

    def breaking_update(batch):
        toy_training.build_clone(batch)
        calls = []

        def fail(step):
            calls.append(step)
            if len(calls) == 3:
                raise RuntimeError("in the update")
            return step

        # It waits for the other updates, as averages do.
        (update,) = tf.get_collection_ref(tf.GraphKeys.UPDATE_OPS)
        with tf.control_dependencies([update]):
            tf.add_to_collection(
                tf.GraphKeys.UPDATE_OPS,
                tf.py_func(fail, [np.float32(0)], tf.float32, stateful=True),
            )

    lines = []
    with pytest.raises(ValueError, match="in the update"):
        toy_training.train(tmp_path / "half", 9, build_clone=breaking_update, report=lines.append)
    assert lines[-1].startswith(
        "step 3 failed in the middle of its update, so the variables are not"
    )
    assert lines[-1].endswith("No checkpoint was saved before.")
    assert checkpoints.latest_checkpoint(str(tmp_path / "half")) is None


def test_error_that_saving_meets_does_not_hide_the_first_one(tmp_path, monkeypatch):
    def full(*arguments, **options):
        raise tf.errors.ResourceExhaustedError(None, None, "No space left on device")

    monkeypatch.setattr(Writer, "write", full)
    lines = []
    with pytest.raises(ValueError, match=r"^step 4: .*lost"):
        toy_training.train(tmp_path, 9, build_clone=_failing(4), report=lines.append)
    assert lines[-1].startswith("the steps before the error cannot be saved: checkpoint ")
    assert "model.ckpt-3 cannot be written (No space left on device)" in lines[-1]


def test_steps_share_one_set_of_fetches_unless_summaries_are_large(tmp_path, monkeypatch):
    """TensorFlow prepares the graph for every set anew, which takes seconds."""
    fetched = []
    run = StepFunction._run

    def record(self, session, fetches):
        fetched.append(frozenset(fetches))
        return run(self, session, fetches)

    monkeypatch.setattr(StepFunction, "_run", record)
    toy_training.train(tmp_path / "numbers", 4)
    assert len(fetched) == 4
    assert len(set(fetched)) == 1
    fetched.clear()
    toy_training.train(tmp_path / "none", 4, save_summaries_secs=0)
    assert set(fetched) == {frozenset({"loss", "step", "learning_rate", "data_wait_secs"})}
    fetched.clear()
    toy_training.train(tmp_path / "histograms", 4, save_histograms=True)
    assert ["summaries" in each for each in fetched] == [True, False, False, True]


def test_error_of_a_step_is_explained_by_the_task(tmp_path):
    def open_batches(batch_size, seed):
        return toy_training.dataset(8).map(break_inputs)

    def break_inputs(batch):
        return {**batch, "inputs": tf.debugging.check_numerics(batch["inputs"] / 0.0, "broken")}

    def explain(error):
        return ValueError("image x.jpg is broken.") if "broken" in error.message else None

    with pytest.raises(ValueError, match=r"^image x\.jpg is broken\.$"):
        toy_training.train(tmp_path, 2, open_batches=open_batches, explain_error=explain)
    with pytest.raises(ValueError, match=r"^step 1: .*broken : Tensor had"):
        toy_training.train(tmp_path, 2, open_batches=open_batches)
