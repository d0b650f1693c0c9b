"""Reading checkpoints: values and their types, and the assignment to variables."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from common import checkpoint_reader
from common.checkpoint_reader import Reader
from tests.training.test_checkpoints import save

VALUES = {
    "conv/weights": np.arange(6, dtype=np.float32).reshape(2, 3) / 4,
    "conv/biases": np.array([0.5, -1.0], np.float32),
}


def test_shapes_and_values_are_those_that_were_saved(tmp_path):
    reader = Reader(save(tmp_path, 30, VALUES))
    assert reader.shapes == {"conv/weights": (2, 3), "conv/biases": (2,), "global_step": ()}
    for name, value in VALUES.items():
        np.testing.assert_array_equal(reader.value(name), value)
    assert reader.value("global_step") == 30


def test_a_value_gets_another_type_where_it_can(tmp_path):
    reader = Reader(save(tmp_path, 30, VALUES))
    half = reader.value("conv/weights", tf.float16)
    assert half.dtype == np.float16
    np.testing.assert_array_equal(half, VALUES["conv/weights"])
    assert reader.value("conv/weights").dtype == np.float32
    texts = Reader(save(tmp_path / "texts", 1, {"names": np.array(["a", "b"], object)}))
    with pytest.raises(ValueError, match="is damaged: names cannot be read: could not convert"):
        texts.value("names", tf.float32)


def test_what_is_damaged_or_missing_is_named_with_what_lies_beside_it(tmp_path):
    prefix = save(tmp_path, 30, VALUES)
    with pytest.raises(ValueError, match=r"ckpt-9 does not exist \(no file .*ckpt-9\.index\)\.$"):
        Reader(str(tmp_path / "model.ckpt-9"))
    reader = Reader(prefix)
    with pytest.raises(ValueError, match=r"conv/none cannot be read.*Copy it again, or take ano"):
        reader.value("conv/none")
    save(tmp_path, 20, VALUES)
    with open(f"{prefix}.data-00000-of-00001", "rb+") as file:
        file.write(b"\xff" * 40)  # More than the variables have.
    damaged = Reader(prefix)
    for name in VALUES:
        with pytest.raises(ValueError, match=r"beside it are model\.ckpt-20\..* remove .*-30\.\*$"):
            damaged.value(name)


def test_load_sets_variables_of_other_names_and_types_and_adds_nothing_to_the_graph(tmp_path):
    reader = Reader(save(tmp_path, 30, VALUES))
    mine = tf.get_variable("mine", [2, 3], tf.float16, initializer=tf.zeros_initializer())
    other = tf.get_variable("other", initializer=np.float32([3.0, 4.0]))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        tf.get_default_graph().finalize()
        checkpoint_reader.load(session, reader, {"conv/weights": mine})
        values = session.run([mine, other])
    np.testing.assert_array_equal(values[0], VALUES["conv/weights"])
    np.testing.assert_array_equal(values[1], [3.0, 4.0])


@pytest.mark.parametrize(("limit", "sizes"), [(1 << 28, [3]), (24, [1, 2]), (1, [1, 1, 1])])
def test_large_values_are_given_in_several_calls(monkeypatch, limit, sizes):
    """The first has 24 bytes, the others have 8."""
    monkeypatch.setattr(checkpoint_reader, "_BYTES_PER_RUN", limit)
    values = [*VALUES.values(), np.array([7.0, 8.0], np.float32)]
    variables = [
        tf.get_variable(f"v{index}", value.shape, initializer=tf.zeros_initializer())
        for index, value in enumerate(values)
    ]
    with tf.Session() as session:
        calls = []
        run = session.run

        def counting(fetches, feed=None):
            calls.append(len(fetches))
            return run(fetches, feed)

        monkeypatch.setattr(session, "run", counting)
        checkpoint_reader.assign(session, zip(variables, values, strict=True))
        found = run(variables)
    assert calls == sizes
    for value, expected in zip(found, values, strict=True):
        np.testing.assert_array_equal(value, expected)
