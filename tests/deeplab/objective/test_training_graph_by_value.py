"""A training step beside the plain one: the same loss, gradients and moving statistics.

In the plain one every gradient is the one that TensorFlow registers for its operation, nothing is
computed again in the backward pass, and the loss is `reference.loss`.
"""

import functools

import numpy as np
import pytest

from deeplab.network import model
from deeplab.options import ObjectiveOptions
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
    monkeypatch.setattr("tf_slim.dropout", lambda inputs, *_, **__: inputs)
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
