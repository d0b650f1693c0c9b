"""How weights of one DeepLab network start another whose classes or channels differ.

Adapters are for `training.checkpoints`: each is called with a variable's name, the checkpoint's
value and the variable's initial value, and returns the value to start from, or None where it does
not apply.
"""

from collections.abc import Callable

import numpy as np

from deeplab.network.decoder import PROJECTION_DEPTH
from deeplab.options import ModelOptions

_Adapter = Callable[[str, np.ndarray, np.ndarray], np.ndarray | None]


def last_layer_scopes(options: ModelOptions, logits_only: bool = False) -> tuple[str, ...]:
    """Returns parts of variable names that mark the layers after the encoder, or the logits' only.

    These are trained from scratch when the classes change, and may get larger gradients.
    """
    if logits_only:
        # Where the decoder makes the logits, each of its layers has a channel for each class.
        return ("decoder",) if options.decoder_output_is_logits else ("logits",)
    return ("logits", "image_pooling", "aspp", "concat_projection", "decoder", "meta_architecture")


def laplacian_adapter(options: ModelOptions) -> _Adapter:
    """Returns an adapter that starts a network with Laplacian channel from one without.

    The decoder's first convolution sees features, Laplacian and projection, in this order. A
    checkpoint of research/deeplab has no Laplacian there. Features and projection are copied to
    their new places; the Laplacian's own weights keep their initial value.
    """
    stage = len(options.decoder_output_stride) - 1
    layer = "decoder_conv0" + (f"_{stage}" if stage > 0 else "")
    weights = (
        f"decoder/{layer}_depthwise/depthwise_weights",
        f"decoder/{layer}_pointwise/weights",
        f"decoder/{layer}/{layer}_1/weights",
    )

    def adapt(name: str, saved: np.ndarray, initial: np.ndarray) -> np.ndarray | None:
        is_batch_norm = name.startswith(f"decoder/{layer}_depthwise/BatchNorm/")
        if not options.decoder_use_gradient or not (name in weights or is_batch_norm):
            return None
        return _insert_channel(saved, initial, axis=0 if is_batch_norm else 2)

    return adapt


def _insert_channel(saved: np.ndarray, initial: np.ndarray, axis: int) -> np.ndarray | None:
    """Copies `saved` around the one channel of `initial` that it lacks."""
    expected = list(initial.shape)
    expected[axis] -= 1
    if list(saved.shape) != expected:
        return None
    place = initial.shape[axis] - PROJECTION_DEPTH - 1
    own = np.take(initial, place, axis)
    return np.insert(saved, place, own, axis).astype(initial.dtype)
