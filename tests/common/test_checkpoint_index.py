"""The index of a checkpoint: what sound ones look like, and what is said of others."""

import os

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from common import checkpoint_index
from common.checkpoint_index import DamagedIndexError
from tests.support import mangled_checkpoint

VALUES = {"a/weights": np.ones([2, 3], np.float32), "b/steps": np.int64(7)}


@pytest.fixture
def prefix(tmp_path) -> str:
    with tf.Session() as session:
        for name, value in VALUES.items():
            tf.get_variable(name, initializer=value)
        session.run(tf.global_variables_initializer())
        return tf.train.Saver().save(session, str(tmp_path / "model.ckpt"))


def change(prefix: str, name: str, **fields) -> None:
    """Writes the index again with other fields of an entry."""
    path = f"{prefix}.index"
    with open(path, "rb") as file:
        entries = mangled_checkpoint.read_entries(file.read())
    for field, value in fields.items():
        setattr(entries[name], field, value)
    with open(path, "wb") as file:
        file.write(mangled_checkpoint.write_entries(entries))


def test_every_kind_of_variable_that_tensorflow_saves_is_sound(tmp_path):
    """Parts of a variable, texts, what is empty, and data in several files."""
    values = {
        "texts": np.array(["a", "longer", ""], object),
        "empty": np.zeros([0, 5], np.float32),
        "flag": np.array(True),
        **{f"layer{index}/weights": np.ones([40, 9], np.float16) for index in range(30)},
    }
    for device, (name, value) in enumerate(values.items()):
        with tf.device(f"/job:localhost/replica:0/task:0/device:CPU:{device % 2}"):
            tf.get_variable(name, initializer=tf.constant(value), use_resource=False)
    with (
        tf.device("/job:localhost/replica:0/task:0/device:CPU:0"),
        tf.variable_scope("parts", partitioner=tf.fixed_size_partitioner(3)),
    ):
        tf.get_variable("rows", [9, 2], use_resource=False)
    config = tf.ConfigProto(device_count={"CPU": 2})
    with tf.Session(config=config) as session:
        session.run(tf.global_variables_initializer())
        prefix = tf.train.Saver(sharded=True).save(session, str(tmp_path / "model.ckpt"))
    assert len(list(tmp_path.glob("*.data-*"))) == 2
    checkpoint_index.check(prefix)
    data = max(map(str, tmp_path.glob("*.data-*")))
    os.truncate(data, os.path.getsize(data) - 1)
    with pytest.raises(DamagedIndexError, match="cannot be read: it is said to end at byte"):
        checkpoint_index.check(prefix)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"size": 20}, r"a/weights cannot be read: its shape is \[2, 3\], in 20 bytes"),
        ({"dtype": 2}, r"a/weights cannot be read: its shape is \[2, 3\], in 24 bytes"),
        ({"dtype": 101}, "a/weights cannot be read: its type is 101, which no variable has"),
        ({"shard_id": 1}, "a/weights cannot be read: it is said to be in data file 1 of 1"),
        ({"offset": 9}, "it is said to end at byte 33 of .*-00000-of-00001, which has 32"),
    ],
)
def test_a_number_that_does_not_fit_is_told(prefix, fields, message):
    checkpoint_index.check(prefix)
    change(prefix, "a/weights", **fields)
    with pytest.raises(DamagedIndexError, match=message):
        checkpoint_index.check(prefix)


def test_an_index_that_is_too_large_is_not_read(prefix, monkeypatch):
    size = os.path.getsize(f"{prefix}.index")
    monkeypatch.setattr(checkpoint_index, "_MAX_BYTES", size - 1)
    with pytest.raises(DamagedIndexError, match=rf"\.index has {size} bytes, which no index has"):
        checkpoint_index.check(prefix)


def test_what_is_another_file_is_told_from_what_is_damaged(prefix):
    path = f"{prefix}.index"
    with open(path, "rb") as file:
        content = file.read()
    for changed, message in (
        (content[:20], "it has 20 bytes; it is truncated or another file"),
        (content[:-1] + b"x", "its end is not that of an index"),
        (content[50:], "its blocks lie outside of it"),
        (b"\xff" + content[1:], "is damaged"),
    ):
        with open(path, "wb") as file:
            file.write(changed)
        with pytest.raises(DamagedIndexError, match=message) as caught:
            checkpoint_index.check(prefix)
        assert str(caught.value).startswith(path)


def test_a_compressed_index_is_left_to_tensorflow(prefix):
    """The byte after the first block, which is that of the entries, says how it is compressed."""
    path = f"{prefix}.index"
    with open(path, "rb") as file:
        content = bytearray(file.read())
    footer = bytes(content[-48:])
    _, place = checkpoint_index._handle(footer, 0)
    (start, size), _ = checkpoint_index._handle(footer, place)
    content[start + size] = 1
    with open(path, "wb") as file:
        file.write(content)
    os.remove(f"{prefix}.data-00000-of-00001")
    checkpoint_index.check(prefix)
