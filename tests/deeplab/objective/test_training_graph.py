"""A clone of a DeepLab training: its loss, gradients over clones, and what TensorBoard shows."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from deeplab.network import model
from deeplab.options import ObjectiveOptions
from serving.drawing import visualize
from tests.support import clone_steps, sessions

DESCRIPTION = clone_steps.description()


def _without_dropout(monkeypatch):
    monkeypatch.setattr("tf_slim.dropout", lambda inputs, *_, **__: inputs)


def _assert_equal(one, several):
    """Compares losses, and gradients by their length.

    With one thread TensorFlow sums in another order, and a ReLU that is nearly at 0 turns over:
    single values of gradients differ by percents, all of them by 0.15 % of their length.
    """
    np.testing.assert_allclose(several[0], one[0], rtol=1e-4)
    length = np.sqrt(sum(np.sum(np.square(each, dtype=float)) for each in one[1]))
    for expected, value in zip(one[1], several[1], strict=True):
        assert np.linalg.norm(value - expected) < 5e-3 * length


def _equally_labeled(batch_size: int):
    """A batch with as many labeled pixels in each half, as clones' losses are means."""
    batch = clone_steps.batch(batch_size)
    half = batch_size // 2
    batch["label"][half:] = batch["label"][:half]
    return batch


@pytest.fixture(scope="module")
def synchronized():
    """Loss, gradients and statistics of a step of two clones that share batch norm's."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        _without_dropout(monkeypatch)
        return clone_steps.step(_equally_labeled(2), ObjectiveOptions(sync_batch_norm=True), 2)


def test_clones_that_share_statistics_have_the_gradients_of_one_network(monkeypatch, synchronized):
    _without_dropout(monkeypatch)
    batch = _equally_labeled(2)

    one = clone_steps.step(batch, ObjectiveOptions(), num_clones=1)
    on_their_own = clone_steps.step(batch, ObjectiveOptions(), num_clones=2)

    _assert_equal(one, synchronized)
    for expected, value in zip(one[2], synchronized[2], strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-3, atol=1e-5)
    with pytest.raises(AssertionError):
        _assert_equal(one, on_their_own)


def test_copies_of_the_variables_have_the_same_gradients(monkeypatch, synchronized):
    _without_dropout(monkeypatch)
    objective = ObjectiveOptions(sync_batch_norm=True)

    with_copies = clone_steps.step(_equally_labeled(2), objective, 2, with_copies=True)

    length = np.sqrt(sum(np.sum(np.square(each, dtype=float)) for each in synchronized[1]))
    for one, other in zip(synchronized[1], with_copies[1], strict=True):
        assert np.linalg.norm(one - other) < 1e-5 * length


@pytest.mark.slow
def test_clones_with_frozen_batch_norm_have_the_gradients_of_one_network(monkeypatch):
    _without_dropout(monkeypatch)
    batch, objective = _equally_labeled(4), ObjectiveOptions(fine_tune_batch_norm=False)

    _assert_equal(*(clone_steps.step(batch, objective, num_clones) for num_clones in (1, 2)))


def test_loss_is_cross_entropy_over_labeled_pixels_plus_weight_decay(monkeypatch):
    _without_dropout(monkeypatch)
    batch = clone_steps.batch(2)
    clones, loss = clone_steps.build(batch, ObjectiveOptions(weight_decay=0.01))
    with tf.variable_scope(tf.get_variable_scope(), reuse=True):
        logits = model.multi_scale_logits(
            {name: tf.constant(value) for name, value in batch.items()},
            DESCRIPTION.model,
            ObjectiveOptions(weight_decay=0.0),
        )[model.MERGED_LOGITS]
    logits = tf.image.resize_bilinear(
        logits, [clone_steps.SIZE, clone_steps.SIZE], align_corners=True
    )
    with sessions.unoptimized() as session:
        session.run(tf.global_variables_initializer())
        loss_value, logits_value, regularization = session.run(
            [loss, logits, clones[0].regularization_losses]
        )

    shifted = logits_value - logits_value.max(axis=3, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=3, keepdims=True))
    labels = batch["label"][..., 0]
    counted = labels != 255
    picked = np.take_along_axis(log_probabilities, np.where(counted, labels, 0)[..., None], 3)
    expected = -picked[..., 0][counted].mean() + sum(regularization)
    assert regularization
    np.testing.assert_allclose(loss_value, expected, rtol=1e-4)


def test_every_trainable_variable_gets_a_gradient():
    _, loss = clone_steps.build(clone_steps.batch(2), ObjectiveOptions())
    variables = tf.trainable_variables()

    gradients = tf.gradients(loss, variables)

    assert [v.op.name for v, g in zip(variables, gradients, strict=True) if g is None] == []


def test_images_show_the_first_images_labels_and_predictions_in_class_colors():
    batch = clone_steps.batch(5)
    clones, _ = clone_steps.build(batch, ObjectiveOptions(save_summaries_images=True))
    merged = tf.summary.merge(clones[0].summaries)
    with sessions.unoptimized() as session:
        session.run(tf.global_variables_initializer())
        summary = tf.Summary.FromString(session.run(merged))
        values = {value.tag: value for value in summary.value}
        images = {
            tag: session.run(tf.io.decode_png(value.image.encoded_image_string))
            for tag, value in values.items()
            if value.HasField("image")
        }

    assert sorted(images) == [
        f"samples/{kind}/image/{index}"
        for kind in ("image", "label", "prediction")
        for index in range(3)
    ]
    colors = visualize.color_table(DESCRIPTION.palette)
    np.testing.assert_array_equal(
        images["samples/image/image/1"], batch["image"][1].astype(np.uint8)
    )
    np.testing.assert_array_equal(
        images["samples/label/image/2"], colors[batch["label"][2, ..., 0]]
    )
    predicted = {tuple(color) for color in images["samples/prediction/image/0"].reshape(-1, 3)}
    assert predicted <= set(DESCRIPTION.palette)
    assert values["losses/merged_logits"].simple_value > 0


def test_summaries_have_the_same_tags_for_any_number_of_clones():
    tags = []
    for num_clones in (1, 2):
        with tf.Graph().as_default():
            clones, _ = clone_steps.build(clone_steps.batch(2), ObjectiveOptions(), num_clones)
            merged = tf.summary.merge(clones[0].summaries)
            with sessions.unoptimized() as session:
                session.run(tf.global_variables_initializer())
                summary = tf.Summary.FromString(session.run(merged))
            tags.append([value.tag for value in summary.value])

    assert tags[0] == tags[1] == ["losses/merged_logits"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"weight_decay": -1.0}, "weight_decay is -1.0; expected 0 or more"),
        ({"batch_norm_decay": 1.0}, "batch_norm_decay is 1.0; expected 0 to less than 1"),
        (
            {"sync_batch_norm": True, "fine_tune_batch_norm": False},
            "sync_batch_norm is set, but batch norm is frozen",
        ),
    ],
)
def test_impossible_objectives_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        ObjectiveOptions(**arguments)
