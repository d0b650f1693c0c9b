"""The options of a network, and `options.json`, which carries them beside the weights.

`train.py` writes `options.json` into its log folder; evaluation, export and inference read it, so
that no command repeats what training was told.
"""

import dataclasses
import os
from collections.abc import Mapping
from typing import Any

from common import json_files
from common.texts import printable, shorten
from datasets.segmentation import specs
from deeplab import cell_config
from nets import registry

OPTIONS_FILE = "options.json"
FORMAT_VERSION = 1

OUTPUT_STRIDES = (8, 16, 32)
MERGE_METHODS = ("max", "avg")
_LARGEST_CELL_STRIDE = 16
# Of any whole number among the options: what a typo or a damaged file has made of one makes a
# network that TensorFlow fails to build with a page of text.
_LARGEST_OPTION = 1 << 16
# What only ASPP knows; a dense prediction cell has none of it.
_ASPP_OPTIONS = (
    "atrous_rates",
    "add_image_level_feature",
    "aspp_with_separable_conv",
    "aspp_with_concat_projection",
    "aspp_with_squeeze_and_excitation",
    "aspp_convs_filters",
)


@dataclasses.dataclass(frozen=True)
class ModelOptions:
    """Everything that decides a network's variables and arithmetic.

    Names and defaults are those of research/deeplab's flags, except where a comment says so.

    Attributes:
      num_classes: number of classes, background included.
      model_variant: encoder, a name of `nets.registry`.
      output_stride: ratio of image size to the encoder's feature map size.
      multi_grid: rates of the units in the encoder's last block; None for the encoder's own.
      depth_multiplier: channel multiplier of the MobileNets.
      divisible_by: channel counts of the MobileNets are multiples of this; None for the rule of
        the published checkpoints (8 at depth multiplier 1.0, else 1).
      add_image_level_feature: whether ASPP has its image pooling branch.
      image_pooling_crop_size: (height, width) that image pooling averages over; None for the
        whole image.
      image_pooling_stride: (height, width) stride of image pooling with a crop size.
      aspp_with_squeeze_and_excitation: whether image pooling weighs the channels of ASPP's result,
        instead of being one of its branches.
      image_se_uses_qsigmoid: whether those weights come from relu6(x + 3) / 6, not the sigmoid.
      atrous_rates: rates of ASPP's 3x3 branches; None or () for no such branch.
      aspp_with_batch_norm: whether ASPP's layers carry batch norm (else biases).
      aspp_with_separable_conv: whether ASPP's 3x3 branches are separable.
      aspp_with_concat_projection: whether a 1x1 convolution follows ASPP's concatenation.
      aspp_convs_filters: channels of each ASPP branch.
      dense_prediction_cell_config: branches of a cell that stands in ASPP's place, as
        `deeplab.cell_config` reads them; None for ASPP.
      decoder_output_stride: strides of the decoder's stages, coarse to fine; () for no decoder.
      decoder_use_separable_conv: whether the decoder's 3x3 convolutions are separable.
      decoder_filters: channels of the decoder's convolutions.
      decoder_use_sum_merge: whether the decoder adds features to the context, instead of
        concatenating both.
      decoder_output_is_logits: whether the decoder's last convolution makes the logits.
      decoder_use_gradient: whether the Laplacian gradient joins the decoder's last stage (not in
        research/deeplab).
      logits_kernel_size: kernel of the layer that makes the logits.
      use_bounded_activation: keep the activations of Xception, ASPP and decoder within 6, for 8-bit
        inference.
      image_pyramid: scales at which the network sees each image; (1.0,) for just once.
      merge_method: "max" or "avg" over the image pyramid.
      prediction_with_upsampled_logits: argmax after the resize to image size, else before.
    """

    num_classes: int
    model_variant: str = "xception_65"  # research/deeplab: mobilenet_v2
    output_stride: int = 16
    multi_grid: tuple[int, ...] | None = None
    depth_multiplier: float = 1.0
    divisible_by: int | None = None
    add_image_level_feature: bool = True
    image_pooling_crop_size: tuple[int, int] | None = None
    image_pooling_stride: tuple[int, int] = (1, 1)
    aspp_with_squeeze_and_excitation: bool = False
    image_se_uses_qsigmoid: bool = False
    atrous_rates: tuple[int, ...] | None = None
    aspp_with_batch_norm: bool = True
    aspp_with_separable_conv: bool = True
    aspp_with_concat_projection: bool = True
    aspp_convs_filters: int = 256
    dense_prediction_cell_config: tuple[Mapping[str, Any], ...] | None = None
    decoder_output_stride: tuple[int, ...] = ()
    decoder_use_separable_conv: bool = True
    decoder_filters: int = 256
    decoder_use_sum_merge: bool = False
    decoder_output_is_logits: bool = False
    decoder_use_gradient: bool = False
    logits_kernel_size: int = 1
    use_bounded_activation: bool = False
    image_pyramid: tuple[float, ...] = (1.0,)
    merge_method: str = "max"
    prediction_with_upsampled_logits: bool = True

    def validate(self) -> None:
        """Checks the options against each other and the encoder.

        Raises:
          ValueError: names the option, its value and what is allowed.
        """
        encoder = registry.encoder(self.model_variant)
        self._validate_ranges()
        if self.output_stride not in OUTPUT_STRIDES:
            raise ValueError(f"output_stride is {self.output_stride}; expected 8, 16 or 32.")
        for name in ("num_classes", "aspp_convs_filters", "decoder_filters", "logits_kernel_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; expected at least 1.")
        if self.num_classes < 2:
            raise ValueError(
                f"num_classes is {self.num_classes}; expected at least 2: background counts."
            )
        if self.merge_method not in MERGE_METHODS:
            raise ValueError(f"merge_method is {self.merge_method!r}; expected 'max' or 'avg'.")
        if not self.image_pyramid or min(self.image_pyramid) <= 0:
            raise ValueError(
                f"image_pyramid is {self.image_pyramid}; expected scales above 0, such as 0.5,1.0."
            )
        if any(rate < 1 for rate in self.atrous_rates or ()):
            raise ValueError(f"atrous_rates are {self.atrous_rates}; expected 1 or more each.")
        self._validate_encoder(encoder)
        self._validate_context()
        self._validate_decoder(encoder)
        self._validate_logits()

    def _validate_ranges(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            numbers = value if isinstance(value, tuple) else (value,)
            for number in numbers:
                if isinstance(number, int | float) and not abs(number) <= _LARGEST_OPTION:
                    raise ValueError(
                        f"{field.name} is {number}; expected at most {_LARGEST_OPTION}."
                    )
        for name in ("image_pooling_crop_size", "image_pooling_stride"):
            size = getattr(self, name)
            if size is not None and (len(size) != 2 or min(size) < 1):
                raise ValueError(f"{name} is {size}; expected height,width of 1 or more each.")
        if self.divisible_by is not None and self.divisible_by < 1:
            raise ValueError(f"divisible_by is {self.divisible_by}; expected 1 or more.")

    def _validate_encoder(self, encoder: registry.Encoder) -> None:
        if self.depth_multiplier <= 0:
            raise ValueError(f"depth_multiplier is {self.depth_multiplier}; expected above 0.")
        for name in ("depth_multiplier", "divisible_by"):
            if self._is_changed(name) and name not in encoder.options:
                raise ValueError(
                    f"{name} is {getattr(self, name)}, but {self.model_variant} has no such option."
                )
        if self.multi_grid is None:
            return
        if not encoder.num_grid_units:
            raise ValueError(
                f"multi_grid is {self.multi_grid}, but {self.model_variant} has no such rates."
            )
        if len(self.multi_grid) != encoder.num_grid_units or min(self.multi_grid) < 1:
            raise ValueError(
                f"multi_grid is {self.multi_grid}; {self.model_variant} takes "
                f"{encoder.num_grid_units} rates of 1 or more."
            )

    def _validate_context(self) -> None:
        """Checks ASPP, or what stands in its place."""
        if self.dense_prediction_cell_config is not None:
            cell_config.parse(self.dense_prediction_cell_config)
            if self.output_stride > _LARGEST_CELL_STRIDE:
                raise ValueError(
                    f"output_stride is {self.output_stride}; a dense prediction cell needs 8 or "
                    "16, because its rates are written for 16 and would become 0."
                )
        for name in _ASPP_OPTIONS:
            if self._is_changed(name) and self.dense_prediction_cell_config is not None:
                raise ValueError(
                    f"{name} is {getattr(self, name)}, but the dense prediction cell stands in "
                    "ASPP's place; leave one of them away."
                )
        if self.aspp_with_squeeze_and_excitation:
            if not self.add_image_level_feature:
                raise ValueError(
                    "aspp_with_squeeze_and_excitation takes its weights from image pooling, which "
                    "--noadd_image_level_feature leaves out."
                )
            if not self.aspp_with_concat_projection and self.atrous_rates:
                raise ValueError(
                    "aspp_with_squeeze_and_excitation weighs as many channels as one branch has; "
                    f"with atrous_rates {self.atrous_rates} it needs aspp_with_concat_projection."
                )
        elif self.image_se_uses_qsigmoid:
            raise ValueError(
                "image_se_uses_qsigmoid belongs to aspp_with_squeeze_and_excitation, which is not "
                "set."
            )
        if not self.aspp_with_batch_norm:
            for name in ("aspp_with_squeeze_and_excitation", "dense_prediction_cell_config"):
                if self._is_changed(name):
                    raise ValueError(
                        f"{name} is set, but with --noaspp_with_batch_norm there is no such layer."
                    )

    def _validate_decoder(self, encoder: registry.Encoder) -> None:
        strides = self.decoder_output_stride
        for stride in strides:
            encoder.stage(stride)
            if stride > self.output_stride:
                raise ValueError(
                    f"decoder_output_stride is {stride}; expected at most output_stride "
                    f"{self.output_stride}."
                )
        if list(strides) != sorted(set(strides), reverse=True):
            raise ValueError(
                f"decoder_output_stride is {strides}; expected coarse to fine, such as 8,4."
            )
        for name in ("decoder_use_gradient", "decoder_use_sum_merge", "decoder_output_is_logits"):
            if getattr(self, name) and not strides:
                raise ValueError(
                    f"{name} needs a decoder; set --decoder_output_stride=4 or --no{name}."
                )
        if self.decoder_use_gradient and self.decoder_use_sum_merge:
            raise ValueError(
                "decoder_use_gradient concatenates a channel, which decoder_use_sum_merge has no "
                "place for; leave one of them away."
            )

    def _validate_logits(self) -> None:
        if self.decoder_output_is_logits and self.decoder_filters != self.num_classes:
            raise ValueError(
                f"decoder_filters is {self.decoder_filters}, but with decoder_output_is_logits the "
                f"decoder has one channel for each of the {self.num_classes} classes."
            )
        if self.logits_kernel_size == 1:
            return
        if self.aspp_with_batch_norm:
            raise ValueError(
                f"logits_kernel_size is {self.logits_kernel_size}; behind ASPP it is 1 (larger "
                "kernels belong to --noaspp_with_batch_norm, DeepLabV2's head)."
            )
        if not self.atrous_rates or self.decoder_output_is_logits:
            raise ValueError(
                f"logits_kernel_size is {self.logits_kernel_size}; without atrous_rates, or with "
                "decoder_output_is_logits, it is 1."
            )

    def _is_changed(self, name: str) -> bool:
        return getattr(self, name) != _DEFAULTS[name]


_DEFAULTS = {field.name: field.default for field in dataclasses.fields(ModelOptions)}


@dataclasses.dataclass(frozen=True)
class RunDescription:
    """What goes with the weights of a trained network: `options.json`.

    Attributes:
      model: the network.
      dataset_name: name of the dataset it was trained on.
      class_names: name of each class id.
      palette: RGB color, 0..255, of each class id.
      ignore_label: label value that was neither trained on nor scored.
      train_crop_size: (height, width) of the training crops, pixels.
      min_resize_value, max_resize_value, resize_factor, keep_aspect_ratio: the resize of every
        image before anything else (`preprocess.resize_to_range`); a min_resize_value of
        None for none.
    """

    model: ModelOptions
    dataset_name: str
    class_names: tuple[str, ...]
    palette: tuple[tuple[int, int, int], ...]
    ignore_label: int
    train_crop_size: tuple[int, int]
    min_resize_value: int | None = None
    max_resize_value: int | None = None
    resize_factor: int | None = None
    keep_aspect_ratio: bool = True

    def validate(self) -> None:
        """Checks the fields of the network and against each other.

        Raises:
          ValueError: names the field, its value and what is allowed.
        """
        self.model.validate()
        num_classes = self.model.num_classes
        # Networks of published weights may have classes without names.
        for name in ("class_names", "palette"):
            if len(getattr(self, name)) not in (0, num_classes):
                raise ValueError(
                    f"{name} has {len(getattr(self, name))} items; expected one for each of the "
                    f"{num_classes} classes (num_classes)."
                )
        for color in self.palette:
            if not all(0 <= value <= 255 for value in color):
                raise ValueError(f"palette has the color {color}; expected values of 0..255.")
        if not 0 <= self.ignore_label <= 255:
            raise ValueError(f"ignore_label is {self.ignore_label}; expected 0..255.")
        sizes = {
            "train_crop_size": self.train_crop_size,
            "min_resize_value": (self.min_resize_value or 1,),
            "max_resize_value": (self.max_resize_value or 1,),
            "resize_factor": (self.resize_factor or 1,),
        }
        for name, values in sizes.items():
            if not all(1 <= value <= _LARGEST_OPTION for value in values):
                raise ValueError(
                    f"{name} is {getattr(self, name)}; expected 1..{_LARGEST_OPTION} pixels."
                )


def write_description(description: RunDescription, directory: str) -> str:
    """Writes `options.json` into a folder, whole or not at all, and returns its path."""
    path = os.path.join(directory, OPTIONS_FILE)
    content = {"format_version": FORMAT_VERSION, **dataclasses.asdict(description)}
    specs.write_json(path, content)
    return path


def read_description(directory: str) -> RunDescription:
    """Reads `options.json` from a folder.

    Raises:
      ValueError: the file is missing or is not one of ours; the message names it and, where one is
        to blame, the key and its value.
    """
    path = os.path.join(directory, OPTIONS_FILE)
    try:
        content = json_files.read_object(path)
    except FileNotFoundError:
        raise ValueError(
            f"{path} is missing: train.py writes it beside its checkpoints. Name the train_logdir "
            "of a training, or give the network's flags (--model_variant, --num_classes …)."
        ) from None
    version = content.pop("format_version", None)
    if version != FORMAT_VERSION:
        raise ValueError(
            f"{path} has format_version {version!r:.60}; this program reads {FORMAT_VERSION}."
        )
    return parse_description(content, path)


def parse_description(content: Mapping[str, Any], source: str) -> RunDescription:
    """Returns a description of its fields as JSON has them.

    Args:
      content: the fields.
      source: name of the file, for errors.

    Raises:
      ValueError: a field does not exist, lacks, or has a value that no training writes; names the
        file, the field and the value.
    """
    description = json_files.to_record(RunDescription, content, source)
    try:
        description.validate()
    except ValueError as error:
        raise ValueError(f"{printable(source)}: {printable(shorten(str(error)))}") from None
    return description
