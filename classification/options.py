"""What a classifier is, what it sees, and what it is trained for: options, written once.

Names and defaults are those of research/slim's train_image_classifier.py where it has them.
"""

import dataclasses
import math
from typing import Any

from common.option_fields import DATA, HARDWARE, LOSS, NETWORK, option
from nets import registry

PREPROCESSINGS = ("inception", "vgg")
COLOR_DISTORTIONS = ("none", "fast", "full")
_LARGEST_SIZE = 1 << 13
BALANCED = "balanced"


@dataclasses.dataclass(frozen=True)
class ModelOptions:
    """A classifier: an encoder, pooling, dropout and logits.

    `num_classes` counts the logits.
    """

    num_classes: int
    model_variant: str = option(
        "resnet_v1_50",
        "Encoder.",
        NETWORK,
        is_common=True,
        choices=tuple(registry.CLASSIFIERS),
        synonyms=("model_name",),
        aliases=("backbone", "arch", "encoder", "network", "model", "architecture"),
    )
    depth_multiplier: float = option(
        1.0, "Number of channels of a MobileNet, relative to the published one.", NETWORK
    )
    dropout_keep_prob: float = option(
        0.8, "Share of the values before the logits that dropout keeps; 1 for no dropout.", NETWORK
    )

    @property
    def encoder(self) -> registry.Encoder:
        return registry.classifier(self.model_variant)

    def encoder_options(self) -> dict[str, Any]:
        """Returns the options that `nets.classifier` takes, by name."""
        return registry.classifier_options(self.depth_multiplier)

    def validate(self) -> None:
        """Checks the fields.

        Raises:
          ValueError: names the field, its value and what is allowed.
        """
        encoder = self.encoder
        if self.num_classes < 2:
            raise ValueError(f"num_classes is {self.num_classes}; expected 2 or more.")
        encoder.check_depth_multiplier(self.depth_multiplier)
        if not 0 < self.dropout_keep_prob <= 1:
            raise ValueError(
                f"dropout_keep_prob is {self.dropout_keep_prob}; expected above 0 and at most 1."
            )


@dataclasses.dataclass(frozen=True)
class ViewOptions:
    """How a classifier sees an image, in training and later: written down with its weights."""

    image_size: int = option(
        0,
        "Height and width of the network's input in pixels.",
        DATA,
        is_common=True,
        lower=1,
        flag_default=None,
        synonyms=("train_image_size",),
        computed_default="that of the published network: 224 or 299",
        aliases=("input_size", "img_size", "size", "crop_size", "resolution"),
    )
    preprocessing: str = option(
        "",
        "How an image becomes the network's input, as research/slim does it: inception scales a "
        "window of it without regard to its shape, vgg scales its shorter side and cuts a square.",
        DATA,
        choices=PREPROCESSINGS,
        flag_default=None,
        synonyms=("preprocessing_name",),
        computed_default="that of the published network",
    )
    labels_offset: int = option(
        0,
        "Number of leading classes of the dataset that the network does not have, such as 1 for "
        "ImageNet's background with VGG and ResNet.",
        DATA,
        lower=0,
    )

    def validate(self) -> None:
        """Checks the fields.

        Raises:
          ValueError: names the field, its value and what is allowed.
        """
        if not 1 <= self.image_size <= _LARGEST_SIZE:
            raise ValueError(
                f"image_size is {self.image_size}; expected 1 to {_LARGEST_SIZE} pixels."
            )
        if self.preprocessing not in PREPROCESSINGS:
            raise ValueError(
                f"preprocessing is {self.preprocessing!r}; expected one of "
                f"{', '.join(PREPROCESSINGS)}."
            )
        if self.labels_offset < 0:
            raise ValueError(f"labels_offset is {self.labels_offset}; expected 0 or more.")


@dataclasses.dataclass(frozen=True)
class AugmentationOptions:
    """How training images are varied.

    Raises:
      ValueError: a value is out of its range.
    """

    min_crop_area: float = option(
        0.05,
        "Smallest share of an image that a training window covers (inception). 0.3 suits a few "
        "thousand images.",
        DATA,
        is_common=True,
    )
    random_crop: bool = option(
        True,
        "Whether training sees random windows of the images; otherwise what evaluation sees, which "
        "suits an encoder that is not trained.",
        DATA,
    )
    color_distortion: str | None = option(
        None,
        "Random changes of color: fast are brightness and saturation, full hue and contrast, too.",
        DATA,
        choices=COLOR_DISTORTIONS,
        computed_default="fast with inception, none with vgg",
    )
    random_flip: bool = option(True, "Whether training images are mirrored at random.", DATA)
    mixup: float = option(
        0.0,
        "Alpha of mixup: images and labels of a batch are blended by shares drawn from Beta(alpha, "
        "alpha). 0.2 is usual; 0 for none.",
        DATA,
        aliases=("mixup_alpha",),
    )

    def __post_init__(self) -> None:
        if not 0 < self.min_crop_area <= 1:
            raise ValueError(
                f"min_crop_area is {self.min_crop_area}; expected above 0 and at most 1."
            )
        if self.color_distortion not in (None, *COLOR_DISTORTIONS):
            raise ValueError(
                f"color_distortion is {self.color_distortion!r}; expected one of "
                f"{', '.join(COLOR_DISTORTIONS)}."
            )
        _check_weight("mixup", self.mixup)


@dataclasses.dataclass(frozen=True)
class ObjectiveOptions:
    """What a classifier is trained for, and how.

    Raises:
      ValueError: a value is out of its range.
    """

    weight_decay: float = option(
        4e-5,
        "Weight of the L2 loss on the weights of convolutions. Biases, batch norm and depthwise "
        "kernels do not decay.",
        LOSS,
        aliases=("l2", "wd"),
    )
    label_smoothing: float = option(
        0.0, "Share of each label that is spread over all classes.", LOSS, is_common=True
    )
    class_weights: str | None = option(
        None,
        "Weight of each class in the loss, by class id: numbers, comma separated, or balanced for "
        "weights by how rare a class is.",
        LOSS,
        computed_default="1 each",
        aliases=("class_weight", "weights", "label_weights"),
    )
    auxiliary_loss_weight: float = option(
        0.4, "Weight of the loss of Inception's auxiliary logits.", LOSS
    )
    fine_tune_batch_norm: bool = option(
        True,
        "Whether batch norm is trained. Turn it off for batches of fewer than 8 images a clone.",
        LOSS,
        computed_default="yes; no with trainable_scopes",
        aliases=("freeze_bn", "freeze_batch_norm", "train_bn"),
    )
    batch_norm_decay: float | None = option(
        None,
        "Decay of batch norm's moving statistics, which evaluation uses.",
        LOSS,
        computed_default="what suits the number of steps: 0.95 for 200, 0.99 for 1000",
    )
    sync_batch_norm: bool = option(
        False, "Whether batch norm uses statistics over all clones together.", LOSS
    )
    recompute_activations: bool | None = option(
        None,
        "Compute activations again for the backward pass instead of keeping them, which takes less "
        "memory and more time.",
        HARDWARE,
        computed_default="for the DenseNets only",
    )

    def __post_init__(self) -> None:
        for name in ("weight_decay", "auxiliary_loss_weight"):
            _check_weight(name, getattr(self, name))
        if not 0 <= self.label_smoothing < 1:
            raise ValueError(
                f"label_smoothing is {self.label_smoothing}; expected 0 to less than 1, such as "
                "0.1."
            )
        if self.batch_norm_decay is not None and not 0 <= self.batch_norm_decay < 1:
            raise ValueError(
                f"batch_norm_decay is {self.batch_norm_decay}; expected 0 to less than 1."
            )
        if self.sync_batch_norm and not self.fine_tune_batch_norm:
            raise ValueError(
                "sync_batch_norm is set, but batch norm is frozen: omit either --sync_batch_norm "
                "or --nofine_tune_batch_norm."
            )

    def weights_of_classes(self, num_images: tuple[int, ...]) -> tuple[float, ...] | None:
        """Returns the weight of each class in the loss; None for 1 each.

        Balanced weights are such that all classes count alike, and 1 on average over the images.

        Args:
          num_images: of each class in the training split.

        Raises:
          ValueError: there are not as many weights as classes, or one is no number.
        """
        if self.class_weights is None:
            return None
        if self.class_weights == BALANCED:
            if not num_images:
                raise ValueError(
                    f"class_weights is {BALANCED}, but dataset.json does not say how many images "
                    "each class has: give the weights as numbers."
                )
            present = sum(count > 0 for count in num_images)
            total = sum(num_images)
            return tuple(total / (present * count) if count else 0.0 for count in num_images)
        try:
            weights = tuple(float(word) for word in self.class_weights.split(","))
        except ValueError:
            weights = ()
        is_right = len(weights) == len(num_images) and all(map(_is_weight, weights))
        if not is_right or not any(weights):
            raise ValueError(
                f"class_weights is {self.class_weights!r}; expected {BALANCED}, or "
                f"{len(num_images)} numbers of 0 or more, not all 0, comma separated, one for each "
                "class."
            )
        return weights


def _is_weight(value: float) -> bool:
    return math.isfinite(value) and value >= 0


def _check_weight(name: str, value: float) -> None:
    if not _is_weight(value):
        raise ValueError(f"{name} is {value}; expected 0 or more.")
