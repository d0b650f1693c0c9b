"""Which encoder a checkpoint holds."""

import dataclasses
from collections.abc import Mapping

import tensorflow.compat.v1 as tf

from common import checkpoint_reader
from common.texts import printable
from nets import registry
from nets.batch_norm import BatchNormMode

# Widths of the published MobileNets.
_MULTIPLIERS = (1.0, 0.5, 0.75, 0.35, 1.4, 1.3)
_LEAST_SHARE = 0.9

_Shapes = Mapping[str, tuple[int, ...]]


@dataclasses.dataclass(frozen=True)
class StartFacts:
    """The encoder in a checkpoint.

    Attributes:
      checkpoint: prefix of its files.
      model_variant, depth_multiplier: the encoder whose variables it holds.
    """

    checkpoint: str
    model_variant: str
    depth_multiplier: float


def examine(checkpoint: str) -> StartFacts:
    """Finds the encoder whose variables a checkpoint has.

    Args:
      checkpoint: prefix of its files.

    Raises:
      ValueError: the checkpoint is damaged, or no encoder fits it.
    """
    shapes = checkpoint_reader.Reader(checkpoint).shapes
    scopes = {name.split("/", 1)[0] for name in shapes}
    best = (0.0, "", 1.0)
    for name, encoder in registry.ENCODERS.items():
        if encoder.scope not in scopes:
            continue
        built = _shapes(encoder, 1.0)
        has_widths = "depth_multiplier" in encoder.options and built.keys() <= shapes.keys()
        for multiplier in _MULTIPLIERS if has_widths else (1.0,):
            if multiplier != 1.0:
                built = _shapes(encoder, multiplier)
            share = sum(shapes.get(each) == shape for each, shape in built.items()) / len(built)
            if share == 1.0:
                return StartFacts(checkpoint, name, multiplier)
            best = max(best, (share, name, multiplier))
    share, name, multiplier = best
    if share < _LEAST_SHARE:
        raise ValueError(
            f"checkpoint {printable(checkpoint)} has the variables of no encoder that is known "
            f"here: they begin with {', '.join(sorted(scopes)[:5])}. Give --model_variant, or "
            "another --tf_initial_checkpoint."
        )
    return StartFacts(checkpoint, name, multiplier)


def _shapes(encoder: registry.Encoder, multiplier: float) -> _Shapes:
    """Returns the shapes of an encoder's variables, by name."""
    values = registry.classifier_options(multiplier)
    with tf.Graph().as_default():
        encoder.build(
            tf.zeros([1, 65, 65, 3]),
            output_stride=16,
            weight_decay=0.0,
            batch_norm=BatchNormMode(),
            **{name: values[name] for name in encoder.options},
        )
        return {each.op.name: tuple(each.shape.as_list()) for each in tf.global_variables()}
