"""The check inside a step, and the one before saving."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from training.nan_guard import FiniteGuard, NonFiniteError, finite_values


def _guarded_update(guard: FiniteGuard):
    """Returns placeholders of loss and norm, and a variable with an update behind the check."""
    loss, norm = tf.placeholder(tf.float32, []), tf.placeholder(tf.float32, [])
    variable = tf.get_variable("x", initializer=1.0)
    check = guard.check(loss, norm, {"name": tf.constant(["a", "b"]), "label": tf.range(40)})
    with tf.control_dependencies([check]):
        update = tf.assign_add(variable, 1.0)
    return loss, norm, variable, update


def test_update_happens_behind_finite_values_only():
    guard = FiniteGuard(lambda batch: {"files": batch["name"], "labels": batch["label"]})
    loss, norm, variable, update = _guarded_update(guard)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(update, {loss: 3.0, norm: 0.0})
        assert guard.finding == ""

        for bad in (
            {loss: np.nan, norm: np.nan},
            {loss: np.inf, norm: 1.0},
            {loss: 1, norm: np.inf},
        ):
            with pytest.raises(tf.errors.OpError):
                session.run(update, bad)

        assert session.run(variable) == 2.0
    assert guard.finding.startswith(
        "the loss is 1, but its gradients are not finite (norm inf); files: a, b; labels: 0, 1, 2,"
    )
    assert guard.finding.endswith("31 and 8 more")


def test_batch_is_described_after_a_failure_only():
    calls = []

    def describe(batch):
        counted = tf.py_func(lambda name: calls.append(1) or name, [batch["name"]], tf.string)
        return {"files": counted}

    loss, norm, _, update = _guarded_update(FiniteGuard(describe))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(update, {loss: 3.0, norm: 1.0})
        assert not calls
        with pytest.raises(tf.errors.OpError):
            session.run(update, {loss: np.nan, norm: 1.0})
        assert len(calls) == 1


def test_variables_that_are_not_finite_are_named():
    variables = [
        tf.get_variable("good", initializer=[1.0, 2.0]),
        tf.get_variable("bad", initializer=[1.0, np.inf]),
        tf.get_variable("count", initializer=3),
        tf.get_variable("worse", initializer=np.nan),
    ]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        with pytest.raises(NonFiniteError, match=r"2 variables .*not finite: bad, worse"):
            finite_values(session, variables)
        session.run(
            [variables[1].initializer, variables[3].initializer],
            {
                variables[1].initializer.inputs[1]: [0.0, 0.0],
                variables[3].initializer.inputs[1]: 0.0,
            },
        )
        values = finite_values(session, variables)
    assert values["count"] == 3
    np.testing.assert_array_equal(values["bad"], [0, 0])


def test_variables_are_read_in_portions(monkeypatch):
    """An answer of another process holds no more than 2 GiB."""
    monkeypatch.setattr("training.nan_guard._BYTES_PER_RUN", 8)
    sizes = (1, 1, 1, 5, 2, 0)
    variables = [
        tf.get_variable(f"v{index}", initializer=np.full(size, index, np.float32))
        for index, size in enumerate(sizes)
    ]
    fetched = []
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        run = session.run

        def count(fetches):
            fetched.append(list(fetches))
            return run(fetches)

        monkeypatch.setattr(session, "run", count)
        values = finite_values(session, variables)
    assert fetched == [["v0", "v1"], ["v2"], ["v3"], ["v4", "v5"]]
    assert list(values) == [f"v{index}" for index in range(6)]
    for index, size in enumerate(sizes):
        np.testing.assert_array_equal(values[f"v{index}"], [index] * size)
