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
        multipliers = _MULTIPLIERS if "depth_multiplier" in encoder.options else (1.0,)
        for multiplier in multipliers:
            share = _fitting_share(encoder, multiplier, shapes)
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


def _fitting_share(encoder: registry.Encoder, multiplier: float, shapes: _Shapes) -> float:
    """Returns the share of an encoder's variables that a checkpoint has in their shapes."""
    values = registry.classifier_options(multiplier)
    with tf.Graph().as_default():
        encoder.build(
            tf.zeros([1, 65, 65, 3]),
            output_stride=16,
            weight_decay=0.0,
            batch_norm=BatchNormMode(),
            **{name: values[name] for name in encoder.options},
        )
        variables = [
            each for each in tf.global_variables() if each.op.name.startswith(encoder.scope)
        ]
    fitting = [shapes.get(each.op.name) == tuple(each.shape.as_list()) for each in variables]
    return sum(fitting) / max(1, len(fitting))
