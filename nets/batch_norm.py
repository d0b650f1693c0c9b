"""Batch normalization: frozen, trained per clone, or synchronized over the clones of a graph.

A tf-slim `normalizer_fn` on `tf.nn.fused_batch_norm`, with slim's variable names
(`BatchNorm/{gamma,beta,moving_mean,moving_variance}`), on which published checkpoints depend.
slim's own `batch_norm` needs a module of Keras 2 that TensorFlow no longer has.

Ioffe & Szegedy, "Batch Normalization", arXiv 1502.03167. Statistics over all clones: Peng et al.,
"MegDet", arXiv 1711.07240, section 3.3.
"""

import collections
import dataclasses
from typing import Any

import tensorflow.compat.v1 as tf
import tf_slim as slim

from nets import covariance_norm, pointwise
from nets.backward import lean_statistics


class SyncGroup:
    """Makes the batch norm layers of several clones share their statistics.

    Clones are built one after the other, so when a layer of the first clone asks for the mean over
    all clones, the others do not exist yet. Each layer therefore reads its statistics through an
    identity op that shows its own clone's. After the last clone, `connect` turns these ops to the
    joint statistics, through which gradients flow from then on.
    """

    def __init__(self, num_clones: int):
        self.num_clones = num_clones
        self._layers: dict[str, list[tf.Tensor]] = collections.defaultdict(list)

    def share(self, layer: str, mean: tf.Tensor, variance: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """Takes the statistics of one layer in one clone and returns those over all clones.

        Args:
          layer: name of the layer, the same in every clone.
          mean, variance: float32 [channels], over this clone's share of the batch.
        """
        shared = tf.identity(tf.stack([mean, variance]), name="statistics_over_clones")
        self._layers[layer].append(shared)
        return tuple(tf.unstack(shared))

    def connect(self) -> None:
        """Joins the statistics of all clones. Call after the last clone and before gradients."""
        for layer, statistics in self._layers.items():
            # A network that sees its image at several scales passes each layer several times.
            passes, left_over = divmod(len(statistics), self.num_clones)
            assert not left_over, f"{layer} occurs {len(statistics)}x in {self.num_clones} clones"
            for first in range(passes):
                self._join(statistics[first::passes])
        self._layers.clear()

    def _join(self, statistics: list[tf.Tensor]) -> None:
        local = tf.stack([shared.op.inputs[0] for shared in statistics])
        means, variances = local[:, 0], local[:, 1]
        mean = tf.reduce_mean(means, axis=0)
        # Every clone has equally many values. The variance of the means is added, rather than
        # E[x^2] - mean^2 taken, which loses all digits where the mean is large.
        variance = tf.reduce_mean(variances + tf.square(means - mean), axis=0)
        joint = tf.stack([mean, variance])
        for shared in statistics:
            shared.op._update_input(0, joint)


@dataclasses.dataclass(frozen=True)
class BatchNormMode:
    """How the batch norm layers of a network behave.

    Attributes:
      is_training: normalize with the batch's statistics and update the moving ones; otherwise the
        moving statistics are used and kept (gamma and beta are still trained if anything is).
      decay: decay of the moving statistics in every layer; None for each layer's published value.
        Published values (0.9997 in the head) need some 10,000 steps to forget a new layer's start.
      sync_group: shares statistics over clones; None keeps each clone's own.
    """

    is_training: bool = False
    decay: float | None = None
    sync_group: SyncGroup | None = None

    def slim_params(self, decay: float, epsilon: float, *, scale: bool = True) -> dict[str, Any]:
        """Returns slim's `normalizer_fn` and `normalizer_params` for layers with these values."""
        return {
            "normalizer_fn": batch_norm,
            "normalizer_params": {
                "is_training": self.is_training,
                "decay": decay if self.decay is None else self.decay,
                "epsilon": epsilon,
                "scale": scale,
                "sync_group": self.sync_group,
            },
        }


def batch_norm(
    inputs: tf.Tensor,
    *,
    is_training: bool,
    decay: float,
    epsilon: float,
    scale: bool = True,
    sync_group: SyncGroup | None = None,
) -> tf.Tensor:
    """Normalizes each channel; makes `BatchNorm/*` variables in the current variable scope.

    Args:
      inputs: float32 [batch, height, width, channels].
      is_training: see `BatchNormMode`. Updates of the moving statistics go to
        `tf.GraphKeys.UPDATE_OPS`.
      decay: of the moving statistics.
      epsilon: added to the variance.
      scale: whether there is a gamma; otherwise channels are not scaled after normalizing.
      sync_group: see `BatchNormMode`; used in training only.
    """
    with tf.variable_scope("BatchNorm") as scope:
        channels = [inputs.shape[-1].value]
        ones, zeros = tf.ones_initializer(), tf.zeros_initializer()
        if scale:
            gamma = slim.model_variable("gamma", channels, initializer=ones)
        else:
            gamma = tf.ones(channels)
        beta = slim.model_variable("beta", channels, initializer=zeros)
        moving_mean, moving_variance = (
            slim.model_variable(f"moving_{name}", channels, initializer=start, trainable=False)
            for name, start in (("mean", zeros), ("variance", ones))
        )
        if not is_training:
            outputs, _, _ = tf.nn.fused_batch_norm(
                inputs, gamma, beta, moving_mean, moving_variance, epsilon, is_training=False
            )
            return outputs
        if covariance_norm.applies(inputs):
            mean, variance = covariance_norm.moments(inputs)
            if sync_group is not None:
                mean, variance = sync_group.share(scope.name, mean, variance)
            outputs = covariance_norm.normalize(inputs, mean, variance, beta, gamma, epsilon)
            variance *= _unbiased(covariance_norm.num_pixels(inputs), sync_group)
        elif sync_group is None:
            outputs, mean, variance = tf.nn.fused_batch_norm(inputs, gamma, beta, epsilon=epsilon)
        else:
            with lean_statistics():
                statistics = tf.nn.moments(inputs, axes=[0, 1, 2])
                mean, variance = sync_group.share(scope.name, *statistics)
                outputs = tf.nn.batch_normalization(inputs, mean, variance, beta, gamma, epsilon)
            variance *= _unbiased(pointwise.num_pixels(inputs), sync_group)
        for moving, value in ((moving_mean, mean), (moving_variance, variance)):
            update = tf.assign_sub(moving, (moving - value) * (1.0 - decay))
            tf.add_to_collection(tf.GraphKeys.UPDATE_OPS, update)
        return outputs


def _unbiased(num_pixels: float | tf.Tensor, sync_group: SyncGroup | None) -> float | tf.Tensor:
    """Returns what a variance is multiplied with for the moving one, which the fused op keeps so.

    Args:
      num_pixels: values of a channel in this clone.
    """
    return pointwise.unbiased_factor(num_pixels * (sync_group.num_clones if sync_group else 1))
