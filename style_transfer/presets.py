"""Losses and settings of published programs, and ours.

`default` is free of scales: the loss of each layer is divided by what it is where the content
begins, so that one setting serves images of any size and pairs of any kind. The others reproduce
the losses of

* `cs20`: the assignment of Stanford's course CS 20, assignments/02_style_transfer;
* `neural_style`: anishathalye/neural-style, with its defaults;
* `gatys`: the paper, arXiv 1508.06576.
"""

import dataclasses
from collections.abc import Mapping

from style_transfer.options import LossOptions

_FIRST_OF_BLOCKS = tuple(f"conv{block}_1" for block in range(1, 6))


@dataclasses.dataclass(frozen=True)
class Preset:
    """Settings that belong together.

    Attributes:
      losses: what is compared, and how.
      pooling: "average" or "max".
      learning_rate: of Adam, in gray levels.
      num_steps: of the whole optimization.
      start: "content", or "noise" of all colors, or "mixed": both, as cs20 has it.
      keeps_range: whether pixels stay within 0..255 after each step.
      frame: see `images.framed`: pixels beyond an image's borders, which are painted and cut off.
      num_scales: sizes at which the image is painted, from coarse to fine; None for as many as suit
        it. The published programs paint at one.
    """

    losses: LossOptions
    pooling: str
    learning_rate: float
    num_steps: int
    start: str
    keeps_range: bool
    frame: int = 0
    num_scales: int | None = 1


PRESETS: Mapping[str, Preset] = {
    "default": Preset(
        LossOptions(
            content_layers={"conv4_2": 1.0},
            style_layers=dict.fromkeys(_FIRST_OF_BLOCKS, 0.2),
            content_weight=0.07,
            style_weight=1.0,
            tv_weight=0.01,
        ),
        pooling="average",
        learning_rate=8.0,
        num_steps=300,
        start="content",
        keeps_range=True,
        frame=8,
        num_scales=None,
    ),
    "cs20": Preset(
        LossOptions(
            content_layers={"conv4_2": 1.0},
            style_layers=dict(zip(_FIRST_OF_BLOCKS, (0.5, 1.0, 1.5, 3.0, 4.0), strict=True)),
            content_weight=0.01,
            style_weight=1.0,
            content_scale="quarter_mean",
            style_scale="gatys",
        ),
        pooling="average",
        learning_rate=2.0,
        num_steps=300,
        start="mixed",
        keeps_range=False,
    ),
    "neural_style": Preset(
        LossOptions(
            content_layers={"conv4_2": 1.0},
            style_layers=dict.fromkeys(_FIRST_OF_BLOCKS, 0.2),
            content_weight=5.0,
            style_weight=500.0,
            tv_weight=100.0,
            content_scale="mean",
            style_scale="mean",
            tv_scale="mean",
        ),
        pooling="max",
        learning_rate=10.0,
        num_steps=1000,
        start="noise",
        keeps_range=False,
    ),
    "gatys": Preset(
        LossOptions(
            content_layers={"conv4_2": 1.0},
            style_layers=dict.fromkeys(_FIRST_OF_BLOCKS, 0.2),
            content_weight=1.0,
            style_weight=1000.0,
            content_scale="half",
            style_scale="gatys",
        ),
        pooling="average",
        learning_rate=8.0,
        num_steps=500,
        start="noise",
        keeps_range=True,
    ),
}
