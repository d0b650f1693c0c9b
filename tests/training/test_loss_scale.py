"""The loss scale of a mixed precision training, alone and in a training."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from tests.support import sessions, toy_training
from training import loss_scale
from training.loss_scale import LossScale
from training.nan_guard import NonFiniteError


def _run(steps: list[tuple[float, float]], start: float = 8.0) -> list[tuple[bool, float]]:
    """Returns (whether the step overflowed, scale after it) for each (loss, gradient norm)."""
    loss, norm = tf.placeholder(tf.float32, []), tf.placeholder(tf.float32, [])
    scale = LossScale()
    is_overflow = scale.is_overflow(loss, norm)
    update = scale.update(is_overflow)
    with tf.Session() as session:
        session.run(tf.local_variables_initializer())
        scale.value.load(start, session)
        results = []
        for each in steps:
            values = dict(zip((loss, norm), each, strict=True))
            overflow, _ = session.run([is_overflow, update], values)
            results.append((bool(overflow), float(session.run(scale.value))))
        return results


def test_an_overflow_halves_the_scale_and_a_run_of_good_steps_doubles_it(monkeypatch):
    monkeypatch.setattr(loss_scale, "_STEPS_UNTIL_DOUBLED", 3)
    good, overflow = (1.0, 2.0), (1.0, np.inf)
    results = _run([good, good, overflow, good, good, good, good])
    assert results == [
        (False, 8.0),
        (False, 8.0),
        (True, 4.0),
        (False, 4.0),
        (False, 4.0),
        (False, 8.0),
        (False, 8.0),
    ]


def test_a_smaller_scale_mends_neither_the_loss_nor_gradients_that_are_not_scaled():
    assert _run([(np.inf, np.inf)])[0][0] is False
    tf.reset_default_graph()
    assert _run([(1.0, np.nan)] * 3, start=4.0) == [(True, 2.0), (True, 1.0), (False, 1.0)]


def test_training_with_a_scale_equals_training_without(tmp_path):
    weights = []
    for mixed_precision in (False, True):
        logdir = tmp_path / str(mixed_precision)
        with sessions.optimized():
            toy_training.train(logdir, 4, mixed_precision=mixed_precision, xla=mixed_precision)
        weights.append(toy_training.read(str(logdir / "model.ckpt-4")))
    assert weights[0].keys() == weights[1].keys()
    for name, value in weights[0].items():
        np.testing.assert_allclose(weights[1][name], value, rtol=1e-5, err_msg=name)


def _overflowing(limit: float):
    """A clone whose gradient overflows while the scale is above a limit."""

    @tf.custom_gradient
    def fragile(value):
        def gradient(upstream):
            return tf.where(upstream > limit, np.inf * upstream, upstream)

        return tf.identity(value), gradient

    def build_clone(batch):
        toy_training.build_clone(batch)
        losses = tf.get_collection_ref(tf.GraphKeys.LOSSES)
        losses[-1] = fragile(losses[-1])

    return build_clone


def test_steps_that_overflow_are_skipped_and_not_counted(tmp_path):
    whole, skipping = tmp_path / "whole", tmp_path / "skipping"
    # The same batch in each step, so that it does not matter which ones are skipped.
    arguments = {"open_batches": lambda batch_size, seed: toy_training.dataset(8).take(1).repeat()}
    toy_training.train(whole, 3, **arguments)
    toy_training.train(
        skipping, 3, mixed_precision=True, build_clone=_overflowing(2.0**13), **arguments
    )
    expected = toy_training.read(str(whole / "model.ckpt-3"))
    values = toy_training.read(str(skipping / "model.ckpt-3"))
    for name in ("body/weights", "logits/biases", "body/weights/Momentum", "global_step"):
        np.testing.assert_allclose(values[name], expected[name], rtol=1e-5, err_msg=name)


def test_gradients_that_overflow_at_any_scale_end_the_training(tmp_path):
    with pytest.raises(NonFiniteError, match="its gradients are not finite"):
        toy_training.train(tmp_path, 3, mixed_precision=True, build_clone=_overflowing(0.0))
