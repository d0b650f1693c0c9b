"""What is compared, and how: the losses of a style transfer."""

import dataclasses
from collections.abc import Mapping


@dataclasses.dataclass(frozen=True)
class LossOptions:
    """The loss of an image; docs/style-transfer.md has the formulas.

    Layers have N channels and M pixels.

    Attributes:
      content_layers, style_layers: weights by layer.
      content_weight, style_weight, tv_weight: of the sums over layers, and of the total variation.
      content_scale: "relative", by the content's energy: 1 for a gray image of features; "half",
        half the sum (Gatys et al.); "quarter_mean", a quarter of the mean (cs20); "mean".
      style_scale: "relative", by the distance between content and style: 1 where the content
        begins; "gatys", sum / (4 N^2) of Gram matrices that are divided by M; "mean", mean of
        matrices that are divided by M N.
      tv_scale: "relative", by the total variation of content and style together; or "mean", the
        mean squared difference of neighbors, in each direction.
    """

    content_layers: Mapping[str, float]
    style_layers: Mapping[str, float]
    content_weight: float = 1.0
    style_weight: float = 1.0
    tv_weight: float = 0.0
    content_scale: str = "relative"
    style_scale: str = "relative"
    tv_scale: str = "relative"
