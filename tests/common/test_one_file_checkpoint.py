"""Checkpoints of one file, as TensorFlow wrote them before 0.12."""

import os

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from common import checkpoint_reader, one_file_checkpoint
from tests.support import published_files

VALUES = {
    "a/weights": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
    "a/biases": np.ones(3, np.float32),
    "global_step": np.int64(7),
}


@pytest.fixture
def old(tmp_path):
    path = tmp_path / "resnet_v1_50.ckpt"
    published_files.write_one_file_checkpoint(str(path), VALUES)
    return path


@pytest.mark.parametrize("name", ["new", "new[1]*?"])
def test_all_variables_keep_value_and_type(old, tmp_path, name):
    (tmp_path / name).mkdir()
    os.rename(old, tmp_path / name / "old.ckpt")
    prefix = str(tmp_path / name / "model.ckpt")
    one_file_checkpoint.convert(str(tmp_path / name / "old.ckpt"), prefix)
    reader = checkpoint_reader.Reader(prefix)
    assert reader.shapes.keys() == VALUES.keys()
    for key, value in VALUES.items():
        np.testing.assert_array_equal(reader.value(key), value)
        assert reader.value(key).dtype == value.dtype


def test_it_is_told_from_other_files(old, tmp_path):
    assert one_file_checkpoint.is_one(str(old))
    one_file_checkpoint.convert(str(old), str(tmp_path / "model.ckpt"))
    for name in ("model.ckpt.index", "model.ckpt.data-00000-of-00001", "model.ckpt", "."):
        assert not one_file_checkpoint.is_one(str(tmp_path / name))
    (tmp_path / "weights.ckpt").write_bytes(b"PK\3\4")
    assert not one_file_checkpoint.is_one(str(tmp_path / "weights.ckpt"))


def test_a_damaged_one_is_named(old, tmp_path):
    content = bytearray(old.read_bytes())
    content[20:40] = bytes(20)
    old.write_bytes(content)
    with pytest.raises(ValueError, match=rf"^{old} is damaged: .*Copy it again\.$"):
        one_file_checkpoint.convert(str(old), str(tmp_path / "model.ckpt"))
    assert not (tmp_path / "model.ckpt.index").exists()
    assert tf.get_default_graph().get_operations() == []
