"""The options of segmentation: the network, its input, and what it is trained for.

Each field is written once and carries its help; commands make flags of them. This module does not
import TensorFlow, so that `--help` answers at once.
"""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from common.option_fields import DATA, HARDWARE, LOSS, NETWORK, RESULTS, option
from deeplab import cell_config
from nets import registry

OUTPUT_STRIDES = (8, 16, 32)
MERGE_METHODS = ("max", "avg")
_LARGEST_CELL_STRIDE = 16
# Of any whole number among the options: what a typo or a damaged file has made of one makes a
# network that TensorFlow fails to build with a page of text.
LARGEST_OPTION = 1 << 16
# Losses that are means over pixels, and those that are means over classes.
PIXEL_LOSSES = ("cross_entropy", "focal", "boundary_cross_entropy")
REGION_LOSSES = ("dice", "lovasz_softmax")
# More pixels of a crop than one cares for are near a border then, and finding them takes long.
LARGEST_BOUNDARY_DISTANCE = 64
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
    `num_classes` counts the background.
    """

    num_classes: int
    model_variant: str = option(  # research/deeplab: mobilenet_v2
        "xception_65",
        "Encoder of the network.",
        NETWORK,
        is_common=True,
        choices=tuple(registry.ENCODERS),
        aliases=("backbone", "encoder", "encoder_name", "model", "network", "arch"),
    )
    output_stride: int = option(
        16,
        "Image size over the encoder's feature map size: 8, 16 or 32. 8 is finer than 16 and takes "
        "three times as long.",
        NETWORK,
        is_common=True,
        aliases=("stride", "os"),
    )
    multi_grid: tuple[int, ...] | None = option(
        None,
        "Rates of the units in the encoder's last block.",
        NETWORK,
        computed_default="the encoder's own",
    )
    depth_multiplier: float = option(1.0, "Channel multiplier of the MobileNets.", NETWORK)
    divisible_by: int | None = option(
        None,
        "Channel counts of the MobileNets are multiples of this.",
        NETWORK,
        computed_default="8 at depth_multiplier 1.0, else 1, as in the published checkpoints",
    )
    add_image_level_feature: bool = option(
        True, "Whether ASPP has its image pooling branch.", NETWORK
    )
    image_pooling_crop_size: tuple[int, int] | None = option(
        None,
        "height,width in pixels that image pooling averages over.",
        NETWORK,
        computed_default="the whole image",
    )
    image_pooling_stride: tuple[int, int] = option(
        (1, 1), "height,width stride of image pooling with image_pooling_crop_size.", NETWORK
    )
    aspp_with_squeeze_and_excitation: bool = option(
        False,
        "Whether image pooling weighs the channels of ASPP's result instead of being one of its "
        "branches, as in the MobileNetV3 networks.",
        NETWORK,
    )
    image_se_uses_qsigmoid: bool = option(
        False,
        "Whether the weights of aspp_with_squeeze_and_excitation are relu6(x + 3) / 6 instead of "
        "the sigmoid.",
        NETWORK,
    )
    atrous_rates: tuple[int, ...] | None = option(
        None,
        "Rates of ASPP's 3x3 branches; empty for no such branch.",
        NETWORK,
        computed_default=(
            "if decoder_output_stride is not given either, 6,12,18 at output stride 16, 12,24,36 "
            "at 8, 3,6,9 at 32; none for the MobileNets"
        ),
        aliases=("aspp_rates", "dilations", "aspp_dilations"),
    )
    aspp_with_batch_norm: bool = option(
        True,
        "Whether the network has an ASPP with batch norm. Without it the logits follow the encoder "
        "at each of the atrous_rates (DeepLabV2's head).",
        NETWORK,
    )
    aspp_with_separable_conv: bool = option(
        True, "Whether ASPP's 3x3 convolutions are separable.", NETWORK
    )
    aspp_with_concat_projection: bool = option(
        True, "Whether a 1x1 convolution follows ASPP's concatenation.", NETWORK
    )
    aspp_convs_filters: int = option(256, "Channels of each ASPP branch.", NETWORK)
    # Branches as `deeplab.cell_config` reads them; None for ASPP.
    dense_prediction_cell_config: tuple[Mapping[str, Any], ...] | None = option(
        None,
        "JSON file of a dense prediction cell, which replaces ASPP.",
        NETWORK,
        flag="dense_prediction_cell_json",
        flag_type=str,
    )
    decoder_output_stride: tuple[int, ...] = option(
        (),
        "Strides of the decoder's stages, coarse to fine; empty for no decoder.",
        NETWORK,
        computed_default="if atrous_rates is not given either, 4; none for the MobileNets",
    )
    decoder_use_separable_conv: bool = option(
        True, "Whether the decoder's 3x3 convolutions are separable.", NETWORK
    )
    decoder_filters: int = option(256, "Channels of the decoder's convolutions.", NETWORK)
    decoder_use_sum_merge: bool = option(
        False,
        "Whether the decoder adds the encoder's features to the context instead of concatenating "
        "both. There is no place for the gradient channel then.",
        NETWORK,
    )
    decoder_output_is_logits: bool = option(
        False,
        "Whether the decoder's last convolution makes the logits; decoder_filters is then the "
        "number of classes.",
        NETWORK,
    )
    decoder_use_gradient: bool = option(  # not in research/deeplab
        False,
        "Whether the Laplacian gradient channel of the image joins the decoder's last stage.",
        NETWORK,
        flag_default=None,
        computed_default="on where there is a decoder and the records carry the channel",
    )
    logits_kernel_size: int = option(
        1, "Kernel of the layer that makes the logits; above 1 only without ASPP.", NETWORK
    )
    use_bounded_activation: bool = option(
        False,
        "Keep the activations of Xception, ASPP and decoder within 6, for 8-bit inference.",
        NETWORK,
    )
    image_pyramid: tuple[float, ...] = option(
        (1.0,),
        "Scales at which the network sees each image. Each takes its own time and memory.",
        NETWORK,
    )
    merge_method: str = option(
        "max",
        "How the logits of several scales of the image_pyramid are merged.",
        NETWORK,
        choices=MERGE_METHODS,
    )
    prediction_with_upsampled_logits: bool = option(
        True,
        "Whether the class is chosen after the logits are resized to image size, or before.",
        NETWORK,
    )

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
                if isinstance(number, int | float) and not abs(number) <= LARGEST_OPTION:
                    raise ValueError(
                        f"{field.name} is {number}; expected at most {LARGEST_OPTION}."
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
                    "ASPP's place; omit one of them."
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
            try:
                encoder.stage(stride)
            except ValueError as error:
                raise ValueError(f"decoder_output_stride is {stride}, but {error}") from None
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
                "place for; omit one of them."
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


@dataclasses.dataclass(frozen=True, kw_only=True)
class ResizeOptions:
    """The resize of every image before anything else (`deeplab.data.preprocess.range_size`)."""

    min_resize_value: int | None = option(
        None,
        "Resize images first so that the shorter side has this many pixels, unless the longer side "
        "then exceeded max_resize_value.",
        DATA,
    )
    max_resize_value: int | None = option(
        None, "Largest longer side after the resize to min_resize_value, pixels.", DATA
    )
    resize_factor: int | None = option(
        None, "Sides after the resize to min_resize_value are multiples of this plus one.", DATA
    )
    keep_aspect_ratio: bool = option(
        True,
        "Whether the resize to min_resize_value keeps the image's shape instead of making it a "
        "square.",
        DATA,
    )

    def resize_values(self) -> dict[str, Any]:
        """Returns these options alone, by name; subclasses have more."""
        return {name: getattr(self, name) for name in RESIZE_OPTIONS}

    def validate_resize(self) -> None:
        """Checks that the values agree.

        Raises:
          ValueError: they contradict each other.
        """
        for name in ("min_resize_value", "max_resize_value", "resize_factor"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ValueError(f"{name} is {value}; expected a positive number of pixels.")
        if self.min_resize_value is None:
            if self.max_resize_value is not None or self.resize_factor is not None:
                raise ValueError(
                    "min_resize_value is not given; max_resize_value and resize_factor need it."
                )
            if not self.keep_aspect_ratio:
                raise ValueError("min_resize_value is not given; nokeep_aspect_ratio needs it.")
        elif self.max_resize_value is not None and self.max_resize_value < self.min_resize_value:
            raise ValueError(
                f"max_resize_value {self.max_resize_value} is less than min_resize_value "
                f"{self.min_resize_value}; expected min_resize_value <= max_resize_value."
            )


RESIZE_OPTIONS = tuple(field.name for field in dataclasses.fields(ResizeOptions))


@dataclasses.dataclass(frozen=True, kw_only=True)
class MemoryOptions:
    """How much memory the input may take."""

    input_memory_mb: int = option(
        4096,
        "Megabytes that decoded images may take on their way into a batch. Where a dataset has "
        "huge images, fewer are decoded at once.",
        HARDWARE,
        lower=1,
    )


# Strengths of each level; what a level does not name stays as it is.
AUGMENTATIONS: Mapping[str, Mapping[str, float]] = {
    "none": {},
    "light": {"brightness": 0.2, "contrast": 0.2, "saturation": 0.2, "hue": 0.02},
    "strong": {
        "brightness": 0.4,
        "contrast": 0.4,
        "saturation": 0.4,
        "hue": 0.05,
        "blur": 1.5,
        "jpeg": 40.0,
        "rotation": 10.0,
    },
}
_OF_LEVEL = "that of the augmentation"
_LARGEST_STRENGTHS = {
    "brightness": 0.9,
    "contrast": 0.9,
    "saturation": 1.0,
    "hue": 0.5,
    "blur": 10.0,
    "jpeg": 99.0,
    "rotation": 180.0,
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class AugmentationOptions:
    """What is changed in training images besides scale, place and mirror; not in research/deeplab.

    Raises:
      ValueError: a value is out of its range.
    """

    augmentation: str = option(
        "none",
        "Random changes of training images besides scale, crop and mirror: light changes colors, "
        "strong also rotates, blurs and compresses. The flags random_… set a single one of them.",
        DATA,
        choices=tuple(AUGMENTATIONS),
        aliases=("augment", "augmentations", "color_jitter"),
    )
    random_brightness: float | None = option(
        None,
        "Largest share by which a factor makes training images brighter or darker, such as 0.2; 0 "
        "for none.",
        DATA,
        computed_default=_OF_LEVEL,
    )
    random_contrast: float | None = option(
        None,
        "Largest share by which the contrast of training images grows or shrinks; 0 for none.",
        DATA,
        computed_default=_OF_LEVEL,
    )
    random_saturation: float | None = option(
        None,
        "Largest share by which colors of training images become stronger or weaker; 0 for none.",
        DATA,
        computed_default=_OF_LEVEL,
    )
    random_hue: float | None = option(
        None,
        "Largest turn of the hue of training images, as a share of the color circle: 0.5 is its "
        "other side; 0 for none.",
        DATA,
        computed_default=_OF_LEVEL,
    )
    random_blur: float | None = option(
        None,
        "Largest standard deviation of a blur that every eighth training image gets, in pixels of "
        "the image; 0 for none.",
        DATA,
        computed_default=_OF_LEVEL,
    )
    random_jpeg: float | None = option(
        None,
        "Lowest quality of the JPEG compression that every eighth training image gets, 1..99; 0 "
        "for none.",
        DATA,
        computed_default=_OF_LEVEL,
    )
    random_rotation: float | None = option(
        None,
        "Largest rotation of training images to either side, degrees; 0 for none.",
        DATA,
        computed_default=_OF_LEVEL,
    )

    def strengths(self) -> dict[str, float]:
        """Returns the strength of each change by its name, 0 for none."""
        of_level = AUGMENTATIONS[self.augmentation]
        given = {name: getattr(self, f"random_{name}") for name in _LARGEST_STRENGTHS}
        return {
            name: float(of_level.get(name, 0.0) if value is None else value)
            for name, value in given.items()
        }

    def validate_augmentation(self) -> None:
        """Checks the values.

        Raises:
          ValueError: one is out of its range.
        """
        if self.augmentation not in AUGMENTATIONS:
            raise ValueError(
                f"augmentation is {self.augmentation!r}; expected {', '.join(AUGMENTATIONS)}."
            )
        for name, largest in _LARGEST_STRENGTHS.items():
            value = getattr(self, f"random_{name}")
            if value is not None and not 0.0 <= value <= largest:
                raise ValueError(f"random_{name} is {value}; expected 0..{largest:g}.")


@dataclasses.dataclass(frozen=True, kw_only=True)
class InputOptions(ResizeOptions, MemoryOptions, AugmentationOptions):
    """How images become what the network sees. Names and defaults are research/deeplab's.

    `crop_size` is (height, width) of the network's input in pixels; None only for evaluation of one
    image at a time at its own size.

    Raises:
      ValueError: a value is out of its range.
    """

    crop_size: tuple[int, int] | None
    min_scale_factor: float = option(0.5, "Smallest random scale of training images.", DATA)
    max_scale_factor: float = option(2.0, "Largest random scale of training images.", DATA)
    scale_factor_step_size: float = option(
        0.25, "Distance between random scales; 0 for any scale in the range.", DATA
    )

    def __post_init__(self) -> None:
        if self.crop_size is not None and (
            len(self.crop_size) != 2 or not all(side > 0 for side in self.crop_size)
        ):
            raise ValueError(
                f"crop size is {tuple(self.crop_size)}; expected height,width in pixels."
            )
        if self.input_memory_mb < 1:
            raise ValueError(f"input_memory_mb is {self.input_memory_mb}; expected 1 or more.")
        self.validate_resize()
        self.validate_augmentation()
        if not 0.0 < self.min_scale_factor <= self.max_scale_factor:
            raise ValueError(
                f"min_scale_factor is {self.min_scale_factor} and max_scale_factor "
                f"{self.max_scale_factor}; expected 0 < min_scale_factor <= max_scale_factor."
            )
        if self.scale_factor_step_size < 0.0:
            raise ValueError(
                f"scale_factor_step_size is {self.scale_factor_step_size}; expected a positive "
                "step, or 0 for any scale in the range."
            )


@dataclasses.dataclass(frozen=True)
class ObjectiveOptions:
    """What a network is trained for, and how. Names and defaults are research/deeplab's flags.

    Raises:
      ValueError: a value is out of its range.
    """

    weight_decay: float = option(
        4e-5, "Weight of the L2 loss on convolution weights.", LOSS, aliases=("l2", "wd")
    )
    fine_tune_batch_norm: bool = option(
        True,
        "Whether batch norm is trained. Turn it off where a clone has fewer than 12 images of a "
        "batch (with sync_batch_norm, where all clones have).",
        LOSS,
        aliases=("freeze_bn", "freeze_batch_norm", "train_bn"),
    )
    batch_norm_decay: float | None = option(
        None,
        "Decay of batch norm's moving statistics; 0.99 for training runs of a few thousand steps.",
        LOSS,
        computed_default="each layer's published value (0.9997 after the encoder)",
    )
    sync_batch_norm: bool = option(
        False, "Whether batch norm uses statistics over all clones together.", LOSS
    )
    losses: tuple[str, ...] = option(
        ("cross_entropy",),
        "Losses that are added up, each as NAME or NAME:WEIGHT: "
        f"{', '.join(PIXEL_LOSSES + REGION_LOSSES)}. Example: cross_entropy,dice:0.5.",
        LOSS,
        is_common=True,
        aliases=("loss", "loss_type", "loss_function", "criterion"),
    )
    focal_gamma: float = option(
        2.0,
        "How much less pixels count that the network is sure of, in the loss focal; 0 for the "
        "cross entropy.",
        LOSS,
    )
    boundary_weight: float = option(
        5.0,
        "Weight of pixels near a border of classes in the loss boundary_cross_entropy; others "
        "have 1.",
        LOSS,
    )
    boundary_distance: int = option(
        3,
        "Pixels of the crop up to which another class is near, in the loss boundary_cross_entropy.",
        LOSS,
    )
    region_losses_per_image: bool = option(
        False,
        "Whether dice and lovasz_softmax are means over the images of a batch, each with the "
        "classes that it has, instead of one loss of the clone's batch.",
        LOSS,
    )
    upsample_logits: bool = option(
        True, "Whether the loss is computed at the label's size instead of the logits'.", LOSS
    )
    label_weights: tuple[float, ...] | None = option(
        None,
        "Weight of each class in the loss, by class id; `make check-dataset` suggests some. The "
        "losses dice and lovasz_softmax weigh their means over classes by it.",
        LOSS,
        aliases=("class_weights", "class_weight", "weights"),
    )
    hard_example_mining_step: int = option(
        0, "Step at which top_k_percent_pixels is reached; 0 for at once.", LOSS
    )
    top_k_percent_pixels: float = option(
        1.0,
        "Fraction of the pixels, those of the largest loss, that count in losses of pixels.",
        LOSS,
    )
    recompute_activations: bool | None = option(
        None,
        "Compute activations again for the backward pass instead of keeping them, which takes less "
        "memory and more time.",
        HARDWARE,
        computed_default="those that cost little; more where a step would not fit into memory",
    )
    save_summaries_images: bool = option(
        False, "Show images, labels and predictions in TensorBoard.", RESULTS
    )

    def __post_init__(self) -> None:
        if self.weight_decay < 0:
            raise ValueError(f"weight_decay is {self.weight_decay}; expected 0 or more.")
        if self.batch_norm_decay is not None and not 0 <= self.batch_norm_decay < 1:
            raise ValueError(
                f"batch_norm_decay is {self.batch_norm_decay}; expected 0 to less than 1, such as "
                "0.99 for a short training run."
            )
        if self.sync_batch_norm and not self.fine_tune_batch_norm:
            raise ValueError(
                "sync_batch_norm is set, but batch norm is frozen: omit either --sync_batch_norm "
                "or --nofine_tune_batch_norm."
            )
        self._validate_losses()

    def weights_of_losses(self) -> dict[str, float]:
        """Returns the weight of each loss by its name, in the order of `losses`."""
        weights = {}
        for each in self.losses:
            name, _, weight = each.partition(":")
            weights[name.strip()] = float(weight or 1.0)
        return weights

    def _validate_losses(self) -> None:
        known = (*PIXEL_LOSSES, *REGION_LOSSES)
        names = []
        for each in self.losses:
            name, colon, weight = (part.strip() for part in each.partition(":"))
            if name not in known:
                raise ValueError(
                    f"losses has {name!r}; expected one of {', '.join(known)}, each as NAME or "
                    "NAME:WEIGHT, comma separated."
                )
            if colon and not _is_weight(weight):
                raise ValueError(
                    f"losses has {each!r}; expected a weight above 0 after the colon, such as "
                    f"{name}:0.5."
                )
            names.append(name)
        if not names or len(set(names)) < len(names):
            raise ValueError(
                f"losses is {','.join(self.losses)!r}; expected one or more losses, each of them "
                "once."
            )
        if self.top_k_percent_pixels != 1.0 and not set(names) & set(PIXEL_LOSSES):
            raise ValueError(
                f"top_k_percent_pixels is {self.top_k_percent_pixels}, but {' and '.join(names)} "
                "are not losses of single pixels; omit the flag, or add cross_entropy to losses."
            )
        for name, value, is_allowed, expected in (
            ("focal_gamma", self.focal_gamma, self.focal_gamma >= 0, "0 or more"),
            ("boundary_weight", self.boundary_weight, self.boundary_weight >= 0, "0 or more"),
            (
                "boundary_distance",
                self.boundary_distance,
                1 <= self.boundary_distance <= LARGEST_BOUNDARY_DISTANCE,
                f"1..{LARGEST_BOUNDARY_DISTANCE} pixels",
            ),
        ):
            if not is_allowed or not math.isfinite(value):
                raise ValueError(f"{name} is {value}; expected {expected}.")
        for name, users in (
            ("focal_gamma", ("focal",)),
            ("boundary_weight", ("boundary_cross_entropy",)),
            ("boundary_distance", ("boundary_cross_entropy",)),
            ("region_losses_per_image", REGION_LOSSES),
        ):
            default = ObjectiveOptions.__dataclass_fields__[name].default
            if getattr(self, name) != default and not set(names) & set(users):
                raise ValueError(
                    f"{name} is {getattr(self, name)}, but losses is {','.join(self.losses)}; "
                    f"omit the flag, or add {' or '.join(users)} to --losses."
                )


def _is_weight(text: str) -> bool:
    try:
        return 0.0 < float(text) < math.inf
    except ValueError:
        return False
