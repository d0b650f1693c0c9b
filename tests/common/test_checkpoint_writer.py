"""Checkpoints of values that are in memory."""

import numpy as np
import tensorflow.compat.v1 as tf

from common import checkpoint_reader
from common.checkpoint_writer import Writer

TYPES = {"weights": tf.float32, "half": tf.float16, "step": tf.int64, "phase": tf.string}


def test_every_checkpoint_has_the_values_and_types_of_its_time(tmp_path):
    writer = Writer(TYPES)
    written = {}
    for step in (1, 2):
        written[step] = {
            "weights": np.full((2, 3), step / 3, np.float32),
            "half": np.float16(step / 3),
            "step": np.int64(step << 40),
            "phase": np.array(b"begun", object),
        }
        writer.write(str(tmp_path / f"model.ckpt-{step}"), written[step])

    for step, values in written.items():
        reader = checkpoint_reader.Reader(str(tmp_path / f"model.ckpt-{step}"))
        assert set(reader.shapes) == set(TYPES)
        for name, value in values.items():
            np.testing.assert_array_equal(reader.value(name), value)
            assert tf.as_dtype(reader.value(name).dtype) == TYPES[name]


def test_the_graph_at_hand_stays_as_it_is(tmp_path):
    Writer(TYPES)
    assert not tf.get_default_graph().get_operations()
