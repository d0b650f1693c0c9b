"""What a warm start loads, what it leaves, and what it says of both."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from tests.training.test_checkpoints import save
from training import warm_start
from training.warm_start import WarmStart

SAVED = {
    "encoder/conv1/weights": np.full((3, 2), 1.0, np.float32),
    "encoder/conv1/BatchNorm/gamma": np.full(2, 2.0, np.float32),
    "encoder/conv1/weights/Momentum": np.full((3, 2), 3.0, np.float32),
    "encoder/old/weights": np.full(2, 4.0, np.float32),
    "decoder/conv0/weights": np.full((2, 2), 5.0, np.float32),
    "logits/semantic/weights": np.full((2, 21), 6.0, np.float32),
    "logits/semantic/biases": np.full(21, 7.0, np.float32),
}


def _network() -> list[tf.Variable]:
    shapes = {
        "encoder/conv1/weights": [3, 2],
        "encoder/conv1/BatchNorm/gamma": [2],
        "encoder/new/weights": [4],
        "decoder/conv0/weights": [3, 2],
        "logits/semantic/weights": [2, 11],
        "logits/semantic/biases": [11],
    }
    return [
        tf.get_variable(name, shape, initializer=tf.constant_initializer(-1.0))
        for name, shape in shapes.items()
    ]


def _insert_row(name, saved, initial):
    if name != "decoder/conv0/weights":
        return None
    return np.concatenate([saved, initial[2:]])


def _load(tmp_path, **arguments):
    variables = _network()
    start = WarmStart(save(tmp_path, 9, SAVED), variables, **arguments)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        transfers = start.load(session)
        names = [variable.op.name for variable in variables]
        report = start.report(transfers)
        return transfers, report, dict(zip(names, session.run(variables), strict=True))


def test_values_that_fit_are_loaded_and_all_others_kept(tmp_path):
    transfers, _, values = _load(tmp_path)

    outcomes = {transfer.name: transfer.outcome for transfer in transfers}
    assert outcomes == {
        "encoder/conv1/weights": warm_start.LOADED,
        "encoder/conv1/BatchNorm/gamma": warm_start.LOADED,
        "encoder/new/weights": warm_start.MISSING,
        "decoder/conv0/weights": warm_start.DIFFERENT,
        "logits/semantic/weights": warm_start.DIFFERENT,
        "logits/semantic/biases": warm_start.DIFFERENT,
        "encoder/old/weights": warm_start.UNUSED,
    }
    np.testing.assert_array_equal(values["encoder/conv1/weights"], np.full((3, 2), 1.0))
    np.testing.assert_array_equal(values["encoder/conv1/BatchNorm/gamma"], [2.0, 2.0])
    for name in ("encoder/new/weights", "decoder/conv0/weights", "logits/semantic/biases"):
        assert np.all(values[name] == -1.0), name


def test_excluded_layers_keep_their_initial_values_even_if_they_fit(tmp_path):
    transfers, _, values = _load(tmp_path, exclude_scopes=("logits", "encoder/conv1/Batch"))

    excluded = {each.name for each in transfers if each.outcome == warm_start.EXCLUDED}
    assert excluded == {
        "encoder/conv1/BatchNorm/gamma",
        "logits/semantic/weights",
        "logits/semantic/biases",
    }
    assert np.all(values["encoder/conv1/BatchNorm/gamma"] == -1.0)


def test_adapter_makes_a_value_fit(tmp_path):
    transfers, _, values = _load(tmp_path, adapt=_insert_row)

    (transfer,) = [each for each in transfers if each.outcome == warm_start.ADAPTED]
    assert transfer.name == "decoder/conv0/weights"
    np.testing.assert_array_equal(
        values["decoder/conv0/weights"], [[5.0, 5.0], [5.0, 5.0], [-1.0, -1.0]]
    )


def test_report_has_a_line_for_each_layer_and_outcome(tmp_path):
    _, report, _ = _load(tmp_path, adapt=_insert_row)

    assert report == [
        f"warm start from {tmp_path}/model.ckpt-9: 3 of 6 variables loaded, 1 of the "
        "checkpoint's unused",
        "  encoder/conv1      2 loaded",
        "  encoder/new        1 not in the checkpoint",
        "  decoder/conv0      1 adapted: weights [2, 2] -> [3, 2]",
        "  logits/semantic    2 shape differs: weights [2, 21] -> [2, 11]; biases [21] -> [11]",
        "  encoder/old        1 in the checkpoint only",
    ]


def test_extra_input_channels_are_named_with_both_shapes_and_the_rest_is_loaded(tmp_path):
    saved = {
        "encoder/conv1/weights": np.ones((3, 3, 3, 8), np.float32),
        "encoder/conv2/weights": np.full((3, 3, 8, 8), 2.0, np.float32),
    }
    variables = [
        tf.get_variable("encoder/conv1/weights", [3, 3, 4, 8], initializer=tf.zeros_initializer()),
        tf.get_variable("encoder/conv2/weights", [3, 3, 8, 8]),
        tf.get_variable("decoder/conv0/weights", [8, 2]),
    ]
    start = WarmStart(save(tmp_path, 9, saved), variables)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        transfers = start.load(session)
        conv1, conv2 = session.run(variables[:2])

    assert start.report(transfers)[1:] == [
        "  encoder/conv1    1 shape differs: weights [3, 3, 3, 8] -> [3, 3, 4, 8]",
        "  encoder/conv2    1 loaded",
        "  decoder/conv0    1 not in the checkpoint",
    ]
    assert np.all(conv1 == 0.0)
    np.testing.assert_array_equal(conv2, saved["encoder/conv2/weights"])


def test_what_a_training_keeps_beside_its_weights_is_neither_loaded_nor_unused(tmp_path):
    """Slots of any optimizer and averages, as in the checkpoints that slim's trainings leave."""
    weights = SAVED["encoder/conv1/weights"]
    kept = {
        f"encoder/conv1/weights/{name}": weights + 90.0
        for name in ("ExponentialMovingAverage", "RMSProp_1", "some_new_optimizer")
    }
    variables = [tf.get_variable("encoder/conv1/weights", [3, 2])]
    start = WarmStart(save(tmp_path, 9, {"encoder/conv1/weights": weights, **kept}), variables)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        transfers = start.load(session)

        assert [each.outcome for each in transfers] == [warm_start.LOADED]
        np.testing.assert_array_equal(session.run(variables[0]), weights)


def test_loading_adds_nothing_to_the_graph(tmp_path):
    variables = _network()
    start = WarmStart(save(tmp_path, 9, SAVED), variables)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        tf.get_default_graph().finalize()
        start.load(session)


def test_checkpoint_of_another_encoder_is_refused_though_its_head_fits(tmp_path):
    saved = {
        "MobilenetV2/Conv/weights": np.zeros(3, np.float32),
        "decoder/conv0/weights": np.zeros((3, 2), np.float32),
    }

    with pytest.raises(ValueError, match=r"no variable that fits encoder.*MobilenetV2 \(1\)"):
        WarmStart(save(tmp_path, 9, saved), _network())


def test_checkpoint_with_other_shapes_throughout_is_refused(tmp_path):
    saved = {name: np.zeros((7, 7), np.float32) for name in SAVED}

    with pytest.raises(ValueError, match=r"no variable that fits encoder.*depth_multiplier"):
        WarmStart(save(tmp_path, 9, saved), _network())


def test_an_excluded_scope_of_no_variable_is_refused_where_it_was_named(tmp_path):
    checkpoint = save(tmp_path, 9, SAVED)
    variables = _network()
    scopes = ("logits", "encoder/old", "Nope/Logits")
    WarmStart(checkpoint, variables, scopes[:2]).check_exclude_scopes()
    with pytest.raises(
        ValueError,
        match=r"checkpoint_exclude_scopes has 'Nope/Logits', .* begin with decoder/conv0, encoder/",
    ):
        WarmStart(checkpoint, variables, scopes).check_exclude_scopes()


def test_a_variable_is_found_under_the_name_that_older_programs_gave_it(tmp_path):
    former = {"encoder/new/weights": ("encoder/none/weights", "encoder/older/weights")}
    saved = {**SAVED, "encoder/older/weights": np.full(4, 8.0, np.float32)}
    variables = _network()
    start = WarmStart(
        save(tmp_path, 9, saved), variables, former_names=lambda name: former.get(name, ())
    )
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        transfers = {each.name: each.outcome for each in start.load(session)}
        (value,) = (each for each in variables if each.op.name == "encoder/new/weights")
        assert session.run(value).tolist() == [8.0] * 4
    assert transfers["encoder/new/weights"] == warm_start.LOADED
    assert "encoder/older/weights" not in transfers
    assert transfers["encoder/old/weights"] == warm_start.UNUSED
