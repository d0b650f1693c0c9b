"""Checkpoints of a training run: what is saved, kept, removed, and restored."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from tests.support import toy_training
from tests.support.full_disk import full_disk
from training.checkpointer import Checkpointer
from training.ema import Averages
from training.nan_guard import NonFiniteError
from training.options import OptimizerOptions


def test_update_that_overflows_is_not_saved(tmp_path):
    toy_training.train(tmp_path, 1)
    files = toy_training.checkpoint_files(tmp_path)

    with pytest.raises(NonFiniteError, match=r"step 2: .* variables hold values .*body/weights"):
        toy_training.train(
            tmp_path,
            2,
            optimizer_options=OptimizerOptions(base_learning_rate=3e38, learning_power=0.0),
        )

    assert toy_training.checkpoint_files(tmp_path) == files


def test_checkpoints_beyond_the_limit_are_removed_those_of_earlier_runs_too(tmp_path):
    for steps in (1, 2, 3):
        toy_training.train(tmp_path, steps, max_checkpoints_to_keep=2)

    assert sorted(path.name for path in tmp_path.glob("*.index")) == [
        "model.ckpt-2.index",
        "model.ckpt-3.index",
    ]


def test_checkpoint_that_cannot_be_written_leaves_nothing_behind(tmp_path):
    tf.get_variable("weights", initializer=np.ones(100, np.float32))
    checkpointer = Checkpointer(str(tmp_path), max_checkpoints_to_keep=5)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        checkpointer.save(session, 1)
        files = toy_training.checkpoint_files(tmp_path)

        with (
            full_disk(),
            pytest.raises(
                OSError,
                match=rf"-2 cannot .* disk full\? The last good .* {tmp_path}/model.ckpt-1\.",
            ),
        ):
            checkpointer.save(session, 2)

    assert toy_training.checkpoint_files(tmp_path) == files
    assert checkpointer.newest == str(tmp_path / "model.ckpt-1")


@pytest.fixture
def session():
    """A session with a weight and the step count; the test makes the checkpointer."""
    tf.train.create_global_step()
    tf.get_variable("weights", initializer=np.float32([1.0, 2.0]))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        yield session


def set_weights(session, *values: float) -> None:
    (weights,) = tf.trainable_variables()
    weights.load(np.float32(values), session)


def make_averages() -> Averages:
    return Averages(tf.trainable_variables(), 0.9)


def test_one_step_is_saved_once_unless_its_files_are_gone(tmp_path, session):
    folders = []
    checkpointer = Checkpointer(str(tmp_path), 5, ensure_folder=lambda: folders.append(tmp_path))
    assert checkpointer.describe_newest() == "No checkpoint was saved before."
    assert checkpointer.save(session, 3)
    assert not checkpointer.save(session, 3)
    (tmp_path / "model.ckpt-3.index").unlink()
    assert checkpointer.save(session, 3)
    assert len(folders) == 3
    assert checkpointer.describe_newest().endswith(f" is {tmp_path}/model.ckpt-3.")


def test_as_many_are_kept_as_asked_for_and_0_is_all(tmp_path, session):
    for kept, steps in ((2, ["4", "5"]), (0, ["1", "2", "3", "4", "5"])):
        folder = tmp_path / str(kept)
        folder.mkdir()
        checkpointer = Checkpointer(str(folder), kept)
        for step in range(1, 6):
            checkpointer.save(session, step)
        assert sorted(path.stem[-1] for path in folder.glob("*.index")) == steps


def test_restored_values_are_those_that_were_saved(tmp_path, session):
    Checkpointer(str(tmp_path), 5).save(session, 3)
    set_weights(session, 8.0, 9.0)
    checkpointer = Checkpointer(str(tmp_path), 1)
    checkpointer.restore(session, str(tmp_path / "model.ckpt-3"))
    assert session.run(tf.trainable_variables())[0].tolist() == [1.0, 2.0]
    assert checkpointer.newest == str(tmp_path / "model.ckpt-3")
    checkpointer.save(session, 4)
    assert [path.name for path in tmp_path.glob("*.index")] == ["model.ckpt-4.index"]


def test_a_checkpoint_of_another_folder_is_followed_but_never_removed(tmp_path, session):
    (tmp_path / "mine").mkdir()
    (tmp_path / "other").mkdir()
    Checkpointer(str(tmp_path / "other"), 5).save(session, 3)
    (tmp_path / "mine" / "checkpoint").write_text(
        f'model_checkpoint_path: "{tmp_path}/other/model.ckpt-3"\n'
    )
    checkpointer = Checkpointer(str(tmp_path / "mine"), 1)
    checkpointer.follow(str(tmp_path / "other" / "model.ckpt-3"))
    for step in (4, 5):
        checkpointer.save(session, step)
    assert [str(path.relative_to(tmp_path)) for path in sorted(tmp_path.rglob("*.index"))] == [
        "mine/model.ckpt-5.index",
        "other/model.ckpt-3.index",
    ]


def test_averages_that_a_checkpoint_lacks_start_from_its_weights(tmp_path, session):
    prefix = str(tmp_path / "model.ckpt-3")
    plain = Checkpointer(str(tmp_path), 5)
    assert plain.save(session, 3)
    averages = make_averages()
    checkpointer = Checkpointer(str(tmp_path), 5, averages)
    session.run(tf.global_variables_initializer())
    set_weights(session, 8.0, 9.0)
    assert "it has no averages of its weights (ema_decay), so" in checkpointer.check(prefix)
    checkpointer.restore(session, prefix)
    assert session.run(averages.variables[0]).tolist() == [1.0, 2.0]


def test_averages_are_restored_or_dropped_with_a_warning(tmp_path, session):
    prefix = str(tmp_path / "model.ckpt-3")
    plain = Checkpointer(str(tmp_path), 5)
    averages = make_averages()
    session.run(tf.variables_initializer(averages.variables))
    averages.variables[0].load(np.float32([5.0, 6.0]), session)
    checkpointer = Checkpointer(str(tmp_path), 5, averages)
    checkpointer.save(session, 3)
    averages.variables[0].load(np.float32([0.0, 0.0]), session)
    assert checkpointer.check(prefix) == ""
    checkpointer.restore(session, prefix)
    assert session.run(averages.variables[0]).tolist() == [5.0, 6.0]
    assert "\nwarning: its averages of the weights are dropped" in plain.check(prefix)
