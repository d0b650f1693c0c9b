"""The ResNets of `nets.resnet_v1`: what distinguishes one from the other."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class ResNetSpec:
    """What distinguishes one ResNet.

    Attributes:
      scope: variable scope, the same for the plain and the beta form.
      num_units: units in each of the four blocks.
      is_lite: units of two 3x3 convolutions; otherwise 1x1, 3x3, 1x1.
      root_depths: channels of the three 3x3 convolutions of a beta form; None for one of 7x7.
    """

    scope: str
    num_units: tuple[int, int, int, int]
    is_lite: bool = False
    root_depths: tuple[int, int, int] | None = None


VARIANTS = {
    "resnet_v1_18": ResNetSpec("resnet_v1_18", (2, 2, 2, 2), is_lite=True),
    "resnet_v1_18_beta": ResNetSpec(
        "resnet_v1_18", (2, 2, 2, 2), is_lite=True, root_depths=(16, 16, 32)
    ),
    "resnet_v1_50": ResNetSpec("resnet_v1_50", (3, 4, 6, 3)),
    "resnet_v1_50_beta": ResNetSpec("resnet_v1_50", (3, 4, 6, 3), root_depths=(64, 64, 128)),
    "resnet_v1_101": ResNetSpec("resnet_v1_101", (3, 4, 23, 3)),
    "resnet_v1_101_beta": ResNetSpec("resnet_v1_101", (3, 4, 23, 3), root_depths=(64, 64, 128)),
}
