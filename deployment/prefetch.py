"""Batches that lie on their clones' devices before the step that takes them begins.

A step takes what the step before has put there, and puts there what the next one will take, so that
the copy from the CPU runs beside the arithmetic. TensorFlow's staging areas hold the batches.
"""

from collections.abc import Mapping, Sequence

import tensorflow.compat.v1 as tf

from deployment.config import DeploymentConfig
from deployment.model_deploy import Batch


class Prefetch:
    """The staging areas of all clones, for shares of the names, types and shapes of `shares`.

    Floating point tensors, which are most of a batch, are staged on the device of their clone, the
    others on the CPU, where strings have to be.
    """

    def __init__(self, config: DeploymentConfig, shares: Sequence[Batch]):
        self._areas = [
            area
            for index, share in enumerate(shares)
            for area in (
                _Area(index, "floats", config.clone_device(index), _like(share, True)),
                _Area(index, "others", config.inputs_device(), _like(share, False)),
            )
            if area.like
        ]
        self._num_clones = len(shares)

    def put(self, shares: Sequence[Batch]) -> tf.Operation:
        """Returns the op that puts one batch into the areas."""
        return tf.group(*(area.put(shares[area.clone]) for area in self._areas))

    def take(self) -> list[dict[str, tf.Tensor]]:
        """Returns each clone's share of the oldest batch that was put there; waits for one."""
        shares: list[dict[str, tf.Tensor]] = [{} for _ in range(self._num_clones)]
        for area in self._areas:
            shares[area.clone].update(area.take())
        return shares

    def clear(self) -> tf.Operation:
        """Returns the op that empties the areas."""
        return tf.group(*(area.clear() for area in self._areas))


class _Area:
    """The staging area of clone `clone` for tensors of the types and shapes of `like`, by name."""

    def __init__(self, clone: int, kind: str, device: str, like: Mapping[str, tf.Tensor]):
        self.clone = clone
        self.like = like
        self._device = device
        self._name = f"prefetch_{kind}_of_clone_{clone}"

    def put(self, share: Batch) -> tf.Operation:
        with tf.device(self._device):
            return tf.raw_ops.Stage(
                values=[share[name] for name in self.like], shared_name=self._name
            )

    def take(self) -> dict[str, tf.Tensor]:
        with tf.device(self._device):
            values = tf.raw_ops.Unstage(dtypes=self._dtypes(), shared_name=self._name)
        for value, like in zip(values, self.like.values(), strict=True):
            value.set_shape(like.shape)
        return dict(zip(self.like, values, strict=True))

    def clear(self) -> tf.Operation:
        with tf.device(self._device):
            return tf.raw_ops.StageClear(dtypes=self._dtypes(), shared_name=self._name)

    def _dtypes(self) -> list[tf.DType]:
        return [like.dtype for like in self.like.values()]


def _like(share: Batch, is_floating: bool) -> dict[str, tf.Tensor]:
    return {
        name: tensor for name, tensor in share.items() if tensor.dtype.is_floating == is_floating
    }
