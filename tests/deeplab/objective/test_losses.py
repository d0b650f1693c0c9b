"""The loss, against NumPy and against research/deeplab's own values."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from deeplab.objective import losses
from deeplab.options import ObjectiveOptions
from reference import loss as plain_loss

NUM_CLASSES = 4
IGNORE_LABEL = 255


def compute(logits, labels, at_step=0, **options):
    """Returns the loss and its gradient with respect to the logits."""
    with tf.Graph().as_default(), tf.Session() as session:
        step = tf.train.create_global_step()
        tensor = tf.constant(logits, tf.float32)
        result = losses.add_losses(
            {"merged_logits": tensor},
            tf.constant(labels, tf.int32),
            ignore_label=options.pop("ignore_label", IGNORE_LABEL),
            objective=ObjectiveOptions(**options),
        )
        (collected,) = tf.losses.get_losses()
        assert collected is result["merged_logits"]
        fetches = [collected, tf.gradients(collected, tensor)[0]]
        step.load(at_step, session)
        return session.run(fetches)


def pixel_losses(logits, labels):
    """Cross entropy of each pixel, 0 where it is ignored; logits have the size of the labels."""
    logits = logits.reshape(-1, logits.shape[-1]).astype(np.float64)
    labels = labels.ravel()
    log_sum = np.log(np.exp(logits).sum(axis=1))
    is_counted = labels != IGNORE_LABEL
    ids = np.where(is_counted, labels, 0)
    return np.where(is_counted, log_sum - logits[np.arange(ids.size), ids], 0.0), is_counted


@pytest.fixture
def batch():
    random = np.random.RandomState(0)
    logits = random.normal(0, 2, (2, 5, 6, NUM_CLASSES))
    labels = random.choice([0, 1, 2, 3, IGNORE_LABEL], (2, 5, 6, 1))
    return logits, labels


def test_plain_loss_is_the_mean_over_pixels_that_are_not_ignored(batch):
    expected, is_counted = pixel_losses(*batch)
    loss, _ = compute(*batch)
    np.testing.assert_allclose(loss, expected.sum() / is_counted.sum(), rtol=1e-5)


def test_label_weights_weigh_pixels_but_not_their_number(batch):
    weights = np.array([0.5, 1.0, 3.0, 0.0])
    expected, is_counted = pixel_losses(*batch)
    ids = np.where(is_counted, batch[1].ravel(), 0)
    loss, _ = compute(*batch, label_weights=weights.tolist())
    np.testing.assert_allclose(loss, (expected * weights[ids]).sum() / is_counted.sum(), rtol=1e-5)


def test_an_empty_list_of_label_weights_is_none(batch):
    assert compute(*batch, label_weights=())[0] == compute(*batch)[0]


def test_ignored_pixels_have_exactly_no_gradient_and_others_have_the_softmax_gradient(batch):
    logits, labels = batch
    _, gradient = compute(logits, labels)
    is_ignored = labels[..., 0] == IGNORE_LABEL
    assert is_ignored.any()
    assert (gradient[is_ignored] == 0.0).all()
    softmax = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    one_hot = np.eye(NUM_CLASSES)[np.where(is_ignored, 0, labels[..., 0])]
    expected = (softmax - one_hot) / (~is_ignored).sum()
    np.testing.assert_allclose(gradient[~is_ignored], expected[~is_ignored], atol=1e-6)


def test_an_ignore_label_that_is_a_class_id_is_ignored(batch):
    """ADE20K ignores id 0."""
    logits, labels = batch
    labels = np.where(labels == IGNORE_LABEL, 0, labels)
    expected, is_counted = pixel_losses(logits, np.where(labels == 0, IGNORE_LABEL, labels))
    loss, gradient = compute(logits, labels, ignore_label=0)
    np.testing.assert_allclose(loss, expected.sum() / is_counted.sum(), rtol=1e-5)
    assert (gradient[labels[..., 0] == 0] == 0.0).all()


def test_a_batch_of_nothing_but_ignored_pixels_has_no_loss(batch):
    loss, gradient = compute(batch[0], np.full_like(batch[1], IGNORE_LABEL))
    assert loss == 0.0
    assert (gradient == 0.0).all()


@pytest.mark.parametrize(
    ("mining_step", "step", "share"),
    [(0, 0, 0.25), (100, 0, 1.0), (100, 40, 0.7), (100, 500, 0.25)],
)
def test_hard_example_mining_counts_the_largest_losses(batch, mining_step, step, share):
    expected, _ = pixel_losses(*batch)
    hardest = np.sort(expected)[::-1][: int(share * expected.size)]
    loss, gradient = compute(
        *batch, top_k_percent_pixels=0.25, hard_example_mining_step=mining_step, at_step=step
    )
    np.testing.assert_allclose(loss, hardest.sum() / np.count_nonzero(hardest), rtol=1e-5)
    has_gradient = (gradient != 0.0).any(axis=-1).ravel()
    assert has_gradient.sum() == np.count_nonzero(hardest)


def test_coarse_logits_are_resized_to_the_labels_with_aligned_corners():
    random = np.random.RandomState(1)
    corners = random.normal(0, 2, (1, 2, 2, NUM_CLASSES))
    labels = random.randint(0, NUM_CLASSES, (1, 5, 3, 1))
    down, across = np.linspace(0, 1, 5)[:, None, None], np.linspace(0, 1, 3)[None, :, None]
    top = corners[0, 0, 0] * (1 - across) + corners[0, 0, 1] * across
    bottom = corners[0, 1, 0] * (1 - across) + corners[0, 1, 1] * across
    resized = top * (1 - down) + bottom * down
    loss, _ = compute(corners, labels)
    np.testing.assert_allclose(loss, pixel_losses(resized, labels)[0].mean(), rtol=1e-5)


def test_labels_are_resized_to_coarse_logits_when_asked():
    random = np.random.RandomState(1)
    logits = random.normal(0, 2, (1, 3, 3, NUM_CLASSES))
    labels = random.randint(0, NUM_CLASSES, (1, 5, 5, 1))
    loss, _ = compute(logits, labels, upsample_logits=False)
    np.testing.assert_allclose(loss, pixel_losses(logits, labels[:, ::2, ::2])[0].mean(), rtol=1e-5)


def test_losses_add_up_with_their_weights(batch):
    names = ("cross_entropy", "focal", "boundary_cross_entropy", "dice", "lovasz_softmax")
    weights = (1.0, 0.5, 2.0, 0.25, 3.0)
    alone = [compute(*batch, losses=(name,)) for name in names]
    assert len({round(float(loss), 4) for loss, _ in alone}) == len(names)
    parts = tuple(f"{name}:{weight}" for name, weight in zip(names, weights, strict=True))
    loss, gradient = compute(*batch, losses=parts)
    np.testing.assert_allclose(loss, np.dot(weights, [part for part, _ in alone]), rtol=1e-5)
    expected = sum(weight * part for weight, (_, part) in zip(weights, alone, strict=True))
    np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-7)


def test_each_of_several_losses_is_returned_without_its_weight(batch):
    logits, labels = tf.constant(batch[0], tf.float32), tf.constant(batch[1], tf.int32)
    objective = ObjectiveOptions(losses=("dice:0.5", "cross_entropy:2"))
    result = losses.add_losses({"merged_logits": logits}, labels, objective, IGNORE_LABEL)
    assert list(result) == ["merged_logits", "merged_logits/dice", "merged_logits/cross_entropy"]
    assert len(tf.losses.get_losses()) == 1
    with tf.Session() as session:
        total, dice, cross_entropy = session.run(list(result.values()))
    np.testing.assert_allclose(total, 0.5 * dice + 2 * cross_entropy, rtol=1e-6)
    np.testing.assert_allclose(dice, compute(*batch, losses=("dice",))[0], rtol=1e-6)


@pytest.mark.parametrize(
    "name", ["cross_entropy", "focal", "boundary_cross_entropy", "dice", "lovasz_softmax"]
)
def test_no_loss_sees_ignored_pixels(batch, name):
    logits, labels = batch
    loss, gradient = compute(logits, labels, losses=(name,))
    is_ignored = labels[..., 0] == IGNORE_LABEL
    assert (gradient[is_ignored] == 0.0).all()
    assert (np.abs(gradient[~is_ignored]).max(axis=-1) > 0.0).mean() > 0.9
    moved = np.where(is_ignored[..., np.newaxis], -logits, logits)
    np.testing.assert_allclose(compute(moved, labels, losses=(name,))[0], loss, rtol=1e-6)
    loss, gradient = compute(logits, np.full_like(labels, IGNORE_LABEL), losses=(name,))
    assert loss == 0.0
    assert (gradient == 0.0).all()


def test_pixels_near_borders_weigh_more():
    random = np.random.RandomState(1)
    logits = random.normal(0, 2, (1, 6, 9, NUM_CLASSES))
    labels = np.zeros((1, 6, 9, 1), int)
    labels[:, :, 5:] = 1
    options = {"losses": ("boundary_cross_entropy",), "boundary_weight": 3, "boundary_distance": 2}
    weights = np.ones((1, 6, 9))
    weights[:, :, 3:7] = 3.0
    loss, _ = compute(logits, labels, **options)
    expected = pixel_losses(logits, labels)[0] * weights.ravel()
    np.testing.assert_allclose(loss, expected.mean(), rtol=1e-5)
    # At the logits' size, the distance is still one of the label.
    loss, _ = compute(logits[:, ::5, ::2], labels, upsample_logits=False, **options)
    coarse = pixel_losses(logits[:, ::5, ::2], labels[:, ::5, ::2])[0]
    np.testing.assert_allclose(loss, (coarse * weights[:, ::5, ::2].ravel()).mean(), rtol=1e-5)


def test_hard_pixels_are_those_of_each_loss_of_pixels(batch):
    """The focal loss orders pixels as the cross entropy does where labels weigh the same."""
    cross_entropies, _ = pixel_losses(*batch)
    focal = (1.0 - np.exp(-cross_entropies)) ** 2 * cross_entropies
    hardest = np.sort(focal)[::-1][: focal.size // 4]
    options = {"top_k_percent_pixels": 0.25}
    loss, _ = compute(*batch, losses=("focal",), **options)
    np.testing.assert_allclose(loss, hardest.mean(), rtol=1e-5)
    both, _ = compute(*batch, losses=("focal", "dice"), **options)
    dice, _ = compute(*batch, losses=("dice",))
    np.testing.assert_allclose(both, loss + dice, rtol=1e-5)


def test_every_scale_has_a_loss(batch):
    logits, labels = batch
    result = losses.add_losses(
        {
            "logits_0.50": tf.constant(logits, tf.float32),
            "merged_logits": tf.constant(2 * logits, tf.float32),
        },
        tf.constant(labels, tf.int32),
        ObjectiveOptions(),
        IGNORE_LABEL,
    )
    assert list(result) == ["logits_0.50", "merged_logits"]
    with tf.Session() as session:
        values = session.run(tf.losses.get_losses())
    expected = [compute(logits, labels)[0], compute(2 * logits, labels)[0]]
    np.testing.assert_allclose(values, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"label_weights": [1.0, 2.0]}, "label_weights has 2 numbers, but there are 4 classes"),
        ({"label_weights": [1.0, -1.0, 1.0, 1.0]}, "finite numbers of 0 or more"),
        ({"label_weights": [0.0] * 4}, "all 0"),
        ({"top_k_percent_pixels": 0.0}, "top_k_percent_pixels is 0.0"),
        ({"top_k_percent_pixels": 25}, "top_k_percent_pixels is 25"),
        ({"hard_example_mining_step": -1}, "hard_example_mining_step is -1"),
    ],
)
def test_impossible_arguments_are_refused(batch, options, message):
    with pytest.raises(ValueError, match=message):
        compute(*batch, **options)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"label_weights": [1.0, 2.5, 0.0, 0.5]},
        {"top_k_percent_pixels": 0.3},
        {"top_k_percent_pixels": 0.25, "hard_example_mining_step": 10, "at_step": 4},
        {"ignore_label": 0, "label_weights": [1.0, 2.5, 3.0, 0.5]},
        {"upsample_logits": False},
        {"upsample_logits": False, "top_k_percent_pixels": 0.5},
    ],
)
def test_loss_and_gradient_equal_those_of_the_plain_operations(options, monkeypatch):
    """Labels of 70 rows make several bands of rows; the scale is no whole number."""
    random = np.random.RandomState(0)
    logits = random.normal(0, 20, (2, 18, 9, NUM_CLASSES))
    labels = random.choice([0, 1, 2, 3, IGNORE_LABEL], (2, 70, 33, 1))
    if "ignore_label" in options:
        labels[labels == IGNORE_LABEL] = 0
    loss, gradient = compute(logits, labels, **dict(options))
    monkeypatch.setattr(losses, "add_losses", plain_loss.add_losses)
    expected_loss, expected_gradient = compute(logits, labels, **dict(options))
    np.testing.assert_allclose(loss, expected_loss, rtol=1e-6)
    largest = np.abs(expected_gradient).max()
    np.testing.assert_allclose(gradient, expected_gradient, rtol=1e-5, atol=1e-6 * largest)


def test_logits_far_apart_have_a_finite_loss():
    """Shifting by anything but the pixel's own largest logit would lose these."""
    logits = np.zeros((1, 2, 2, NUM_CLASSES))
    logits[0, 0, 0, 0] = logits[0, 1, 1, 1] = 1000.0
    loss, gradient = compute(logits, np.full((1, 9, 9, 1), 2))
    assert 400 < loss < 1000
    assert np.isfinite(gradient).all()


def test_no_tensor_of_the_labels_size_holds_all_classes():
    """Logits at label size, their softmax and its gradient were the largest tensors of a step."""
    logits = tf.placeholder(tf.float32, [8, 65, 65, NUM_CLASSES])
    result = losses.add_losses(
        {"merged_logits": logits},
        tf.placeholder(tf.int32, [8, 257, 257, 1]),
        ObjectiveOptions(label_weights=(1.0, 2.0, 3.0, 4.0)),
        IGNORE_LABEL,
    )
    tf.gradients(result["merged_logits"], logits)
    sizes = [
        tensor.shape.num_elements() or 0
        for operation in tf.get_default_graph().get_operations()
        for tensor in operation.outputs
    ]
    assert max(sizes) < 8 * 257 * 257 * NUM_CLASSES / 2
