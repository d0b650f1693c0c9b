"""The loss of a clone against NumPy, and what it trains."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from classification.objective import training_graph
from classification.options import ModelOptions, ObjectiveOptions

MODEL = ModelOptions(
    num_classes=3,
    model_variant="mobilenet_v3_small_seg",
    depth_multiplier=0.25,
    dropout_keep_prob=1.0,
)
LABELS = np.array([0, 2, 1, 2], np.int32)


def _batch(size: int = 32) -> dict:
    images = np.random.RandomState(2).uniform(0, 255, [4, size, size, 3]).astype(np.float32)
    return {"image": tf.constant(images), "label": tf.constant(LABELS)}


def _cross_entropy(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return -(labels * log_probabilities).sum(axis=1)


def _losses_and_logits(monkeypatch, objective: ObjectiveOptions, **arguments):
    """Builds a clone of a linear classifier of the mean color.

    Returns:
      Its losses, its logits, its images, and what `classify` was called with.
    """
    calls = []

    def classify(images, name, **keywords):
        weights = np.random.RandomState(4).normal(0, 0.1, [3, keywords["num_classes"]])
        logits = tf.matmul(tf.reduce_mean(images, [1, 2]), tf.constant(weights, tf.float32))
        calls.append((images, keywords, logits))
        return logits, {}

    monkeypatch.setattr(training_graph.classifier, "classify", classify)
    training_graph.build_clone(_batch(), MODEL, objective, **arguments)
    ((images, keywords, logits),) = calls
    with tf.Session() as session:
        values = session.run([tf.get_collection(tf.GraphKeys.LOSSES), logits, images])
    return (*values, keywords)


def test_the_loss_is_the_mean_cross_entropy(monkeypatch):
    (loss,), logits, _, keywords = _losses_and_logits(monkeypatch, ObjectiveOptions())
    assert loss == pytest.approx(_cross_entropy(logits, np.eye(3)[LABELS]).mean(), rel=1e-5)
    assert keywords["is_training"]
    assert keywords["batch_norm"].is_training
    assert keywords["weight_decay"] == 4e-5


def test_smoothed_labels_and_weighted_classes(monkeypatch):
    (loss,), logits, _, _ = _losses_and_logits(
        monkeypatch, ObjectiveOptions(label_smoothing=0.3), class_weights=(1.0, 0.0, 2.0)
    )
    labels = 0.7 * np.eye(3)[LABELS] + 0.1
    expected = _cross_entropy(logits, labels) * np.array([1.0, 2.0, 0.0, 2.0])
    assert loss == pytest.approx(expected.mean(), rel=1e-5)


@pytest.mark.parametrize("weights", [None, (1.0, 0.0, 5.0)])
def test_mixup_blends_images_and_their_losses_by_the_same_shares(monkeypatch, weights):
    (loss,), logits, mixed, _ = _losses_and_logits(
        monkeypatch, ObjectiveOptions(), class_weights=weights, mixup=0.5
    )
    with tf.Session() as session:
        images = session.run(_batch()["image"])
    other = images[::-1]
    # Of each pair, the share by which the first image counts.
    shares = ((mixed - other) * (images - other)).sum((1, 2, 3)) / np.square(images - other).sum(
        (1, 2, 3)
    )
    np.testing.assert_allclose(
        mixed,
        shares[:, None, None, None] * images + (1 - shares[:, None, None, None]) * other,
        atol=0.01,
    )
    assert (shares >= 0.5 - 1e-5).all()
    assert np.ptp(shares) > 0
    own = np.ones(4) if weights is None else np.array(weights)[LABELS]
    labels = np.eye(3)[LABELS]
    first, second = (_cross_entropy(logits, each) for each in (labels, labels[::-1]))
    losses = shares * own * first + (1 - shares) * own[::-1] * second
    assert loss == pytest.approx(losses.mean(), rel=1e-4)


def test_every_trainable_variable_gets_a_gradient():
    training_graph.build_clone(_batch(), MODEL, ObjectiveOptions())
    variables = tf.trainable_variables()
    gradients = tf.gradients(tf.losses.get_total_loss(), variables)
    assert None not in gradients
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        norms = session.run([tf.norm(gradient) for gradient in gradients])
    assert {
        variable.op.name for variable, norm in zip(variables, norms, strict=True) if norm == 0
    } == set()


def test_weights_decay_and_batch_norm_and_biases_do_not():
    training_graph.build_clone(_batch(), MODEL, ObjectiveOptions(weight_decay=0.5))
    decaying = tf.gradients(
        tf.add_n(tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)), tf.trainable_variables()
    )
    for gradient, variable in zip(decaying, tf.trainable_variables(), strict=True):
        is_weight = variable.op.name.endswith("/weights")
        assert (gradient is not None) == is_weight, variable.op.name


def test_inception_has_an_auxiliary_loss():
    model = ModelOptions(num_classes=3, model_variant="inception_v3")
    for weight, num_losses in ((0.4, 2), (0.0, 1)):
        with tf.Graph().as_default():
            batch = {
                key: tf.constant(np.zeros(shape, dtype))
                for key, shape, dtype in (
                    ("image", [2, 299, 299, 3], np.float32),
                    ("label", [2], np.int32),
                )
            }
            training_graph.build_clone(batch, model, ObjectiveOptions(auxiliary_loss_weight=weight))
            assert len(tf.get_collection(tf.GraphKeys.LOSSES)) == num_losses
