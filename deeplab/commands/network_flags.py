"""The flags that describe a network, by research/deeplab's names: one for each of `ModelOptions`.

Commands that make a network of their own import this module; the others read `options.json`.
"""

import dataclasses
from typing import Any

from absl import flags

from commands import option_flags
from deeplab import cell_config
from deeplab.options import ModelOptions

FLAGS = flags.FLAGS

# Rates double when the feature map is twice as fine: DeepLabV3+ section 4.1, research/deeplab.
_ATROUS_RATES = {8: (12, 24, 36), 16: (6, 12, 18), 32: (3, 6, 9)}
_DECODER_OUTPUT_STRIDE = (4,)
# What may differ between training and use of a network; the variables do not depend on it.
_CHANGEABLE = ("output_stride", "atrous_rates")

_NAMES = tuple(
    field.name for field in dataclasses.fields(ModelOptions) if field.name != "num_classes"
)
# The one option that a flag does not hold itself: it names a file.
_CELL = "dense_prediction_cell_config"
_CELL_FLAG = "dense_prediction_cell_json"


option_flags.define(ModelOptions)


def given_values() -> dict[str, Any]:
    """Returns the values of the flags that the command line gives, by name."""
    return {name: _value(name) for name in _NAMES if FLAGS[_flag(name)].present}


def model_options(num_classes: int, has_gradient: bool) -> ModelOptions:
    """Returns the network that the flags describe.

    Args:
      num_classes: of the dataset.
      has_gradient: whether the dataset carries the gradient channel, which decides
        `decoder_use_gradient` if the flag is not given.

    Raises:
      ValueError: flags contradict each other.
    """
    given = given_values()
    values = {name: _value(name) for name in _NAMES}
    has_head_flags = "atrous_rates" in given or "decoder_output_stride" in given
    if not has_head_flags and not values["model_variant"].startswith("mobilenet"):
        values["decoder_output_stride"] = _DECODER_OUTPUT_STRIDE
        if values[_CELL] is None:
            values["atrous_rates"] = _ATROUS_RATES.get(values["output_stride"])
    if "decoder_use_gradient" not in given:
        values["decoder_use_gradient"] = (
            has_gradient
            and bool(values["decoder_output_stride"])
            and not values["decoder_use_sum_merge"]
        )
    options = ModelOptions(num_classes=num_classes, **values)
    options.validate()
    return options


def changed_options(trained: ModelOptions, source: str) -> ModelOptions:
    """Returns a trained network with what the flags may change of it: stride and rates.

    An encoder may run at another output stride than it was trained at: the variables are the same,
    and the rates follow the stride unless they are given.

    Args:
      trained: the network as it was trained.
      source: where that is written, for the error.

    Raises:
      ValueError: a flag contradicts the training.
    """
    given = given_values()
    changes = {name: given.pop(name) for name in _CHANGEABLE if name in given}
    for name, value in given.items():
        stored = getattr(trained, name)
        if value != stored:
            raise ValueError(
                f"--{_flag(name)} is {value}, but {source} says that the network was trained with "
                f"{stored}. Leave the flag away."
            )
    changed = dataclasses.replace(trained, **changes)
    if "atrous_rates" not in changes and trained.atrous_rates:
        rates = _rates_at(changed.output_stride, trained)
        changed = dataclasses.replace(changed, atrous_rates=rates)
    changed.validate()
    return changed


def _rates_at(output_stride: int, trained: ModelOptions) -> tuple[int, ...]:
    """Returns the rates that reach as far over the image at another output stride."""
    scaled = [rate * trained.output_stride / output_stride for rate in trained.atrous_rates]
    if any(rate < 1 or rate != int(rate) for rate in scaled):
        raise ValueError(
            f"atrous_rates {trained.atrous_rates} of output_stride {trained.output_stride} have no "
            f"equal at output_stride {output_stride}; give --atrous_rates."
        )
    return tuple(int(rate) for rate in scaled)


def _flag(name: str) -> str:
    """Returns the name of the flag that sets an option."""
    return _CELL_FLAG if name == _CELL else name


def _value(name: str) -> Any:
    value = FLAGS[_flag(name)].value
    if name == _CELL:
        return cell_config.read_json(value) if value else None
    return tuple(value) if isinstance(value, list) else value
