"""The encoders by name: how each is built, what it wants as input, and where a decoder may tap it.

Adding an encoder is one entry here and one file that builds it.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping

import tensorflow.compat.v1 as tf

from nets import mobilenet_v2, xception
from nets.batch_norm import BatchNormMode


@dataclasses.dataclass(frozen=True)
class Stage:
    """A feature map that a decoder may use: the end point's name and its stride."""

    end_point: str
    stride: int


@dataclasses.dataclass(frozen=True)
class Encoder:
    """What a network needs to know of an encoder.

    Attributes:
      name: `model_variant`.
      scope: variable scope; checkpoints name variables below it.
      build: builds the network: (images, *, output_stride, <options>, weight_decay, batch_norm) ->
        (features, end points).
      options: names of the model options that `build` takes besides.
      stages: feature maps for decoders, fine to coarse.
      mean_pixel: RGB, 0..255: the colour that becomes 0 when normalised, hence that of padding.
    """

    name: str
    scope: str
    build: Callable[..., tuple[tf.Tensor, dict[str, tf.Tensor]]]
    options: tuple[str, ...]
    stages: tuple[Stage, ...]
    mean_pixel: tuple[float, float, float] = (127.5, 127.5, 127.5)

    def normalize(self, images: tf.Tensor) -> tf.Tensor:
        """Maps float32 RGB 0..255 to -1..1, the range that this encoder was trained on."""
        return (2.0 / 255.0) * images - 1.0

    def stage(self, stride: int) -> Stage:
        """Returns the feature map at a stride.

        Raises:
          ValueError: the encoder has none there.
        """
        for stage in self.stages:
            if stage.stride == stride:
                return stage
        raise ValueError(
            f"decoder_output_stride is {stride}, but {self.name} has features for a decoder at "
            f"{', '.join(str(stage.stride) for stage in self.stages)}."
        )


def _xception(name: str, block_at_4: int, block_at_8: int) -> Encoder:
    module = "unit_1/xception_module/separable_conv2_pointwise"
    return Encoder(
        name=name,
        scope=name,
        build=functools.partial(xception.build, variant=name),
        options=("multi_grid",),
        stages=(
            Stage(f"entry_flow/block{block_at_4}/{module}", 4),
            Stage(f"entry_flow/block{block_at_8}/{module}", 8),
            Stage(f"exit_flow/block1/{module}", 16),
        ),
    )


_ENCODERS = (
    _xception("xception_41", block_at_4=2, block_at_8=3),
    _xception("xception_65", block_at_4=2, block_at_8=3),
    _xception("xception_71", block_at_4=3, block_at_8=5),
    _xception("xception_tiny", block_at_4=2, block_at_8=3),
    Encoder(
        name="mobilenet_v2",
        scope="MobilenetV2",
        build=mobilenet_v2.build,
        options=("depth_multiplier", "divisible_by"),
        stages=(
            Stage("layer_4/depthwise_output", 4),
            Stage("layer_7/depthwise_output", 8),
            Stage("layer_14/depthwise_output", 16),
        ),
    ),
)

ENCODERS: Mapping[str, Encoder] = {encoder.name: encoder for encoder in _ENCODERS}


def encoder(name: str) -> Encoder:
    """Returns the encoder of a `model_variant`.

    Raises:
      ValueError: there is none of that name.
    """
    if name not in ENCODERS:
        raise ValueError(f"model_variant is {name!r}; expected one of {', '.join(ENCODERS)}.")
    return ENCODERS[name]


def extract_features(
    images: tf.Tensor,
    name: str,
    *,
    output_stride: int,
    weight_decay: float,
    batch_norm: BatchNormMode,
    options: Mapping[str, object],
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    """Normalises pictures and runs an encoder on them.

    Args:
      images: float32 [batch, height, width, 3], RGB, 0..255.
      name: `model_variant`.
      output_stride: picture size over feature map size.
      weight_decay: L2 weight.
      batch_norm: how batch norm behaves.
      options: values by name; the encoder takes those that it knows (`Encoder.options`).

    Returns:
      (features float32 [batch, height / output_stride, width / output_stride, channels], end
      points by name).
    """
    record = encoder(name)
    return record.build(
        record.normalize(images),
        output_stride=output_stride,
        weight_decay=weight_decay,
        batch_norm=batch_norm,
        **{option: options[option] for option in record.options},
    )
