"""Finding and reading checkpoints."""

import os

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from training import checkpoints


def save(folder, step: int | None, variables: dict[str, np.ndarray], *, state: bool = True) -> str:
    """Saves a checkpoint and returns its prefix; without `state` as downloads have it."""
    os.makedirs(folder, exist_ok=True)
    with tf.Graph().as_default(), tf.Session() as session:
        for name, value in variables.items():
            tf.get_variable(name, initializer=value)
        if step is not None:
            tf.get_variable("global_step", initializer=np.int64(step))
        session.run(tf.global_variables_initializer())
        return tf.train.Saver(save_relative_paths=True).save(
            session,
            os.path.join(folder, "model.ckpt"),
            global_step=step,
            write_meta_graph=False,
            write_state=state,
        )


WEIGHTS = {"conv/weights": np.arange(6, dtype=np.float32).reshape(2, 3)}


def test_latest_is_what_the_state_file_says(tmp_path):
    save(tmp_path, 200, WEIGHTS)
    last = save(tmp_path, 100, WEIGHTS)

    assert checkpoints.latest_checkpoint(str(tmp_path)) == last


def test_latest_without_state_file_is_the_highest_step(tmp_path):
    for step in (9, 100, 20):
        save(tmp_path, step, WEIGHTS, state=False)

    assert checkpoints.latest_checkpoint(str(tmp_path)) == str(tmp_path / "model.ckpt-100")
    assert checkpoints.latest_checkpoint(str(tmp_path / "nowhere")) is None


@pytest.mark.parametrize("name", ["", "model.ckpt-5", "model.ckpt-5.index"])
@pytest.mark.parametrize("state", [True, False])
def test_checkpoint_is_found_by_folder_prefix_and_file(tmp_path, name, state):
    prefix = save(tmp_path, 5, WEIGHTS, state=state)

    assert checkpoints.find_checkpoint(os.path.join(str(tmp_path), name)) in (
        prefix,
        str(tmp_path / "model.ckpt-5"),
    )


def test_missing_checkpoint_is_named_with_one_that_is_there(tmp_path):
    save(tmp_path, 5, WEIGHTS)

    with pytest.raises(
        ValueError, match=r"model.ckpt-6 does not exist .*There is .*model.ckpt-5\."
    ):
        checkpoints.find_checkpoint(str(tmp_path / "model.ckpt-6"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="empty holds no checkpoint"):
        checkpoints.find_checkpoint(str(tmp_path / "empty"))


def test_reader_leaves_the_optimizers_variables_out_of_the_weights(tmp_path):
    slots = {f"conv/weights/{slot}": WEIGHTS["conv/weights"] for slot in ("Momentum", "Adam_1")}
    reader = checkpoints.Reader(save(tmp_path, 3, {**WEIGHTS, **slots}))

    assert reader.weights == ["conv/weights"]
    assert reader.shapes["conv/weights/Adam_1"] == (2, 3)
    np.testing.assert_array_equal(reader.value("conv/weights"), WEIGHTS["conv/weights"])


def test_truncated_checkpoint_is_named(tmp_path):
    prefix = save(tmp_path, 3, {"conv/weights": np.ones((100, 100), np.float32)})
    os.truncate(f"{prefix}.data-00000-of-00001", 1000)
    variable = tf.get_variable("conv/weights", [100, 100])

    with pytest.raises(ValueError, match=r"model.ckpt-3 is damaged: conv/weights cannot be read"):
        checkpoints.check_restorable(prefix, [variable])


def test_file_that_is_no_checkpoint_is_named(tmp_path):
    (tmp_path / "model.ckpt.index").write_bytes(b"no index")

    with pytest.raises(
        ValueError, match=r"model.ckpt is damaged: .*model.ckpt.index: it has 8 bytes"
    ):
        checkpoints.read_step(str(tmp_path / "model.ckpt"))


def test_checkpoint_of_another_network_is_refused_with_names_and_shapes(tmp_path):
    prefix = save(tmp_path, 3, {**WEIGHTS, "other/weights": np.zeros(4, np.float32)})
    variables = [tf.get_variable("conv/weights", [2, 5]), tf.get_variable("logits/biases", [2])]

    with pytest.raises(ValueError, match="another network") as failure:
        checkpoints.check_restorable(prefix, variables)

    assert (
        "conv/weights is [2, 3] in the checkpoint and [2, 5] in the network; "
        "missing from the checkpoint: logits/biases."
    ) in str(failure.value)


def test_many_differences_are_counted(tmp_path):
    variables = [tf.get_variable(f"layer_{index}", [1]) for index in range(8)]

    with pytest.raises(ValueError, match=r"layer_3 and 4 more\."):
        checkpoints.check_restorable(save(tmp_path, 3, WEIGHTS), variables)
