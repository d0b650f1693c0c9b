"""The encoders by name: how each is built, what it wants as input, and which feature maps it has.

Adding an encoder is one entry here and one file that builds it. The file is imported when it is
needed, so that `--help` lists the encoders without importing TensorFlow.
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import tensorflow.compat.v1 as tf

    from nets.batch_norm import BatchNormMode


@dataclasses.dataclass(frozen=True)
class Stage:
    """A feature map on the way to the last one: its name, image size over its size, channels."""

    end_point: str
    stride: int
    depth: int


# Name of the end point of what comes before the first block.
ROOT = "root"

# research/slim, preprocessing: what its ResNets, VGGs and DenseNets were trained with.
_SLIM_MEAN = (123.68, 116.78, 103.94)
_MIDDLE_GRAY = (127.5, 127.5, 127.5)
# pudae/tensorflow-densenet.
_DENSENET_SCALE = 0.017
_LARGEST_MULTIPLIER = 1 << 13
# From middle gray, maps 0..255 to -1..1.
_HALF_RANGE = 2.0 / 255.0


@dataclasses.dataclass(frozen=True)
class Classifier:
    """What an encoder with a classifier behind it was trained on.

    Attributes:
      head: the layers behind the encoder, by the name that `nets.classifier` knows them by.
      num_published_classes: classes of the published checkpoints: the 1000 of ImageNet, or 1001
        with a background before them; None where none is known to be published.
      preprocessing: "vgg" (the image's short side is scaled, aspect kept) or "inception" (a window
        is scaled to the image size, aspect not kept), as research/slim calls them.
      image_size: height and width that it was trained at.
      mean_pixel, scale: images are normalized to (RGB 0..255 - mean_pixel) * scale.
    """

    head: str
    num_published_classes: int | None
    preprocessing: str = "inception"
    image_size: int = 224
    mean_pixel: tuple[float, float, float] = _MIDDLE_GRAY
    scale: float = _HALF_RANGE

    def normalize(self, images: tf.Tensor) -> tf.Tensor:
        """Maps float32 RGB 0..255 to the range that the classifier was trained on."""
        return _normalize(images, self.mean_pixel, self.scale)


@dataclasses.dataclass(frozen=True)
class Encoder:
    """What a network needs to know of an encoder.

    Attributes:
      name: `model_variant`.
      scope: variable scope; checkpoints name variables below it.
      build: builds the network: (images, *, output_stride, <options>, weight_decay, batch_norm) ->
        (features, end points).
      options: names of the model options that `build` takes besides.
      stages: finer feature maps, fine to coarse.
      depth: channels of the features, at depth multiplier 1.0.
      classifier: what classifying with it takes.
      num_grid_units: how many rates `multi_grid` has; 0 where there is none.
      mean_pixel: RGB, 0..255: the color that becomes 0 when normalized, hence that of padding.
      scale: factor of normalizing, after the mean is subtracted.
    """

    name: str
    scope: str
    build: Callable[..., tuple[tf.Tensor, dict[str, tf.Tensor]]]
    options: tuple[str, ...]
    stages: tuple[Stage, ...]
    depth: int
    classifier: Classifier
    num_grid_units: int = 0
    mean_pixel: tuple[float, float, float] = _MIDDLE_GRAY
    scale: float = _HALF_RANGE

    def normalize(self, images: tf.Tensor) -> tf.Tensor:
        """Maps float32 RGB 0..255 to the range that this encoder was trained on."""
        return _normalize(images, self.mean_pixel, self.scale)

    def check_depth_multiplier(self, value: float) -> None:
        """Raises ValueError for a depth multiplier that no classifier of it can have."""
        if not 0 < value <= _LARGEST_MULTIPLIER:
            raise ValueError(f"depth_multiplier is {value}; expected above 0.")
        if value != 1.0 and "depth_multiplier" not in self.options:
            raise ValueError(f"depth_multiplier is {value}, but {self.name} has no such option.")

    def stage(self, stride: int) -> Stage:
        """Returns the feature map at a stride; ValueError if the encoder has none there."""
        stages = {stage.stride: stage for stage in self.stages}
        if stride not in stages:
            known = ", ".join(map(str, stages))
            raise ValueError(f"{self.name} has feature maps at strides {known} only.")
        return stages[stride]


def classifier_options(depth_multiplier: float) -> dict[str, Any]:
    """Returns the options of all encoders by name, those that segmentation alone changes as usual.

    For networks that see an image as a whole; an encoder takes those that it has.
    """
    return {
        "depth_multiplier": depth_multiplier,
        "multi_grid": None,
        "use_bounded_activation": False,
        "divisible_by": None,
    }


def _normalize(
    images: tf.Tensor, mean_pixel: tuple[float, float, float], scale: float
) -> tf.Tensor:
    if scale == 1.0:
        return images - mean_pixel
    # As research/deeplab has it, (2 / 255) x - 1: the other order rounds differently.
    return scale * images - [scale * mean for mean in mean_pixel]


def _build(module: str, **arguments: Any) -> Callable[..., tuple[tf.Tensor, dict[str, tf.Tensor]]]:
    """Returns a module's `build` with some arguments; imports the module at the first call."""

    def build(*positional: Any, **keywords: Any) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        return importlib.import_module(module).build(*positional, **arguments, **keywords)

    return build


# research/deeplab, core/feature_extractor.py: the mean color of ImageNet.
_IMAGENET_MEAN = (123.15, 115.90, 103.06)


def _xception(
    name: str,
    block_at_4: int,
    block_at_8: int,
    stage_depths=(256, 728, 1024),
    root_depth: int = 64,
    depth: int = 2048,
    num_published_classes: int | None = 1001,
) -> Encoder:
    blocks = (f"entry_flow/block{block_at_4}", f"entry_flow/block{block_at_8}", "exit_flow/block1")
    module = "unit_1/xception_module/separable_conv2_pointwise"
    return Encoder(
        name=name,
        scope=name,
        build=_build("nets.xception", variant=name),
        options=("multi_grid", "use_bounded_activation"),
        stages=_stages((f"{block}/{module}" for block in blocks), stage_depths, root_depth),
        depth=depth,
        classifier=Classifier("plain", num_published_classes, image_size=299),
        num_grid_units=3,
    )


def _mobilenet_v3(name: str, layers: tuple[int, ...], stage_depths, depth: int) -> Encoder:
    """Describes a MobileNetV3; the form for segmentation has half of the last `depth`."""
    is_seg = name.endswith("_seg")
    return Encoder(
        name=name,
        scope="MobilenetV3",
        build=_build("nets.mobilenet_v3", variant=name),
        options=("depth_multiplier",),
        stages=_stages(
            (f"layer_{layer}/depthwise_output" for layer in layers), stage_depths, 16, "layer_1"
        ),
        depth=depth // 2 if is_seg else depth,
        classifier=Classifier(name.removesuffix("_seg"), None if is_seg else 1001),
    )


def _resnet_v1(
    scope: str,
    num_units: tuple[int, int, int, int],
    root_depths: tuple[int, int, int] | None = None,
    is_lite: bool = False,
) -> Encoder:
    """Describes a ResNet, or its beta form if there are root depths; see `resnet_v1.build`."""
    layer = "lite_bottleneck_v1/conv2" if is_lite else "bottleneck_v1/conv3"
    factor = 1 if is_lite else 4
    is_beta = root_depths is not None
    # The last unit of a block that still has the block's own stride.
    units = enumerate(num_units[:3], start=1)
    names = (f"block{block}/unit_{length - 1}/{layer}" for block, length in units)
    return Encoder(
        name=f"{scope}_beta" if is_beta else scope,
        scope=scope,
        build=_build(
            "nets.resnet_v1",
            scope=scope,
            num_units=num_units,
            root_depths=root_depths,
            is_lite=is_lite,
        ),
        options=("multi_grid",),
        stages=_stages(
            names, (64 * factor, 128 * factor, 256 * factor), (root_depths or (64,))[-1]
        ),
        depth=512 * factor,
        classifier=(
            Classifier("plain", None)
            if is_beta
            else _vgg_classifier("plain", None if is_lite else 1000)
        ),
        num_grid_units=num_units[3],
        mean_pixel=_MIDDLE_GRAY if is_beta else _IMAGENET_MEAN,
        scale=_HALF_RANGE if is_beta else 1.0,
    )


def _densenet(
    name: str,
    num_units: tuple[int, int, int, int],
    growth_rate: int = 32,
    root_depth: int = 64,
    num_published_classes: int | None = None,
    code_depth: int | None = None,
) -> Encoder:
    """Describes a DenseNet; see `densenet.build`."""
    depths, depth = [], root_depth
    for length in num_units:
        depth += length * growth_rate
        depths.append(depth)
        depth //= 2
    return Encoder(
        name=name,
        scope=name,
        build=_build(
            "nets.densenet",
            scope=name,
            growth_rate=growth_rate,
            root_depth=root_depth,
            num_units=num_units,
            code_depth=code_depth,
        ),
        options=(),
        stages=_stages((f"dense_block{block}" for block in (1, 2, 3)), depths[:3], root_depth),
        depth=code_depth or depths[3],
        classifier=_vgg_classifier("plain", num_published_classes, _DENSENET_SCALE),
        mean_pixel=_SLIM_MEAN,
        scale=_DENSENET_SCALE,
    )


def _vgg(
    name: str,
    last: int,
    depths: Sequence[int] = (64, 128, 256, 512, 512),
    is_published: bool = True,
) -> Encoder:
    """Describes a VGG whose last three blocks have `last` convolutions each; see `vgg.build`."""
    return Encoder(
        name=name,
        scope=name,
        build=_build("nets.vgg", variant=name, depths=depths),
        options=(),
        stages=_stages(
            (f"conv{block}_{last}" for block in (3, 4, 5)), depths[2:], depths[1], "conv2_2"
        ),
        depth=depths[-1],
        classifier=_vgg_classifier("vgg", 1000) if is_published else _vgg_classifier("plain", None),
        mean_pixel=_SLIM_MEAN,
        scale=1.0,
    )


def _vgg_classifier(head: str, num_published_classes: int | None, scale: float = 1.0) -> Classifier:
    return Classifier(head, num_published_classes, "vgg", mean_pixel=_SLIM_MEAN, scale=scale)


def _stages(
    end_points: Iterable[str], depths: Sequence[int], root_depth: int, root: str = ROOT
) -> tuple[Stage, ...]:
    """The feature maps at strides 2, 4, 8 and 16; the first is that before the first block."""
    return tuple(map(Stage, (root, *end_points), (2, 4, 8, 16), (root_depth, *depths)))


_ENCODERS = (
    _xception("xception_41", block_at_4=2, block_at_8=3),
    _xception("xception_65", block_at_4=2, block_at_8=3),
    _xception("xception_71", block_at_4=3, block_at_8=5),
    _xception(
        "xception_tiny",
        2,
        3,
        stage_depths=(64, 128, 160),
        root_depth=32,
        depth=256,
        num_published_classes=None,
    ),
    Encoder(
        name="mobilenet_v2",
        scope="MobilenetV2",
        build=_build("nets.mobilenet_v2"),
        options=("depth_multiplier", "divisible_by"),
        stages=_stages(
            (f"layer_{layer}/depthwise_output" for layer in (4, 7, 14)),
            (144, 192, 576),
            32,
            "layer_1",
        ),
        depth=320,
        classifier=Classifier("mobilenet_v2", 1001),
    ),
    _mobilenet_v3("mobilenet_v3_large", (4, 7, 13), (72, 120, 672), 960),
    _mobilenet_v3("mobilenet_v3_small", (2, 4, 9), (16, 88, 144), 576),
    _mobilenet_v3("mobilenet_v3_large_seg", (4, 7, 13), (72, 120, 672), 960),
    _mobilenet_v3("mobilenet_v3_small_seg", (2, 4, 9), (16, 88, 144), 576),
    Encoder(
        name="mobilenet_edgetpu",
        scope="MobilenetEdgeTPU",
        build=_build("nets.mobilenet_edgetpu"),
        options=("depth_multiplier",),
        stages=_stages(
            # research/deeplab has no decoder for it. Chosen as there for the other MobileNets: what
            # the last bottleneck of each stride projects.
            ("layer_6/expansion_output", "layer_10/expansion_output", "layer_18/depthwise_output"),
            (128, 192, 384),
            32,
            "layer_1",
        ),
        depth=1280,
        classifier=Classifier("pooled", 1001),
    ),
    _resnet_v1("resnet_v1_18", (2, 2, 2, 2), is_lite=True),
    _resnet_v1("resnet_v1_18", (2, 2, 2, 2), (16, 16, 32), is_lite=True),
    _resnet_v1("resnet_v1_34", (3, 4, 6, 3), is_lite=True),
    _resnet_v1("resnet_v1_50", (3, 4, 6, 3)),
    _resnet_v1("resnet_v1_50", (3, 4, 6, 3), (64, 64, 128)),
    _resnet_v1("resnet_v1_101", (3, 4, 23, 3)),
    _resnet_v1("resnet_v1_101", (3, 4, 23, 3), (64, 64, 128)),
    _resnet_v1("resnet_v1_152", (3, 8, 36, 3)),
    _densenet("densenet121", (6, 12, 24, 16), num_published_classes=1000),
    _densenet("densenet161", (6, 12, 36, 24), 48, 96, num_published_classes=1000),
    _densenet("densenet169", (6, 12, 32, 32), num_published_classes=1000),
    _densenet("densenet201", (6, 12, 48, 32)),
    _densenet("densenet264", (6, 12, 64, 48)),
    _vgg("vgg_16", 3),
    _vgg("vgg_19", 4),
    _vgg("vgg_tiny", 3, (16, 32, 64, 96, 96), is_published=False),
)
# It has one stride and no feature maps for decoders.
_INCEPTION_V3 = Encoder(
    name="inception_v3",
    scope="InceptionV3",
    build=_build("nets.inception_v3"),
    options=(),
    stages=(),
    depth=2048,
    classifier=Classifier("inception_v3", 1001, image_size=299),
)
# For describing images, seen as research/im2txt sees them: the blocks of DenseNet-201 at a smaller
# growth rate, and a code of as many numbers as stand for a word.
_DENSENET_IM2TXT = dataclasses.replace(
    _densenet("densenet_im2txt", (6, 12, 48, 32), 24, 48, code_depth=512),
    classifier=Classifier("plain", None, image_size=299),
    mean_pixel=_MIDDLE_GRAY,
    scale=_HALF_RANGE,
)

ENCODERS: Mapping[str, Encoder] = {encoder.name: encoder for encoder in _ENCODERS}
# Names that `nets.classifier.classify` takes.
CLASSIFIERS: Mapping[str, Encoder] = {
    **ENCODERS,
    **{encoder.name: encoder for encoder in (_INCEPTION_V3, _DENSENET_IM2TXT)},
}


def encoder(name: str) -> Encoder:
    """Returns the encoder of a `model_variant`; ValueError if there is none of that name."""
    if name not in ENCODERS:
        raise ValueError(f"model_variant is {name!r}; expected one of {', '.join(ENCODERS)}.")
    return ENCODERS[name]


def classifier(name: str) -> Encoder:
    """Returns the encoder that classifies under a `model_variant`; ValueError if there is none."""
    if name not in CLASSIFIERS:
        raise ValueError(f"model_variant is {name!r}; expected one of {', '.join(CLASSIFIERS)}.")
    return CLASSIFIERS[name]


def extract_features(
    images: tf.Tensor,
    name: str,
    *,
    output_stride: int,
    weight_decay: float,
    batch_norm: BatchNormMode,
    options: Mapping[str, object],
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    """Normalizes images and runs an encoder on them.

    Args:
      images: float32 [batch, height, width, 3], RGB, 0..255.
      name: `model_variant`.
      output_stride: image size over feature map size.
      weight_decay: L2 weight.
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
