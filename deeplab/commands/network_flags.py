"""The network that flags describe: new, or a trained one with what may change of it."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from commands.flags import Flags
from deeplab import cell_config
from deeplab.options import RESIZE_OPTIONS, ModelOptions

# Rates double when the feature map is twice as fine: DeepLabV3+ section 4.1, research/deeplab.
_ATROUS_RATES = {8: (12, 24, 36), 16: (6, 12, 18), 32: (3, 6, 9)}
_DECODER_OUTPUT_STRIDE = (4,)
# What may differ between training and use of a network; the variables do not depend on it.
_CHANGEABLE = ("output_stride", "atrous_rates")
_CELL = "dense_prediction_cell_config"
_CELL_FLAG = "dense_prediction_cell_json"

_NAMES = tuple(field.name for field in dataclasses.fields(ModelOptions))
# What `--help` of evaluation and export says of the defaults of options that training wrote down.
AS_TRAINED = {
    _CELL_FLAG if name == _CELL else name: "as trained" for name in (*_NAMES, *RESIZE_OPTIONS)
}


def given_values(flags: Flags) -> dict[str, Any]:
    """Returns the options of the network that the command line gives."""
    given = flags.given(ModelOptions)
    if _CELL in given:
        given[_CELL] = cell_config.read_json(given[_CELL]) if given[_CELL] else None
    return given


def model_options(
    flags: Flags,
    num_classes: int,
    has_gradient: bool,
    output_stride: int | None = None,
    encoder: Mapping[str, Any] | None = None,
) -> ModelOptions:
    """Returns the network that the flags describe.

    Args:
      flags: of the command.
      num_classes: of the dataset.
      has_gradient: whether the dataset carries the gradient channel, which decides
        `decoder_use_gradient` if the flag is not given.
      output_stride: what holds if its flag is not given; None for the option's default.
      encoder: options of the encoder that hold if their flags are not given.

    Raises:
      ValueError: flags contradict each other.
    """
    given = given_values(flags)
    values = {**(encoder or {}), **given}
    if output_stride is not None:
        values.setdefault("output_stride", output_stride)
    options = ModelOptions(num_classes=num_classes, **values)
    has_head_flags = "atrous_rates" in given or "decoder_output_stride" in given
    if not has_head_flags and not options.model_variant.startswith("mobilenet"):
        options = dataclasses.replace(options, decoder_output_stride=_DECODER_OUTPUT_STRIDE)
        if options.dense_prediction_cell_config is None:
            rates = _ATROUS_RATES.get(options.output_stride)
            options = dataclasses.replace(options, atrous_rates=rates)
    if "decoder_use_gradient" not in given:
        has_place = bool(options.decoder_output_stride) and not options.decoder_use_sum_merge
        options = dataclasses.replace(options, decoder_use_gradient=has_gradient and has_place)
    options.validate()
    return options


def changed_options(flags: Flags, trained: ModelOptions, source: str) -> ModelOptions:
    """Returns a trained network with what the flags may change of it: stride and rates.

    An encoder may run at another output stride than it was trained at: the variables are the same,
    and the rates follow the stride unless they are given.

    Args:
      flags: of the command.
      trained: the network as it was trained.
      source: where that is written, for the error.

    Raises:
      ValueError: a flag contradicts the training.
    """
    given = given_values(flags)
    for name, value in given.items():
        stored = getattr(trained, name)
        if name not in _CHANGEABLE and value != stored:
            flag = _CELL_FLAG if name == _CELL else name
            raise ValueError(
                f"--{flag} is {value}, but {source} says that the network was trained with "
                f"{stored}. Omit the flag."
            )
    return _changed(trained, given)


def published_options(flags: Flags, published: ModelOptions) -> ModelOptions:
    """Returns a published network, with all that the flags say otherwise; rates follow the stride.

    Raises:
      ValueError: flags contradict each other.
    """
    return _changed(published, given_values(flags))


def _changed(options: ModelOptions, changes: Mapping[str, Any]) -> ModelOptions:
    changed = dataclasses.replace(options, **changes)
    if "atrous_rates" not in changes and options.atrous_rates:
        rates = _rates_at(changed.output_stride, options.atrous_rates, options.output_stride)
        changed = dataclasses.replace(changed, atrous_rates=rates)
    changed.validate()
    return changed


def _rates_at(output_stride: int, rates: tuple[int, ...], trained_stride: int) -> tuple[int, ...]:
    """Returns the rates that reach as far over the image at another output stride."""
    scaled = [rate * trained_stride / output_stride for rate in rates]
    if any(rate < 1 or rate != int(rate) for rate in scaled):
        raise ValueError(
            f"atrous_rates {rates} of output_stride {trained_stride} have no equal at "
            f"output_stride {output_stride}; give --atrous_rates."
        )
    return tuple(int(rate) for rate in scaled)
