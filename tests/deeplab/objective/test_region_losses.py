"""Dice and Lovász-softmax against NumPy, at the size of the label, and by finite differences."""

import itertools

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from deeplab.objective import label_bands, region_losses
from tests.support import numpy_layers

LOGITS_SHAPE = (2, 5, 4, 4)
NUM_CLASSES = LOGITS_SHAPE[3]
HEIGHT, WIDTH = 17, 10
LOSSES = {"dice": region_losses.dice, "lovasz_softmax": region_losses.lovasz_softmax}
# Class 3 is in no label of the example.
CLASS_WEIGHTS = (1.0, 0.5, 2.0, 4.0)


@pytest.fixture(params=[6, 64])
def rows(request, monkeypatch) -> int:
    monkeypatch.setattr(label_bands, "_ROWS", request.param)
    return request.param


def example():
    """Returns logits, class ids and which pixels are counted; the second image lacks class 0."""
    random = np.random.RandomState(0)
    logits = random.normal(0, 2, LOGITS_SHAPE)
    class_ids = random.randint(0, 3, (2, HEIGHT, WIDTH))
    class_ids[1][class_ids[1] == 0] = 2
    is_counted = random.uniform(0, 1, class_ids.shape) < 0.8
    return logits, np.where(is_counted, class_ids, 0), is_counted


def compute(name, logits, class_ids, is_counted, class_weights=CLASS_WEIGHTS, per_image=False):
    """Returns the loss and its gradient."""
    with tf.Graph().as_default(), tf.Session() as session:
        tensor = tf.constant(logits, tf.float32)
        loss = LOSSES[name](
            tensor,
            tf.constant(class_ids, tf.int32),
            tf.constant(is_counted, tf.float32),
            tf.constant(class_weights, tf.float32),
            per_image,
        )
        return session.run([loss, tf.gradients(3.0 * loss, tensor)[0] / 3.0])


def dice_of_class(p, g):
    return 1.0 - 2.0 * (p * g).sum() / (p.sum() + g.sum())


def lovasz_of_class(p, g):
    """The definition: errors in descending order, times the rise of 1 - IoU."""
    errors = np.abs(g - p)
    order = np.argsort(-errors, kind="stable")
    total, last = 0.0, 0.0
    wrong = np.zeros(g.size, bool)
    for pixel in order:
        wrong[pixel] = True
        predicted = (g == 1) ^ wrong
        intersection, union = (predicted & (g == 1)).sum(), (predicted | (g == 1)).sum()
        jaccard = 1.0 - intersection / union
        total += errors[pixel] * (jaccard - last)
        last = jaccard
    return total


OF_CLASS = {"dice": dice_of_class, "lovasz_softmax": lovasz_of_class}


def expected(name, logits, class_ids, is_counted, class_weights, per_image):
    resized = numpy_layers.resize(np.asarray(logits, np.float64), HEIGHT, WIDTH)
    exponentials = np.exp(resized - resized.max(axis=-1, keepdims=True))
    probabilities = exponentials / exponentials.sum(axis=-1, keepdims=True)
    groups = [[0], [1]] if per_image else [[0, 1]]
    losses = []
    for group in groups:
        counted = is_counted[group]
        p, ids = probabilities[group][counted], class_ids[group][counted]
        present = [k for k in range(NUM_CLASSES) if (ids == k).any() and class_weights[k]]
        if present:
            values = [OF_CLASS[name](p[:, k], (ids == k).astype(float)) for k in present]
            losses.append(np.average(values, weights=[class_weights[k] for k in present]))
    return np.mean(losses) if losses else 0.0


@pytest.mark.parametrize("per_image", [False, True])
@pytest.mark.parametrize("name", LOSSES)
def test_the_loss_is_that_of_its_definition(rows, name, per_image):
    batch = example()
    loss, _ = compute(name, *batch, per_image=per_image)
    wanted = expected(name, *batch, CLASS_WEIGHTS, per_image)
    assert 0.1 < wanted < 0.9
    np.testing.assert_allclose(loss, wanted, rtol=1e-5)


@pytest.mark.parametrize("per_image", [False, True])
@pytest.mark.parametrize("name", LOSSES)
def test_the_gradient_is_that_of_finite_differences(rows, name, per_image):
    logits, class_ids, is_counted = example()
    _, gradient = compute(name, logits, class_ids, is_counted, per_image=per_image)
    differences = np.zeros_like(logits)
    step = 1e-5
    for place in itertools.product(*map(range, (2, 5, 4))):
        if sum(place) % 3:
            differences[place] = gradient[place]  # A third of the places is enough.
            continue
        for k in range(NUM_CLASSES):
            values = []
            for sign in (1, -1):
                moved = logits.copy()
                moved[(*place, k)] += sign * step
                rest = (class_ids, is_counted, CLASS_WEIGHTS, per_image)
                values.append(expected(name, moved, *rest))
            differences[(*place, k)] = (values[0] - values[1]) / (2 * step)
    assert np.abs(differences).max() > 1e-3
    np.testing.assert_allclose(gradient, differences, atol=2e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_without_weights_a_class_that_the_label_lacks_is_no_part_of_the_mean(name):
    batch = example()
    equal = (1.0,) * NUM_CLASSES
    loss, _ = compute(name, *batch, class_weights=equal)
    np.testing.assert_allclose(loss, expected(name, *batch, equal, False), rtol=1e-5)


@pytest.mark.parametrize("per_image", [False, True])
@pytest.mark.parametrize("name", LOSSES)
def test_a_batch_of_nothing_but_ignored_pixels_has_no_loss(name, per_image):
    logits, class_ids, _ = example()
    nothing = np.zeros_like(class_ids)
    loss, gradient = compute(name, logits, nothing, nothing, per_image=per_image)
    assert loss == 0.0
    assert (gradient == 0.0).all()


@pytest.mark.parametrize("name", LOSSES)
def test_an_ignored_image_has_no_gradient_and_no_part_of_the_mean(name):
    logits, class_ids, is_counted = example()
    is_counted[1] = False
    class_ids[1] = 0
    loss, gradient = compute(name, logits, class_ids, is_counted, per_image=True)
    both, _ = compute(name, logits, class_ids, is_counted, per_image=False)
    np.testing.assert_allclose(loss, both, rtol=1e-6)
    assert (gradient[1] == 0.0).all()
    assert np.abs(gradient[0]).max() > 0.0


@pytest.mark.parametrize("name", LOSSES)
def test_only_classes_of_weight_0_make_no_loss(name):
    logits, _, is_counted = example()
    class_ids = np.ones((2, HEIGHT, WIDTH), int)
    loss, gradient = compute(name, logits, class_ids, is_counted, class_weights=(1, 0, 1, 1))
    assert loss == 0.0
    assert (gradient == 0.0).all()


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("scale", [100.0, -100.0])
def test_certain_predictions_have_finite_losses_between_0_and_1(name, scale):
    """One image of one class each, right everywhere or wrong everywhere."""
    class_ids = np.zeros((2, HEIGHT, WIDTH), int)
    class_ids[1] = 1
    logits = np.zeros(LOGITS_SHAPE)
    logits[0, ..., 0] = logits[1, ..., 1] = scale
    loss, gradient = compute(name, logits, class_ids, np.ones_like(class_ids))
    np.testing.assert_allclose(loss, 0.0 if scale > 0 else 1.0, atol=1e-5)
    assert np.isfinite(gradient).all()


def test_lovasz_of_a_million_pixels_keeps_its_digits():
    """Differences of neighboring IoUs would be lost in float32 here."""
    side = 1024
    random = np.random.RandomState(0)
    class_ids = (random.uniform(0, 1, (1, side, side)) < 0.5).astype(np.int32)
    logits = np.full((1, 2, 2, 2), 0.3)
    logits[..., 1] = 0.0
    loss, gradient = compute(
        "lovasz_softmax", logits, class_ids, np.ones_like(class_ids), class_weights=(1.0, 1.0)
    )
    # Errors have two values, so that the loss is linear between three IoUs.
    p = 1.0 / (1.0 + np.exp(-0.3))
    losses = []
    for probability, count in ((p, (class_ids == 0).sum()), (1.0 - p, (class_ids == 1).sum())):
        of_class, of_others = 1.0 - probability, probability
        rest = side * side - count
        first_alone = 1.0 if of_class > of_others else rest / (count + rest)
        larger, smaller = max(of_class, of_others), min(of_class, of_others)
        losses.append(larger * first_alone + smaller * (1.0 - first_alone))
    np.testing.assert_allclose(loss, np.mean(losses), rtol=1e-4)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("per_image", [False, True])
def test_lovasz_counts_errors_in_bins_without_a_trace(monkeypatch, per_image):
    """Where many pixels share each bin, loss and gradient stay those of sorted errors."""
    side = 160
    random = np.random.RandomState(0)
    logits = random.normal(0, 2, (2, 9, 9, NUM_CLASSES))
    class_ids = random.randint(0, NUM_CLASSES, (2, side, side))
    is_counted = random.uniform(0, 1, class_ids.shape) < 0.8
    batch = (logits, np.where(is_counted, class_ids, 0), is_counted)
    exact, exact_gradient = compute("lovasz_softmax", *batch, per_image=per_image)
    # 1,000 bins of 51,200 pixels; 65,536 bins hold few more than one.
    monkeypatch.setattr(region_losses, "_NUM_BINS", 1000)
    loss, gradient = compute("lovasz_softmax", *batch, per_image=per_image)
    np.testing.assert_allclose(loss, exact, rtol=1e-5)
    np.testing.assert_allclose(gradient, exact_gradient, atol=1e-3 * np.abs(exact_gradient).max())


@pytest.mark.parametrize("name", LOSSES)
def test_no_tensor_of_the_labels_size_holds_all_classes(name):
    num_classes = 40
    logits = tf.placeholder(tf.float32, [4, 65, 65, num_classes])
    labels = tf.placeholder(tf.int32, [4, 257, 257])
    loss = LOSSES[name](
        logits, labels, tf.cast(labels < 30, tf.float32), tf.ones([num_classes]), False
    )
    tf.gradients(loss, logits)
    sizes = [
        tensor.shape.num_elements() or 0
        for operation in tf.get_default_graph().get_operations()
        for tensor in operation.outputs
    ]
    assert max(sizes) < 4 * 257 * 257 * num_classes / 2
