"""Mangled checkpoints: one line that names the file, never a traceback, never the process's end.

In the fast tests TensorFlow would end the process, if it saw these files. Each mangled checkpoint
is opened as a resumed training, a warm start and every other reader open it.
"""

import collections
import os
import random

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from common import checkpoint_reader
from tests.support import mangled_checkpoint
from tests.training.test_checkpoints import save
from training import checkpoints, loop
from training.options import TrainOptions
from training.warm_start import WarmStart

VALUES = {
    f"net/conv{index}/weights": np.arange(60, dtype=np.float32).reshape(6, 10) + index
    for index in range(4)
}
VICTIM = "net/conv1/weights"


def open_all_ways(folder) -> dict[str, np.ndarray]:
    """Resumes, warm starts and reads; returns the values that each way agrees on.

    Raises:
      ValueError: a way refuses the checkpoint.
    """
    start = loop.find_start(TrainOptions(str(folder)))
    prefix = start.checkpoint or checkpoints.find_checkpoint(str(folder))
    with tf.Graph().as_default(), tf.Session() as session:
        variables = [
            tf.get_variable(name, value.shape, initializer=tf.zeros_initializer())
            for name, value in VALUES.items()
        ]
        checkpoints.check_restorable(prefix, variables)
        session.run(tf.global_variables_initializer())
        WarmStart(prefix, variables).load(session)
        warm = session.run({variable.op.name: variable for variable in variables})
        checkpoint_reader.load(
            session,
            checkpoints.Reader(prefix),
            {variable.op.name: variable for variable in variables},
        )
        for name, value in session.run({each.op.name: each for each in variables}).items():
            np.testing.assert_array_equal(value, warm[name])
    return warm


def check(folder) -> str:
    """Returns "refused" or "read", and makes sure that either was done well."""
    try:
        values = open_all_ways(folder)
    except ValueError as error:
        message = str(error)
        assert str(folder) in message
        assert "\n" not in message
        assert len(message) < 800
        return "refused"
    for name, value in VALUES.items():
        np.testing.assert_array_equal(values[name], value)
    return "read"


def with_entry(**changes):
    """Returns what changes the entry of a variable in an index."""

    def change(index: bytes) -> bytes:
        entries = mangled_checkpoint.read_entries(index)
        entry = entries[VICTIM]
        if "shape" in changes:
            del entry.shape.dim[:]
            for size in changes["shape"]:
                entry.shape.dim.add(size=size)
        for name in set(changes) - {"shape"}:
            setattr(entry, name, changes[name])
        return mangled_checkpoint.write_entries(entries)

    return change


# Those of which TensorFlow ends the process are marked.
WRONG_INDEXES = {
    "negative shape": with_entry(shape=[-6, -10]),  # ends it
    "shape that overflows": with_entry(shape=[1 << 40, 1 << 40, 1 << 40]),  # ends it
    "empty shape that overflows": with_entry(shape=[1 << 40, 1 << 40, 0], size=0),  # ends it
    "300 dimensions": with_entry(shape=[1] * 300, size=4),  # ends it
    "unknown type": with_entry(dtype=999),  # ends it
    "no type": with_entry(dtype=0),  # ends it
    "reference type": with_entry(dtype=101),  # ends it
    "huge": with_entry(shape=[1 << 16, 1 << 16], size=1 << 34),
    "strings": with_entry(dtype=7),
    "another size": with_entry(size=236),
    "beyond the end": with_entry(offset=1 << 60),
    "before the beginning": with_entry(offset=-4),
    "in another file": with_entry(shard_id=3),
    "of no file": lambda index: mangled_checkpoint.write_entries(
        mangled_checkpoint.read_entries(index), num_shards=0
    ),
    "nothing": lambda index: b"",
    "text": lambda index: b"this is no index\n" * 20,
    "blocks outside": lambda index: index[:-48] + b"\xff" * 9 + b"\x01" * 31 + index[-8:],
    "cut": lambda index: index[:-60],
}


def test_rewritten_index_is_read(tmp_path):
    prefix = save(tmp_path, 7, VALUES)
    with open(f"{prefix}.index", "rb") as file:
        index = file.read()
    with open(f"{prefix}.index", "wb") as file:
        file.write(with_entry()(index))

    assert check(tmp_path) == "read"


@pytest.mark.parametrize("wrong", WRONG_INDEXES)
def test_index_that_lies_is_refused_before_tensorflow_sees_it(tmp_path, monkeypatch, wrong):
    save(tmp_path, 3, VALUES)
    prefix = save(tmp_path, 7, VALUES)
    with open(f"{prefix}.index", "rb") as file:
        index = file.read()
    with open(f"{prefix}.index", "wb") as file:
        file.write(WRONG_INDEXES[wrong](index))
    if wrong != "strings":
        monkeypatch.setattr(tf.train, "NewCheckpointReader", None)

    with pytest.raises(
        ValueError, match=r"model\.ckpt-7 is damaged: .*beside it are model\.ckpt-3"
    ):
        open_all_ways(tmp_path)


def test_missing_or_short_data_file_is_named(tmp_path):
    prefix = save(tmp_path, 7, VALUES)
    data = f"{prefix}.data-00000-of-00001"
    size = os.path.getsize(data)
    os.truncate(data, size - 1)
    with pytest.raises(ValueError, match=rf"{data}, which has {size - 1}"):
        open_all_ways(tmp_path)
    os.remove(data)
    with pytest.raises(ValueError, match=f"the file {data} is missing"):
        open_all_ways(tmp_path)


def test_older_checkpoint_is_taken_when_the_damaged_one_is_removed(tmp_path):
    save(tmp_path, 3, VALUES)
    prefix = save(tmp_path, 7, VALUES)
    os.truncate(f"{prefix}.index", 10)
    with pytest.raises(ValueError, match=rf"remove {prefix}\.\*$"):
        loop.find_start(TrainOptions(str(tmp_path)))

    for path in tmp_path.glob("model.ckpt-7.*"):
        path.unlink()

    assert loop.find_start(TrainOptions(str(tmp_path))).step == 3


@pytest.mark.parametrize(
    "step", [np.int64(-3), np.float32(2.5), np.zeros(3, np.int64), np.array(b"seven")]
)
def test_step_count_that_is_none_is_refused(tmp_path, step):
    prefix = save(tmp_path, None, {**VALUES, "global_step": step})

    with pytest.raises(ValueError, match=rf"{prefix} has the step count .*expected a number"):
        checkpoints.read_step(prefix)


def mangle(content: bytes, rng: random.Random) -> bytes:
    """Returns content with some bits flipped, cut off, or with a part overwritten or doubled."""
    way = rng.randrange(4)
    place = rng.randrange(len(content))
    if way == 0:
        changed = bytearray(content)
        for _ in range(rng.choice((1, 1, 1, 8))):
            changed[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        return bytes(changed)
    if way == 1:
        return content[:place]
    length = rng.randrange(1, 40)
    if way == 2:
        return content[:place] + rng.randbytes(length) + content[place + length :]
    return content[:place] + content[max(0, place - length) :]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_mangled_checkpoints_are_refused_or_read_right(tmp_path, seed):
    """300 files each of index, data and `checkpoint`."""
    rng = random.Random(seed)
    folder = tmp_path / "run"
    prefix = save(folder, 7, VALUES)
    files = {
        name: (folder / name).read_bytes()
        for name in ("checkpoint", "model.ckpt-7.index", "model.ckpt-7.data-00000-of-00001")
    }
    assert str(folder / "model.ckpt-7") == prefix
    outcomes = collections.Counter()
    for number in range(300):
        name = list(files)[number % 3]
        for other, content in files.items():
            (folder / other).write_bytes(content)
        (folder / name).write_bytes(mangle(files[name], rng))
        outcomes[name, check(folder)] += 1

    assert outcomes["checkpoint", "read"] == 100
    assert outcomes["model.ckpt-7.index", "refused"] > 80
    assert outcomes["model.ckpt-7.data-00000-of-00001", "refused"] > 80
