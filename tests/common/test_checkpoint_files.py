"""Checkpoints under any path, and what is found, read and removed of them."""

import os

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from common import checkpoint_files, checkpoint_reader
from training import checkpoints
from training.checkpointer import Checkpointer

WEIGHTS = np.arange(6, dtype=np.float32).reshape(2, 3)
NAMES = [
    "cars [v2]",
    "star*",
    "what?",
    "back\\slash",
    "[!a]",
    "'single' \"double\"",
    "Größe 図",
    "{a,b}",
    "%s $HOME ~",
    "line\nbreak",
    "/".join(["d" * 250] * 8),
]


def save_steps(folder, *steps: int, max_to_keep: int = 5) -> Checkpointer:
    """Saves a checkpoint for each step, whose weights are WEIGHTS + step."""
    os.makedirs(folder, exist_ok=True)
    with tf.Graph().as_default():
        weights = tf.get_variable("weights", initializer=WEIGHTS)
        tf.get_variable("global_step", initializer=np.int64(0))
        checkpointer = Checkpointer(str(folder), max_to_keep)
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            newest = checkpoints.latest_checkpoint(str(folder))
            if newest:
                checkpointer.restore(session, newest)
            for step in steps:
                weights.load(WEIGHTS + step, session)
                checkpointer.save(session, step)
    return checkpointer


def restored(prefix: str) -> np.ndarray:
    """Returns the weights after a restore."""
    with tf.Graph().as_default(), tf.Session() as session:
        weights = tf.get_variable("weights", [2, 3], initializer=tf.zeros_initializer())
        checkpoint_reader.load(session, checkpoint_reader.Reader(prefix), {"weights": weights})
        return session.run(weights)


def all_files(folder) -> set[str]:
    """Returns the names of the files in a folder."""
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_folder_of_any_name_is_written_read_and_tidied(tmp_path, name):
    folder = tmp_path / name

    save_steps(folder, 1, 2, 3, max_to_keep=2)
    save_steps(folder, 4, max_to_keep=2)

    assert checkpoint_files.latest(str(folder)) == str(folder / "model.ckpt-4")
    np.testing.assert_array_equal(restored(str(folder / "model.ckpt-4")), WEIGHTS + 4)
    np.testing.assert_array_equal(restored(str(folder / "model.ckpt-3")), WEIGHTS + 3)
    files = [f"model.ckpt-{n}.{end}" for n in (3, 4) for end in ("data-00000-of-00001", "index")]
    assert all_files(folder) == {"checkpoint", *files}
    # TensorFlow's own programs read the file `checkpoint`, too.
    assert tf.train.get_checkpoint_state(str(folder)).model_checkpoint_path == str(
        folder / "model.ckpt-4"
    )


@pytest.mark.parametrize("name", ["best [0.8].ckpt-5", "a*.ckpt", "?"])
def test_checkpoint_itself_may_have_any_name(tmp_path, name):
    save_steps(tmp_path, 5)
    for path in checkpoint_files.files_of(str(tmp_path / "model.ckpt-5")):
        os.rename(path, path.replace("model.ckpt-5", name))

    found = checkpoints.find_checkpoint(str(tmp_path / f"{name}.index"))

    assert found == str(tmp_path / name)
    np.testing.assert_array_equal(restored(found), WEIGHTS + 5)


def test_paths_through_links_and_relative_ones_with_a_slash_at_the_end(tmp_path, monkeypatch):
    save_steps(tmp_path / "a [b]", 1)
    (tmp_path / "link*").symlink_to(tmp_path / "a [b]")
    monkeypatch.chdir(tmp_path)

    save_steps("a [b]/", 2)

    for folder in ("a [b]", "a [b]/", "./link*", str(tmp_path / "link*")):
        np.testing.assert_array_equal(restored(checkpoint_files.latest(folder)), WEIGHTS + 2)


@pytest.mark.parametrize("pattern", ["run?", "run[1]", "*", "run1*"])
def test_checkpoints_of_another_folder_are_never_removed(tmp_path, pattern):
    save_steps(tmp_path / "run1", 1, 2, 3)
    before = all_files(tmp_path / "run1")

    save_steps(tmp_path / pattern, 1, 2, 3, max_to_keep=1)

    assert all_files(tmp_path / "run1") == before
    assert len(all_files(tmp_path / pattern)) == 3


def test_only_files_of_the_checkpoint_are_removed(tmp_path):
    for name in (
        "model.ckpt-10.data-00000-of-00001",
        "model.ckpt-1.index.txt",
        "model.ckpt-1.notes",
        "model.ckpt-1",
    ):
        (tmp_path / name).write_text("kept")
    before = all_files(tmp_path)

    save_steps(tmp_path, 1, 2, max_to_keep=1)

    assert all_files(tmp_path) - before == {
        *("checkpoint", "model.ckpt-2.index", "model.ckpt-2.data-00000-of-00001")
    }


def test_copied_folder_is_its_own_and_leaves_the_first_one_alone(tmp_path):
    """The file `checkpoint` of other programs has absolute paths."""
    save_steps(tmp_path / "first", 1, 2)
    (tmp_path / "copy").mkdir()
    for path in (tmp_path / "first").iterdir():
        (tmp_path / "copy" / path.name).write_bytes(path.read_bytes())
    paths = [str(tmp_path / "first" / f"model.ckpt-{step}") for step in (1, 2)]
    tf.train.update_checkpoint_state(str(tmp_path / "copy"), paths[1], paths)
    assert f'"{paths[1]}"' in (tmp_path / "copy" / "checkpoint").read_text()
    before = all_files(tmp_path / "first")

    assert checkpoint_files.latest(str(tmp_path / "copy")) == str(tmp_path / "copy/model.ckpt-2")
    save_steps(tmp_path / "copy", 3, max_to_keep=1)

    assert all_files(tmp_path / "first") == before
    assert len(all_files(tmp_path / "copy")) == 3


STATES = {
    "rubbish": b"\xff\xfe\x00rubbish",
    "empty": b"",
    "no path": b'all_model_checkpoint_paths: "model.ckpt-1"\n',
    "another machine": b'model_checkpoint_path: "/home/them/run/model.ckpt-7"\n',
    "another machine, same name": b'model_checkpoint_path: "/home/them/run/model.ckpt-2"\n',
    "numbers": b'model_checkpoint_path: "model.ckpt-2"\nlast_preserved_timestamp: 1e999\n',
    "huge": b"#" * (1 << 20),
}


@pytest.mark.parametrize("state", STATES)
def test_state_file_that_makes_no_sense_does_not_hide_the_checkpoints(tmp_path, state):
    save_steps(tmp_path, 1, 2)
    (tmp_path / "checkpoint").write_bytes(STATES[state])

    assert checkpoint_files.latest(str(tmp_path)) == str(tmp_path / "model.ckpt-2")


def test_what_killed_writers_left_is_removed_and_nothing_else(tmp_path):
    save_steps(tmp_path, 1)
    (tmp_path / "events.out.tfevents.1.host").write_text("events")
    (tmp_path / "notes_temp").mkdir()
    (tmp_path / "notes_temp" / "mine.txt").write_text("mine")
    before = all_files(tmp_path)
    leftovers = [
        "model.ckpt-9.index.tempstate123",
        "model.ckpt-9.data-00000-of-00001.tempstate18446744073709551615",
        "checkpoint.tmp0123456789abcdef0123456789abcdef",
        "model.ckpt-9_temp_0123abcd/part-00000-of-00001.data-00000-of-00001",
        "model.ckpt-9_temp/part-00000-of-00001.index",
        ".checkpoint.otherhost-1-1.tmp",
    ]
    for name in leftovers:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("half")
    os.utime(tmp_path / leftovers[-1], (0, 0))

    removed = checkpoint_files.remove_leftovers(str(tmp_path))

    assert len(removed) == len(leftovers)
    assert all_files(tmp_path) == before
    assert (tmp_path / "notes_temp" / "mine.txt").exists()
