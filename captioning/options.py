"""What a network that describes images is, sees and is trained for: options, written once."""

import dataclasses
from typing import Any

from common.option_fields import DATA, HARDWARE, LOSS, NETWORK, option
from nets import registry

SHOW_AND_TELL, ATTENTION = "show_and_tell", "attention"
DECODERS = (SHOW_AND_TELL, ATTENTION)
CROSS_ENTROPY, SELF_CRITICAL = "cross_entropy", "self_critical"
OBJECTIVES = (CROSS_ENTROPY, SELF_CRITICAL)
# Smaller images leave no place of features, or one, of any encoder.
_SMALLEST_SIZE, _LARGEST_SIZE = 32, 1 << 13
# Numbers that stand for a word: research/im2txt's, and the attention tutorial's.
_EMBEDDING_SIZES = {SHOW_AND_TELL: 512, ATTENTION: 256}


@dataclasses.dataclass(frozen=True)
class ModelOptions:
    """An encoder of images and a decoder that writes captions.

    `num_words` is the size of the vocabulary.
    """

    num_words: int
    decoder: str = option(
        SHOW_AND_TELL,
        "What writes captions: show_and_tell is research/im2txt's LSTM, which sees the image once; "
        "attention looks at its parts again before each word.",
        NETWORK,
        is_common=True,
        choices=DECODERS,
        aliases=("captioner",),
    )
    model_variant: str = option(
        "inception_v3",
        "Encoder.",
        NETWORK,
        is_common=True,
        choices=tuple(registry.CLASSIFIERS),
        aliases=("backbone", "arch", "encoder", "network", "model", "architecture"),
    )
    depth_multiplier: float = option(
        1.0, "Number of channels of a MobileNet, relative to the published one.", NETWORK
    )
    embedding_size: int = option(
        0,
        "Numbers that stand for a word, or for a place of the image.",
        NETWORK,
        lower=1,
        flag_default=None,
        computed_default="512 with show_and_tell, 256 with attention",
    )
    num_units: int = option(
        512,
        "Units of the recurrent network.",
        NETWORK,
        lower=1,
        aliases=("num_lstm_units", "units", "hidden_size"),
    )
    starts_from_image: bool = option(
        False,
        "Whether the state of attention's recurrent network begins with the mean of the image's "
        "features, as in Show, Attend and Tell; otherwise with zeros, as in the tutorial.",
        NETWORK,
    )
    output_stride: int = option(
        32,
        "Image size over the size of the encoder's features: 8, 16 or 32. At 16 attention has four "
        "times as many places to look at, as in Show, Attend and Tell, and steps take longer.",
        NETWORK,
        aliases=("encoder_output_stride", "stride"),
    )

    @property
    def encoder(self) -> registry.Encoder:
        return registry.classifier(self.model_variant)

    def encoder_arguments(self) -> dict[str, Any]:
        """Returns what `registry.Encoder.build` takes besides weights' decay and batch norm."""
        values = registry.classifier_options(self.depth_multiplier)
        return {
            "output_stride": self.output_stride,
            **{name: values[name] for name in self.encoder.options},
        }

    def completed(self) -> "ModelOptions":
        """Returns the options with defaults that depend on others."""
        size = self.embedding_size or _EMBEDDING_SIZES[self.decoder]
        return dataclasses.replace(self, embedding_size=size)

    def validate(self) -> None:
        """Checks the fields.

        Raises:
          ValueError: names the field, its value and what is allowed.
        """
        if self.decoder not in DECODERS:
            raise ValueError(f"decoder is {self.decoder!r}; expected one of {', '.join(DECODERS)}.")
        if self.output_stride not in (8, 16, 32):
            raise ValueError(f"output_stride is {self.output_stride}; expected 8, 16 or 32.")
        encoder = self.encoder
        for name, least in (("num_words", 4), ("embedding_size", 1), ("num_units", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} is {getattr(self, name)}; expected {least} or more.")
        encoder.check_depth_multiplier(self.depth_multiplier)


@dataclasses.dataclass(frozen=True)
class ViewOptions:
    """How the network sees an image, in training and later: written down with its weights."""

    image_size: int = option(
        0,
        "Height and width of the network's input in pixels.",
        DATA,
        is_common=True,
        lower=_SMALLEST_SIZE,
        flag_default=None,
        synonyms=("train_image_size",),
        computed_default="that of the published encoder: 224 or 299",
        aliases=("input_size", "img_size", "size", "crop_size", "resolution"),
    )

    def validate(self) -> None:
        """Raises ValueError for a size that cannot be."""
        if not _SMALLEST_SIZE <= self.image_size <= _LARGEST_SIZE:
            raise ValueError(
                f"image_size is {self.image_size}; expected {_SMALLEST_SIZE} to {_LARGEST_SIZE} "
                "pixels."
            )


@dataclasses.dataclass(frozen=True)
class AugmentationOptions:
    """How training images are varied, and which of their captions are read."""

    random_crop: bool = option(
        True,
        "Whether training sees parts of the images at random; otherwise what evaluation sees.",
        DATA,
    )
    color_distortion: bool = option(
        True, "Whether training changes brightness, saturation, hue and contrast.", DATA
    )
    random_flip: bool = option(
        True,
        "Whether training images are mirrored at random. Turn it off where captions say left and "
        "right.",
        DATA,
    )
    cache_features: bool = option(
        False,
        "Compute the features of each image once and keep them beside the records, float16, "
        "instead of running the encoder in every step. For an encoder that is not trained; images "
        "are not varied then.",
        DATA,
        is_common=True,
    )
    captions_per_image: int = option(
        1,
        "Captions of an image that a step reads, drawn at random. With 5 a step of the encoder "
        "serves five captions.",
        DATA,
        is_common=True,
        lower=1,
        upper=64,
    )


@dataclasses.dataclass(frozen=True)
class ObjectiveOptions:
    """What a network is trained for, and how.

    Raises:
      ValueError: a value is out of its range.
    """

    objective: str = option(
        CROSS_ENTROPY,
        "What is learned: cross_entropy, to write the captions that people gave; self_critical, "
        "to draw captions of a high CIDEr-D, which improves a network that is trained already: "
        "tf_initial_checkpoint.",
        LOSS,
        is_common=True,
        choices=OBJECTIVES,
    )
    self_critical_samples: int = option(
        5,
        "Captions of an image that self_critical draws in a step. What the others earn in the mean "
        "is to be expected of each; of a single one, what the likeliest caption earns.",
        LOSS,
        lower=1,
        upper=64,
        aliases=("train_sample_n",),
    )
    train_encoder: bool = option(
        False,
        "Whether the encoder is trained, too; otherwise it stays as tf_initial_checkpoint, or "
        "chance, has made it.",
        LOSS,
        is_common=True,
        synonyms=("train_inception",),
        aliases=("fine_tune_encoder", "finetune"),
    )
    keep_prob: float = option(
        0.7,
        "Share of what the decoder reads, and of what it says, that dropout keeps; 1 for no "
        "dropout.",
        LOSS,
        is_common=True,
        flag_default=None,
        computed_default="0.7; 1 with objective=self_critical",
        synonyms=("lstm_dropout_keep_prob",),
    )
    encoder_keep_prob: float = option(
        0.8,
        "Share of an image's features that dropout keeps where train_encoder is given and "
        "show_and_tell averages them over all places; research/im2txt's.",
        LOSS,
        flag_default=None,
        computed_default="0.8; 1 with objective=self_critical",
    )
    weight_decay: float = option(
        4e-5,
        "Weight of the L2 loss on the encoder's convolutions, where it is trained.",
        LOSS,
        aliases=("l2", "wd"),
    )
    attention_penalty: float = option(
        0.0,
        "Weight of a loss by which the attention to each place adds up to 1 over a caption, as in "
        "Show, Attend and Tell; 1 there.",
        LOSS,
        aliases=("doubly_stochastic",),
    )
    scheduled_sampling: float = option(
        0.0,
        "Largest share of the words that the decoder reads in training which are its own, drawn "
        "from what it has just said, instead of the caption's; 0 for none. 0.25 is usual.",
        LOSS,
        lower=0.0,
        upper=1.0,
        aliases=("scheduled_sampling_prob", "scheduled_sampling_max_prob"),
    )
    scheduled_sampling_steps: int = option(
        0,
        "Steps over which the share of scheduled_sampling rises from 0, linearly; 0 for the whole "
        "share from the first step on.",
        LOSS,
        lower=0,
        flag_default=None,
        computed_default="those of the whole training run",
    )
    fine_tune_batch_norm: bool = option(
        True,
        "Whether batch norm is trained where the encoder is.",
        LOSS,
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
    recompute_activations: bool = option(
        False,
        "Compute the encoder's activations again for the backward pass instead of keeping them, "
        "which takes less memory and more time.",
        HARDWARE,
    )

    def __post_init__(self) -> None:
        if self.objective not in OBJECTIVES:
            raise ValueError(
                f"objective is {self.objective!r}; expected one of {', '.join(OBJECTIVES)}."
            )
        if self.self_critical_samples < 1:
            raise ValueError(
                f"self_critical_samples is {self.self_critical_samples}; expected 1 or more."
            )
        if self.objective == SELF_CRITICAL and self.scheduled_sampling:
            raise ValueError(
                f"scheduled_sampling is {self.scheduled_sampling}, but with "
                f"objective={SELF_CRITICAL} the decoder reads only words of its own: omit it."
            )
        for name in ("keep_prob", "encoder_keep_prob"):
            if not 0 < getattr(self, name) <= 1:
                raise ValueError(
                    f"{name} is {getattr(self, name)}; expected above 0 and at most 1."
                )
        for name in ("weight_decay", "attention_penalty", "scheduled_sampling_steps"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ValueError(f"{name} is {getattr(self, name)}; expected 0 or more.")
        if not 0 <= self.scheduled_sampling <= 1:
            raise ValueError(
                f"scheduled_sampling is {self.scheduled_sampling}; expected a share from 0 to 1."
            )
        if self.batch_norm_decay is not None and not 0 <= self.batch_norm_decay < 1:
            raise ValueError(
                f"batch_norm_decay is {self.batch_norm_decay}; expected 0 to less than 1."
            )


@dataclasses.dataclass(frozen=True)
class SearchOptions:
    """How captions are searched for.

    Attributes:
      beam_size: captions that are written at once, and found.
      max_length: words at most, with the one that marks the start.
      length_normalization: power of the length by which the logarithm of a finished caption's
        probability is divided; more of it prefers longer captions.
      blocks_trigrams: whether no three words may come twice in a caption.
      allows_unknown: whether a caption may have the word that stands for all unknown ones.
    """

    beam_size: int = 3
    max_length: int = 20
    length_normalization: float = 0.0
    blocks_trigrams: bool = False
    allows_unknown: bool = True
