"""The batch of a step: taken from the dataset once, split over the clones, or fetched ahead."""

import dataclasses

import tensorflow.compat.v1 as tf

from deployment import model_deploy
from deployment.config import DeploymentConfig
from deployment.prefetch import Prefetch


@dataclasses.dataclass(frozen=True)
class StepBatch:
    """The batch of a step.

    Attributes:
      shares: each clone's share, tensors by name.
      whole: the batch for its description; without its images where they are on GPUs.
      began, ended: float64 scalars, when the wait for a batch began and ended, seconds.
      following: the op that makes the next batch ready, if this step is to do so.
    """

    shares: list[dict[str, tf.Tensor]]
    whole: dict[str, tf.Tensor]
    began: tf.Tensor
    ended: tf.Tensor
    following: tuple[tf.Operation, ...] = ()

    def wait_secs(self, loss: tf.Tensor) -> tf.Tensor:
        """Returns how long the step waited for a batch: the next one only when it was done."""
        if not self.following:
            return self.ended - self.began
        with tf.control_dependencies([loss]):
            return tf.maximum(self.ended - tf.timestamp(), tf.constant(0.0, tf.float64))


def next_batch(dataset: tf.data.Dataset, deployment: DeploymentConfig) -> StepBatch:
    """Adds the ops that take the next batch of a dataset to the default graph."""
    iterator = tf.data.make_initializable_iterator(dataset)
    began = tf.timestamp()
    with tf.control_dependencies([began]):
        batch = iterator.get_next()
    with tf.control_dependencies(tf.nest.flatten(batch)):
        ended = tf.timestamp()
    with tf.control_dependencies([ended]):  # On a single core it would be taken after the step.
        batch = tf.nest.map_structure(tf.identity, batch)
    shares = model_deploy.split_batch(deployment, batch)
    ready = iterator.initializer
    following: tuple[tf.Operation, ...] = ()
    if deployment.prefetch_to_clones:
        prefetch = Prefetch(deployment, shares)
        with tf.control_dependencies([ready, prefetch.clear()]):
            first = model_deploy.split_batch(deployment, iterator.get_next())
            ready = prefetch.put(first)
        following = (prefetch.put(shares),)
        shares = prefetch.take()
        batch = {
            name: tf.concat([share[name] for share in shares], axis=0)
            for name, tensor in batch.items()
            if not tensor.dtype.is_floating
        }
    # slim runs this collection in every process, whatever the variables start from.
    tf.add_to_collection(tf.GraphKeys.TABLE_INITIALIZERS, ready)
    return StepBatch(shares, batch, began, ended, following)
