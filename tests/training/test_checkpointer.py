"""Checkpoints of a training run: what is saved, kept, removed, and restored."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from tests.support import toy_training
from tests.support.full_disk import full_disk
from training.checkpointer import Checkpointer
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
