"""The command style_transfer.stylize: its words and its flags."""

import dataclasses

from commands.command import Command
from common.option_fields import DATA, HARDWARE, LOSS, NETWORK, RESULTS, SCHEDULE, START, option
from style_transfer.presets import PRESETS

_OF_PRESET = "that of the preset"


@dataclasses.dataclass(frozen=True)
class ImageOptions:
    """Which images are painted, and how large."""

    content: tuple[str, ...] = option(
        (),
        "Image to paint; several, comma separated, or a folder or pattern of several.",
        DATA,
        is_common=True,
        aliases=("content_image", "content_path", "input"),
    )
    style: tuple[str, ...] = option(
        (),
        "Image whose style is taken; several, comma separated, are each painted in, or mixed with "
        "--style_shares.",
        DATA,
        is_common=True,
        aliases=("styles", "style_image", "style_path"),
    )
    style_shares: tuple[float, ...] = option(
        (),
        "Shares in which the styles are mixed into one image, such as 0.7,0.3.",
        DATA,
        is_common=True,
        computed_default="each style alone",
        aliases=("style_blend_weights", "style_weights"),
    )
    output: str | None = option(
        None,
        "Image to write (.png, .jpg, .webp, .tif), or a folder where several are painted.",
        RESULTS,
        is_common=True,
        computed_default="stylized/CONTENT_STYLE.png",
        aliases=("output_image",),
    )
    image_size: int = option(
        512,
        "Longer side of the painted image, in pixels.",
        DATA,
        is_common=True,
        lower=32,
        aliases=("size",),
    )
    style_scale: float = option(
        1.0,
        "Size of the style's image, as a multiple of image_size: a smaller one gives smaller "
        "strokes.",
        DATA,
        lower=0.05,
        upper=10.0,
    )
    num_scales: int | None = option(
        None,
        "Sizes that are painted from coarse to fine, each twice the one before.",
        SCHEDULE,
        lower=1,
        upper=10,
        computed_default="as many as begin at 256 pixels or less; 1 with another preset",
    )
    preserve_colors: bool = option(
        False,
        "Keep the colors of the content, and take the brightness only.",
        RESULTS,
        is_common=True,
        aliases=("original_colors",),
    )


@dataclasses.dataclass(frozen=True)
class NetworkOptions:
    """What looks at the images."""

    weights: str = option(
        "vgg_19_2016_08_28",
        "VGG-16 or VGG-19: imagenet-vgg-verydeep-19.mat, an .npz file or a checkpoint with the "
        "names of research/slim, or the name of published weights, which are downloaded.",
        NETWORK,
        is_common=True,
        aliases=("network", "vgg", "model"),
    )
    pooling: str | None = option(
        None,
        "How features are made coarser: average is smoother, max as the network was trained.",
        NETWORK,
        choices=("average", "max"),
        computed_default=_OF_PRESET,
    )


@dataclasses.dataclass(frozen=True)
class PaintOptions:
    """What is painted, and how long."""

    preset: str = option(
        "default",
        "Losses and settings: the default serves images of every size, the others are those of "
        "published programs.",
        LOSS,
        is_common=True,
        choices=tuple(PRESETS),
    )
    content_layers: tuple[str, ...] = option(
        (),
        "Layers whose features are kept, with weights: conv4_2, or conv4_2:0.6,conv5_2:0.4.",
        LOSS,
        computed_default=_OF_PRESET,
    )
    style_layers: tuple[str, ...] = option(
        (),
        "Layers whose statistics are taken from the style, with weights: conv1_1:1,conv2_1:2.",
        LOSS,
        computed_default=_OF_PRESET,
    )
    content_weight: float | None = option(
        None,
        "Weight of the content's losses.",
        LOSS,
        is_common=True,
        lower=0.0,
        computed_default=_OF_PRESET,
    )
    style_weight: float | None = option(
        None,
        "Weight of the style's losses.",
        LOSS,
        is_common=True,
        lower=0.0,
        computed_default=_OF_PRESET,
    )
    tv_weight: float | None = option(
        None,
        "Weight of the differences of neighboring pixels: more makes the image smoother.",
        LOSS,
        lower=0.0,
        computed_default=_OF_PRESET,
    )
    num_steps: int | None = option(
        None,
        "Steps at the coarsest size; each finer one has half of those before it.",
        SCHEDULE,
        is_common=True,
        lower=1,
        computed_default=_OF_PRESET,
        aliases=("iterations", "num_iterations", "training_number_of_steps"),
    )
    optimizer: str = option(
        "adam",
        "adam, or lbfgs, which needs SciPy (make setup-lbfgs).",
        SCHEDULE,
        choices=("adam", "lbfgs"),
    )
    learning_rate: float | None = option(
        None,
        "Learning rate of Adam, in gray levels.",
        SCHEDULE,
        lower=0.001,
        computed_default=_OF_PRESET,
    )
    start: str | None = option(
        None,
        "What the painting begins with: content, noise, mixed, or an image.",
        START,
        computed_default=_OF_PRESET,
        aliases=("init", "initial"),
    )
    seed: int = option(0, "Seed of the noise.", START, lower=0, upper=2**32 - 1)


@dataclasses.dataclass(frozen=True)
class ProgressOptions:
    """What is told and kept meanwhile."""

    preview_every: int = option(
        50,
        "Steps between previews, which are in the log folder and in TensorBoard; 0 for none.",
        RESULTS,
        lower=0,
        aliases=("checkpoint_iterations",),
    )
    log_every: int = option(10, "Steps between lines of progress.", RESULTS, lower=1)
    logdir: str | None = option(
        None,
        "Folder of the state, the previews and the curves.",
        RESULTS,
        computed_default="runs/style_transfer/OUTPUT",
    )
    overwrite: bool = option(
        False, "Begin anew, whatever an earlier run with this output has left.", START
    )
    tile_size: int | None = option(
        None,
        "Side of the windows in which images are worked on, in pixels; 208 suit all layers.",
        HARDWARE,
        lower=64,
        computed_default="none if the whole image fits into memory",
    )


COMMAND = Command(
    description="""\
Paints images in the style of others: python -m style_transfer.stylize --content=photo.jpg \\
  --style=painting.jpg --output=painted.png

Ctrl-C writes the best image so far, and the same command goes on from there.
docs/style-transfer.md shows what the weights do.""",
    main="style_transfer.commands.stylize",
    options=(ImageOptions, NetworkOptions, PaintOptions, ProgressOptions),
    keeps_memory=True,
)
