"""A training step beside the plain one: the same loss, gradients and moving statistics.

In the plain one every gradient is the one that TensorFlow registers for its operation, nothing is
computed again in the backward pass, and the loss is `reference.loss`.
"""

import functools

import numpy as np
import pytest

from deeplab.network import model
from deeplab.options import ObjectiveOptions
from nets import covariance_norm
from reference import loss as plain_loss
from tests.support import clone_steps


def _build_plain_clone(batch, description, objective, sync_group):
    logits = model.multi_scale_logits(batch, description.model, objective, sync_group)
    plain_loss.add_losses(logits, batch["label"], objective, description.ignore_label)


@pytest.mark.parametrize(
    ("model_variant", "objective", "num_clones"),
    [
        ("xception_tiny", ObjectiveOptions(label_weights=(1.0, 2.0, 0.5)), 1),
        *(
            pytest.param(*arguments, marks=pytest.mark.slow)
            for arguments in (
                (
                    "xception_tiny",
                    ObjectiveOptions(sync_batch_norm=True, top_k_percent_pixels=0.3),
                    2,
                ),
                ("mobilenet_v2", ObjectiveOptions(fine_tune_batch_norm=False), 1),
                ("mobilenet_v2", ObjectiveOptions(), 2),
            )
        ),
    ],
)
def test_step_equals_the_plain_one(monkeypatch, model_variant, objective, num_clones):
    """Where each operation of the forward pass has the plain one's digits, to the last."""
    monkeypatch.setattr("tf_slim.dropout", lambda inputs, *_, **__: inputs)
    monkeypatch.setattr(covariance_norm, "applies", lambda outputs: False)
    step = functools.partial(
        clone_steps.step,
        clone_steps.batch(2),
        objective,
        num_clones,
        model_variant=model_variant,
    )
    loss, gradients, moving = step()
    expected = step(build_clone=_build_plain_clone)

    np.testing.assert_allclose(loss, expected[0], rtol=1e-5)
    # A bias in front of batch norm has the gradient 0, but for rounding: hence the length of all.
    length = np.sqrt(sum(np.sum(np.square(each, dtype=float)) for each in expected[1]))
    for value, other in zip(gradients, expected[1], strict=True):
        assert np.linalg.norm(value - other) < 1e-5 * length
    for value, other in zip(moving, expected[2], strict=True):
        np.testing.assert_allclose(value, other, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_the_covariance_changes_no_more_than_the_last_digit_of_an_image_does(monkeypatch):
    """In some batches of so few pixels either turns a ReLU around, which changes much."""
    monkeypatch.setattr("tf_slim.dropout", lambda inputs, *_, **__: inputs)
    plain = functools.partial(
        clone_steps.step,
        objective=ObjectiveOptions(),
        num_clones=1,
        build_clone=_build_plain_clone,
    )
    differences, noises = [], []
    for seed in range(4):
        random = np.random.RandomState(seed)
        batch = clone_steps.batch(2)
        shape = batch["image"].shape
        batch["image"] = random.uniform(0, 255, shape).astype(np.float32)
        image = batch["image"] * (1.0 + 1e-7 * random.normal(size=shape))
        loss, *found = clone_steps.step(batch, ObjectiveOptions(), 1)
        expected_loss, *expected = plain(batch)
        np.testing.assert_allclose(loss, expected_loss, rtol=1e-5)
        _, *changed = plain({**batch, "image": image.astype(np.float32)})
        differences.append(_largest_difference(found[0], expected[0]))
        noises.append(_largest_difference(changed[0], expected[0]))
    assert sorted(differences)[1] < min(1e-4, 3.0 * sorted(noises)[1])


def _largest_difference(gradients, expected) -> float:
    """Returns the largest of a gradient, by the length of all."""
    length = np.sqrt(sum(np.sum(np.square(each, dtype=float)) for each in expected))
    return max(
        float(np.linalg.norm(value - other) / length)
        for value, other in zip(gradients, expected, strict=True)
    )
