"""The flags that describe a network, by research/deeplab's names: one for each of `ModelOptions`.

Commands that make a network of their own import this module; the others read `options.json`.
"""

import dataclasses
from typing import Any

from absl import flags

from commands.launcher import define_numbers
from deeplab import cell_config
from deeplab.options import MERGE_METHODS, ModelOptions
from nets import registry

FLAGS = flags.FLAGS

# Rates double when the feature map is twice as fine: DeepLabV3+ section 4.1, research/deeplab.
_ATROUS_RATES = {8: (12, 24, 36), 16: (6, 12, 18), 32: (3, 6, 9)}
_DECODER_OUTPUT_STRIDE = (4,)
# What may differ between training and use of a network; the variables do not depend on it.
_CHANGEABLE = ("output_stride", "atrous_rates")

_DEFAULTS = {field.name: field.default for field in dataclasses.fields(ModelOptions)}
_NAMES = tuple(name for name in _DEFAULTS if name != "num_classes")
# The one option that a flag does not hold itself: it names a file.
_CELL = "dense_prediction_cell_config"
_CELL_FLAG = "dense_prediction_cell_json"


def _default(name: str) -> Any:
    return _DEFAULTS[name]


flags.DEFINE_enum(
    "model_variant", _default("model_variant"), list(registry.ENCODERS), "Encoder of the network."
)
flags.DEFINE_integer(
    "output_stride",
    _default("output_stride"),
    "Ratio of image size to the encoder's feature map size: 8, 16 or 32. 8 is finer than 16 and "
    "takes about three times as long.",
)
define_numbers(
    "multi_grid", _default("multi_grid"), "Rates of the units in the encoder's last block."
)
flags.DEFINE_float(
    "depth_multiplier", _default("depth_multiplier"), "Channel multiplier of the MobileNets."
)
flags.DEFINE_integer(
    "divisible_by",
    _default("divisible_by"),
    "Channel counts of the MobileNets are multiples of this. Default: 8 at depth_multiplier 1.0, "
    "else 1, as in the published checkpoints.",
)
flags.DEFINE_bool(
    "add_image_level_feature",
    _default("add_image_level_feature"),
    "Whether ASPP has its image pooling branch.",
)
define_numbers(
    "image_pooling_crop_size",
    _default("image_pooling_crop_size"),
    "height,width in pixels that image pooling averages over. Default: the whole image.",
)
define_numbers(
    "image_pooling_stride",
    _default("image_pooling_stride"),
    "height,width stride of image pooling with image_pooling_crop_size.",
)
define_numbers(
    "atrous_rates",
    _default("atrous_rates"),
    "Rates of ASPP's 3x3 branches; empty for none. Default, if decoder_output_stride is not given "
    "either: 6,12,18 at output stride 16, 12,24,36 at 8, 3,6,9 at 32; none for the MobileNets.",
)
flags.DEFINE_bool(
    "aspp_with_batch_norm",
    _default("aspp_with_batch_norm"),
    "Whether there is an ASPP with batch norm; without it the logits follow the encoder at each "
    "of the atrous_rates (DeepLabV2's head).",
)
flags.DEFINE_bool(
    "aspp_with_separable_conv",
    _default("aspp_with_separable_conv"),
    "Whether ASPP's 3x3 convolutions are separable.",
)
flags.DEFINE_bool(
    "aspp_with_concat_projection",
    _default("aspp_with_concat_projection"),
    "Whether a 1x1 convolution follows ASPP's concatenation.",
)
flags.DEFINE_integer(
    "aspp_convs_filters", _default("aspp_convs_filters"), "Channels of each ASPP branch."
)
flags.DEFINE_bool(
    "aspp_with_squeeze_and_excitation",
    _default("aspp_with_squeeze_and_excitation"),
    "Whether image pooling weighs the channels of ASPP's result instead of being one of its "
    "branches, as MobileNetV3's networks have it.",
)
flags.DEFINE_bool(
    "image_se_uses_qsigmoid",
    _default("image_se_uses_qsigmoid"),
    "Whether those weights come from relu6(x + 3) / 6 instead of the sigmoid.",
)
flags.DEFINE_string(
    _CELL_FLAG,
    None,
    "JSON file of a dense prediction cell, which then stands in ASPP's place.",
)
define_numbers(
    "decoder_output_stride",
    _default("decoder_output_stride"),
    "Strides of the decoder's stages, coarse to fine; empty for no decoder. Default, if "
    "atrous_rates are not given either: 4; none for the MobileNets.",
)
flags.DEFINE_bool(
    "decoder_use_separable_conv",
    _default("decoder_use_separable_conv"),
    "Whether the decoder's 3x3 convolutions are separable.",
)
flags.DEFINE_integer(
    "decoder_filters", _default("decoder_filters"), "Channels of the decoder's convolutions."
)
flags.DEFINE_bool(
    "decoder_use_sum_merge",
    _default("decoder_use_sum_merge"),
    "Whether the decoder adds the encoder's features to the context instead of concatenating both. "
    "There is no place for the gradient then.",
)
flags.DEFINE_bool(
    "decoder_output_is_logits",
    _default("decoder_output_is_logits"),
    "Whether the decoder's last convolution makes the logits; decoder_filters is then the number "
    "of classes.",
)
flags.DEFINE_bool(
    "decoder_use_gradient",
    None,
    "Whether the Laplacian gradient joins the decoder. Default: yes where there is a decoder and "
    "the dataset carries the channel.",
)
flags.DEFINE_integer(
    "logits_kernel_size",
    _default("logits_kernel_size"),
    "Kernel of the layer that makes the logits; above 1 only without ASPP.",
)
flags.DEFINE_bool(
    "use_bounded_activation",
    _default("use_bounded_activation"),
    "Keep the activations of Xception, ASPP and decoder within 6, for 8-bit inference.",
)
define_numbers(
    "image_pyramid",
    _default("image_pyramid"),
    "Scales at which the network sees each image. Each takes its own time and memory.",
    number_type=float,
)
flags.DEFINE_enum(
    "merge_method",
    _default("merge_method"),
    MERGE_METHODS,
    "How the logits of several scales of the image_pyramid become one.",
)
flags.DEFINE_bool(
    "prediction_with_upsampled_logits",
    _default("prediction_with_upsampled_logits"),
    "Whether the class is chosen after the resize of the logits to image size, or before.",
)


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
