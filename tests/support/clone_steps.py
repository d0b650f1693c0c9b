"""Steps of small segmentation networks on noise, for tests that compare ways of taking one."""

import functools
from collections.abc import Callable, Mapping

import numpy as np
import tensorflow.compat.v1 as tf

from deeplab.objective import training_graph
from deeplab.options import ModelOptions, ObjectiveOptions
from deeplab.run_description import RunDescription
from deployment import model_deploy
from deployment.config import DeploymentConfig
from deployment.variable_copies import VariableCopies
from nets.batch_norm import SyncGroup
from tests.support import sessions

SIZE = 33


def description(model_variant: str = "xception_tiny") -> RunDescription:
    """Returns a network of three classes."""
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


def batch(batch_size: int) -> dict[str, np.ndarray]:
    """Returns a batch of `input_pipeline.training_batches` that is noise."""
    random = np.random.RandomState(0)
    shape = (batch_size, SIZE, SIZE)
    return {
        "image": random.uniform(0, 255, (*shape, 3)).astype(np.float32),
        "label": random.choice([0, 1, 2, 255], (*shape, 1)).astype(np.int32),
        "laplacian": random.uniform(-300, 300, (*shape, 1)).astype(np.float32),
        "image_name": np.array([f"image_{index}" for index in range(batch_size)]),
    }


def build(
    values: Mapping[str, np.ndarray],
    objective: ObjectiveOptions,
    num_clones: int = 1,
    *,
    build_clone: Callable = training_graph.build_clone,
    model_variant: str = "xception_tiny",
    getter_of: Callable | None = None,
):
    """Builds clones in the default graph; returns them and the total loss."""
    tf.train.get_or_create_global_step()
    config = DeploymentConfig(num_clones, clone_on_cpu=True)
    sync_group = SyncGroup(num_clones) if objective.sync_batch_norm else None
    build_one = functools.partial(
        build_clone,
        description=description(model_variant),
        objective=objective,
        sync_group=sync_group,
    )
    fed = {
        # Constants would be folded: TensorFlow would compute much of the network twice.
        name: tf.placeholder_with_default(value, value.shape)
        for name, value in values.items()
    }
    shares = model_deploy.split_batch(config, fed)
    clones = model_deploy.create_clones(config, build_one, shares, getter_of)
    if sync_group:
        sync_group.connect()
    return clones, model_deploy.total_loss(config, clones)


def step(
    values: Mapping[str, np.ndarray],
    objective: ObjectiveOptions,
    num_clones: int = 1,
    *,
    with_copies: bool = False,
    **how,
):
    """Returns loss, gradients, and moving statistics after a step, on known weights.

    Args:
      with_copies: whether each clone has copies of the variables (`VariableCopies`).
      **how: see `build`.
    """
    with tf.Graph().as_default():
        copies = VariableCopies(DeploymentConfig(num_clones, clone_on_cpu=True))
        getter_of = copies.getter if with_copies else None
        clones, loss = build(values, objective, num_clones, getter_of=getter_of, **how)
        variables = tf.trainable_variables()
        if with_copies:
            gradients = [gradient for gradient, _ in copies.gradients(loss)]
        else:
            gradients = tf.gradients(loss, variables)
        moving = [variable for variable in tf.model_variables() if "moving" in variable.op.name]
        random = np.random.RandomState(1)
        with sessions.unoptimized() as session:
            session.run(tf.global_variables_initializer())
            initial_values = {
                variable.initializer.inputs[1]: random.normal(
                    variable.op.name.endswith("gamma"), 0.2, variable.shape.as_list()
                )
                for variable in variables
            }
            session.run([variable.initializer for variable in variables], initial_values)
            results = session.run([loss, gradients])
            session.run(clones[0].update_ops)
            return (*results, session.run(moving))
