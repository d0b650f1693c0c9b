"""Which encoder a file holds, by the names and shapes of its kernels.

Encoders of `nets.registry` are built and compared, so that one that joins the registry is found
without a line here.
"""

import dataclasses
import functools
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import tensorflow.compat.v1 as tf

from deeplab.options import ModelOptions
from nets import registry
from nets.batch_norm import BatchNormMode
from scripts.weight_import.convolution import KERNEL_NAMES, Convolution
from scripts.weight_import.network import listed

# Widths of the published MobileNets, tried where the depth of the features does not say it.
_DEPTH_MULTIPLIERS = (1.0, 0.75, 0.5, 0.35, 0.25, 1.3, 1.4)
_DIVISORS = (None, 8, 1)
_IMAGE_SIDE = 65


class Encoder(NamedTuple):
    """An encoder that fits.

    Attributes:
      options: the model options that describe it: variant and width.
      kernels: shape of each kernel by variable name.
      depth: channels of its features.
    """

    options: dict[str, Any]
    kernels: dict[str, tuple[int, ...]]
    depth: int


def find_encoder(convolutions: Mapping[str, Convolution], given: Mapping[str, Any]) -> Encoder:
    """Finds the encoder among a file's convolutions.

    Args:
      convolutions: by the scope of their variables.
      given: model options that are settled.

    Raises:
      ValueError: none fits; says how the nearest differs.
    """
    variants = _variants(convolutions, given)
    in_file = {
        f"{scope}/{each.kernel_name}": tuple(each.shape)
        for scope, each in convolutions.items()
        if any(scope.startswith(f"{variant.scope}/") for variant in variants)
    }
    nearest: tuple[list[str], Encoder] | None = None
    for variant in variants:
        for width in _widths(variant, list(in_file.values())[-1][-1], given):
            encoder = _build(variant.name, **width)
            problems = _differences(in_file, encoder.kernels)
            if not problems:
                return encoder
            if nearest is None or len(problems) < len(nearest[0]):
                nearest = problems, encoder
    problems, encoder = nearest
    fields = ", ".join(f"{name} {value}" for name, value in encoder.options.items() if value)
    raise ValueError(
        f"no encoder that is known here fits the file. Compared with {fields}: {listed(problems)}."
    )


def _variants(
    convolutions: Mapping[str, Convolution], given: Mapping[str, Any]
) -> list[registry.Encoder]:
    """Returns the encoders below whose scope a file has convolutions."""
    scopes = {scope.split("/")[0] for scope in convolutions}
    variants = [variant for variant in registry.ENCODERS.values() if variant.scope in scopes]
    if not variants:
        raise ValueError(
            f"the file holds no encoder that is known here: its layers are in "
            f"{', '.join(sorted(scopes))}; the encoders are {', '.join(registry.ENCODERS)}."
        )
    if "model_variant" not in given:
        return variants
    wanted = registry.encoder(given["model_variant"])
    if wanted not in variants:
        raise ValueError(
            f"--model_variant is {wanted.name}, but the file has no layer in {wanted.scope}/; its "
            f"layers are in {', '.join(sorted(scopes))}."
        )
    return [wanted]


def _widths(
    variant: registry.Encoder, depth: int, given: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """Yields widths of a variant, the one that the depth of the features speaks for first."""
    multipliers, divisors = (1.0,), (None,)
    if "depth_multiplier" in variant.options:
        measured = depth / variant.depth
        multipliers = dict.fromkeys((round(measured, 4), *_DEPTH_MULTIPLIERS))
        if "depth_multiplier" in given:
            multipliers = (given["depth_multiplier"],)
    if "divisible_by" in variant.options:
        divisors = (given["divisible_by"],) if "divisible_by" in given else _DIVISORS
    for multiplier in multipliers:
        for divisor in divisors:
            yield {"depth_multiplier": multiplier, "divisible_by": divisor}


@functools.lru_cache
def _build(model_variant: str, depth_multiplier: float, divisible_by: int | None) -> Encoder:
    fields = {
        "model_variant": model_variant,
        "depth_multiplier": depth_multiplier,
        "divisible_by": divisible_by,
    }
    options = ModelOptions(num_classes=2, **fields)
    with tf.Graph().as_default():
        features, _ = registry.extract_features(
            tf.placeholder(tf.float32, [1, _IMAGE_SIDE, _IMAGE_SIDE, 3]),
            model_variant,
            output_stride=options.output_stride,
            weight_decay=0.0,
            batch_norm=BatchNormMode(),
            options=dataclasses.asdict(options),
        )
        kernels = {
            variable.op.name: tuple(variable.shape.as_list())
            for variable in tf.global_variables()
            if variable.op.name.endswith(KERNEL_NAMES)
        }
    return Encoder(fields, kernels, features.shape[-1].value)


def _differences(
    in_file: Mapping[str, tuple[int, ...]], wanted: Mapping[str, tuple[int, ...]]
) -> list[str]:
    differing = [
        f"{name} is {list(in_file[name])} in the file and {list(shape)} in the network"
        for name, shape in wanted.items()
        if in_file.get(name, shape) != shape
    ]
    missing = [f"{name} is missing in the file" for name in wanted if name not in in_file]
    surplus = [f"{name} is unknown to the network" for name in in_file if name not in wanted]
    return differing + missing + surplus
