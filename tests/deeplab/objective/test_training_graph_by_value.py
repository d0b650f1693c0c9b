"""A training step beside the plain one: the same loss, gradients and moving statistics.

In the plain one every gradient is the one that TensorFlow registers for its operation, nothing is
computed again in the backward pass, and the loss is `reference.loss`.
"""

import functools

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from deeplab.network import model
from deeplab.objective import training_graph
from deeplab.options import ModelOptions, ObjectiveOptions
from deeplab.run_description import RunDescription
from deployment import model_deploy
from deployment.config import DeploymentConfig
from nets.batch_norm import SyncGroup
from reference import loss as plain_loss

SIZE = 33


def _build_plain_clone(batch, description, objective, sync_group):
    logits = model.multi_scale_logits(batch, description.model, objective, sync_group)
    plain_loss.add_losses(logits, batch["label"], objective, description.ignore_label)


def _description(model_variant: str) -> RunDescription:
    return RunDescription(
        model=ModelOptions(
            num_classes=3,
            model_variant=model_variant,
            atrous_rates=(2,),
            decoder_output_stride=(4,),
            decoder_use_gradient=True,
            aspp_convs_filters=8,
            decoder_filters=8,
        ),
        dataset_name="noise",
        class_names=("a", "b", "c"),
        palette=((10, 20, 30), (250, 0, 0), (0, 0, 250)),
        ignore_label=255,
        train_crop_size=(SIZE, SIZE),
    )


def _batch(batch_size: int) -> dict[str, tf.Tensor]:
    random = np.random.RandomState(0)
    shape = (batch_size, SIZE, SIZE)
    values = {
        "image": random.uniform(0, 255, (*shape, 3)).astype(np.float32),
        "label": random.choice([0, 1, 2, 255], (*shape, 1)).astype(np.int32),
        "laplacian": random.uniform(-300, 300, (*shape, 1)).astype(np.float32),
    }
    # Constants would be folded: TensorFlow would compute much of the network twice.
    return {name: tf.placeholder_with_default(value, value.shape) for name, value in values.items()}


def _step(build_clone, model_variant: str, objective: ObjectiveOptions, num_clones: int):
    """Returns loss, gradients by variable, and moving statistics after a step, on known weights."""
    with tf.Graph().as_default():
        tf.train.get_or_create_global_step()
        config = DeploymentConfig(num_clones, clone_on_cpu=True)
        group = SyncGroup(num_clones) if objective.sync_batch_norm else None
        build = functools.partial(
            build_clone,
            description=_description(model_variant),
            objective=objective,
            sync_group=group,
        )
        clones = model_deploy.create_clones(
            config, build, model_deploy.split_batch(config, _batch(2))
        )
        if group:
            group.connect()
        loss = model_deploy.total_loss(config, clones)
        variables = tf.trainable_variables()
        gradients = tf.gradients(loss, variables)
        moving = [each for each in tf.model_variables() if "moving" in each.op.name]
        random = np.random.RandomState(1)
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            fed = {
                each.initializer.inputs[1]: random.normal(
                    each.op.name.endswith("gamma"), 0.2, each.shape.as_list()
                )
                for each in variables
            }
            session.run([each.initializer for each in variables], fed)
            values = session.run([loss, gradients])
            session.run(clones[0].update_ops)
            return (*values, session.run(moving))


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
    arguments = (model_variant, objective, num_clones)
    loss, gradients, moving = _step(training_graph.build_clone, *arguments)
    expected = _step(_build_plain_clone, *arguments)

    np.testing.assert_allclose(loss, expected[0], rtol=1e-5)
    # A bias in front of batch norm has the gradient 0, but for rounding: hence the length of all.
    length = np.sqrt(sum(np.sum(np.square(each, dtype=float)) for each in expected[1]))
    for value, other in zip(gradients, expected[1], strict=True):
        assert np.linalg.norm(value - other) < 1e-5 * length
    for value, other in zip(moving, expected[2], strict=True):
        np.testing.assert_allclose(value, other, rtol=1e-4, atol=1e-6)
