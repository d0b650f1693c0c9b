"""How weights of one DeepLab network fit another whose shapes differ.

Adapters for `training.checkpoints`: each is called with a variable's name, the checkpoint's value
and the variable's initial value, and returns the value to start from, or None where it does not
apply.
"""

import numpy as np

from deeplab.network import decoder
from deeplab.options import ModelOptions


def gradient_adapter(options: ModelOptions):
    """Returns an adapter that starts a network with gradient channel from one without.

    The decoder's first convolution sees features, gradient and projection, in this order. A
    checkpoint of research/deeplab has no gradient there. Features and projection are copied to
    their new places; the gradient's own weights keep their initial value.

    Args:
      options: the network to be trained.
    """
    stage = len(options.decoder_output_stride) - 1
    suffix = f"_{stage}" if stage > 0 else ""
    depthwise = f"decoder/decoder_conv0{suffix}_depthwise/"
    pointwise = f"decoder/decoder_conv0{suffix}_pointwise/weights"
    full = f"decoder/decoder_conv0{suffix}/decoder_conv0{suffix}_1/weights"

    def adapt(name: str, saved: np.ndarray, initial: np.ndarray) -> np.ndarray | None:
        if not options.decoder_use_gradient:
            return None
        if name == depthwise + "depthwise_weights" or name in (pointwise, full):
            axis = 2
        elif name.startswith(depthwise + "BatchNorm/"):
            axis = 0
        else:
            return None
        return _insert_channel(saved, initial, axis)

    return adapt


def _insert_channel(saved: np.ndarray, initial: np.ndarray, axis: int) -> np.ndarray | None:
    """Copies `saved` around the one channel of `initial` that it lacks."""
    expected = list(initial.shape)
    expected[axis] -= 1
    if list(saved.shape) != expected:
        return None
    gradient = initial.shape[axis] - decoder.PROJECTION_DEPTH - 1
    value = np.array(initial)
    old = np.moveaxis(saved, axis, 0)
    new = np.moveaxis(value, axis, 0)
    new[:gradient] = old[:gradient]
    new[gradient + 1 :] = old[gradient:]
    return value
