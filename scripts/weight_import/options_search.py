"""Which network a file holds: encoder, output stride, context, decoder and classes.

Names and shapes of the kernels say nearly all; output strides follow from the sizes of feature
maps, atrous rates from the convolutions. What cannot be seen (multi-grid rates, an image pyramid)
has to be given; the comparison of logits that follows every import tells whether it is missing.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from deeplab.network.decoder import PROJECTION_DEPTH
from deeplab.options import ModelOptions
from scripts.weight_import.convolution import Convolution
from scripts.weight_import.encoder_search import Encoder, find_encoder

_CELL_SCOPE = "meta_architecture/"
_DECODER_SCOPE = "decoder/"


def find_options(
    convolutions: Mapping[str, Convolution], crop_size: tuple[int, int], given: Mapping[str, Any]
) -> ModelOptions:
    """Finds the network whose convolutions a file holds.

    Args:
      convolutions: the file's, by the scope of their variables.
      crop_size: (height, width) of the images that the file takes.
      given: model options that are settled; they win over what the file seems to say.

    Raises:
      ValueError: no network fits, or options are needed that the file does not say.
    """
    encoder = find_encoder(convolutions, given)
    head = {
        scope: each
        for scope, each in convolutions.items()
        if f"{scope}/{each.kernel_name}" not in encoder.kernels
    }
    logits = list(_series(head, "logits/semantic{}"))
    if not logits and not any(scope.startswith(_DECODER_SCOPE) for scope in head):
        raise ValueError(
            "the file has no logits/semantic behind its encoder: it is no segmentation network of "
            "research/deeplab."
        )
    stride = given.get("output_stride") or _output_stride(head, encoder, crop_size)
    found: dict[str, Any] = {**encoder.options, "output_stride": stride}
    if any(scope.startswith(_CELL_SCOPE) for scope in head):
        if not given.get("dense_prediction_cell_config"):
            raise ValueError(
                "the file holds a dense prediction cell, whose wiring its layers do not say; give "
                "--dense_prediction_cell_json."
            )
    elif "aspp0" in head:
        found.update(_read_aspp(head, stride, given))
    else:
        found.update(_read_plain_logits(logits))
    found.update(_read_decoder(head, found, crop_size))
    found["num_classes"] = logits[0].shape[3] if logits else found["decoder_filters"]
    # Image pooling has relu6 for a reason of its own.
    found["use_bounded_activation"] = any(
        each.activation == "relu6" for scope, each in head.items() if scope != "image_pooling"
    )
    options = ModelOptions(**{**found, **given})
    options.validate()
    return options


def _output_stride(
    head: Mapping[str, Convolution], encoder: Encoder, crop_size: tuple[int, int]
) -> int:
    """Returns the stride of the features that the first layer behind the encoder sees."""
    for scope, each in head.items():
        if (
            each.shape[2] == encoder.depth
            and scope != "image_pooling"
            and not scope.startswith(_DECODER_SCOPE)
        ):
            return _stride(each, crop_size)
    raise ValueError("the output stride cannot be told from the file; give --output_stride.")


def _stride(convolution: Convolution, crop_size: tuple[int, int]) -> int:
    side, size = max(zip(convolution.input_size, crop_size, strict=True))
    return 2 ** round(math.log2((size - 1) / max(side - 1, 1)))


def _read_plain_logits(logits: list[Convolution]) -> dict[str, Any]:
    """Reads DeepLabV2's head: logits straight from the encoder's features, or from a decoder."""
    rates = tuple(each.rate for each in logits)
    found: dict[str, Any] = {"aspp_with_batch_norm": False}
    if len(rates) > 1 or rates not in ((), (1,)):
        found["atrous_rates"] = rates
        found["logits_kernel_size"] = logits[0].shape[0]
    return found


def _read_aspp(
    head: Mapping[str, Convolution], output_stride: int, given: Mapping[str, Any]
) -> dict[str, Any]:
    separable = list(_series(head, "aspp{}_depthwise", first=1))
    branches = separable or list(_series(head, "aspp{}", first=1))
    filters = head["aspp0"].shape[3]
    found: dict[str, Any] = {
        "add_image_level_feature": "image_pooling" in head,
        "atrous_rates": tuple(each.rate for each in branches) or None,
        "aspp_with_separable_conv": bool(separable) or not branches,
        "aspp_with_concat_projection": "concat_projection" in head,
        "aspp_convs_filters": filters,
    }
    if "image_pooling" not in head:
        return found
    # As one of the branches, image pooling adds to the channels of what follows.
    with_pooling = (2 + len(branches)) * filters
    is_excitation = _layer_behind_branches(head).shape[2] < with_pooling
    found["aspp_with_squeeze_and_excitation"] = is_excitation
    found["image_se_uses_qsigmoid"] = is_excitation and (
        head["image_pooling"].activation == "relu6"
    )
    windows = head["image_pooling"].pooling
    if windows is not None:
        kernel, stride = windows
        if any(side < whole for side, whole in zip(kernel, head["aspp0"].input_size, strict=True)):
            found["image_pooling_crop_size"] = tuple(
                (side - 1) * output_stride + 1 for side in kernel
            )
            found["image_pooling_stride"] = tuple(stride)
    return {name: given.get(name, value) for name, value in found.items()}


def _layer_behind_branches(head: Mapping[str, Convolution]) -> Convolution:
    for scope in ("concat_projection", *_merging_scopes(""), "logits/semantic"):
        if scope in head:
            return head[scope]
    raise ValueError("the layer behind ASPP is not known here.")


def _read_decoder(
    head: Mapping[str, Convolution], found: Mapping[str, Any], crop_size: tuple[int, int]
) -> dict[str, Any]:
    projections = list(_series(head, "decoder/feature_projection0{}"))
    if not projections:
        return {}
    last = f"_{len(projections) - 1}" if len(projections) > 1 else ""
    scope = next((scope for scope in _merging_scopes(last) if scope in head), None)
    if scope is None:
        raise ValueError("the file's decoder has no decoder_conv0 that is known here.")
    is_sum = scope in _merging_scopes(last)[:2]
    merging = head[scope]
    is_separable = scope.endswith("_depthwise")
    pointwise = head.get(scope.replace("_depthwise", "_pointwise"), merging)
    decoder: dict[str, Any] = {
        "decoder_output_stride": tuple(_stride(each, crop_size) for each in projections),
        "decoder_use_sum_merge": is_sum,
        "decoder_output_is_logits": "logits/semantic" not in head,
        "decoder_filters": pointwise.shape[3],
    }
    if not decoder["decoder_output_is_logits"]:
        decoder["decoder_use_separable_conv"] = is_separable
    if not is_sum:
        before = decoder["decoder_filters"] if last else _context_depth(found)
        decoder["decoder_use_gradient"] = merging.shape[2] == before + PROJECTION_DEPTH + 1
    return decoder


def _merging_scopes(suffix: str) -> tuple[str, ...]:
    """The first convolution of a decoder's stage: two kinds that add, then two that concatenate."""
    return (
        f"decoder/decoder_split_sep_conv0{suffix}_depthwise",
        f"decoder/decoder_conv0{suffix}",
        f"decoder/decoder_conv0{suffix}_depthwise",
        f"decoder/decoder_conv0{suffix}/decoder_conv0{suffix}_1",
    )


def _context_depth(found: Mapping[str, Any]) -> int:
    """Returns the channels that ASPP makes; 0 where there is none."""
    filters = found.get("aspp_convs_filters", 0)
    if found.get("aspp_with_concat_projection"):
        return filters
    is_branch = (
        found.get("add_image_level_feature") and not (found["aspp_with_squeeze_and_excitation"])
    )
    return filters * (1 + len(found.get("atrous_rates") or ()) + bool(is_branch))


def _series(head: Mapping[str, Convolution], pattern: str, first: int = 0) -> Iterator[Convolution]:
    """Yields the layers of a series: NAME, NAME_1, NAME_2 …, or NAME1, NAME2 … from `first` on."""
    number = first
    while True:
        suffix = str(number) if first else f"_{number}" if number else ""
        convolution = head.get(pattern.format(suffix))
        if convolution is None:
            return
        yield convolution
        number += 1
