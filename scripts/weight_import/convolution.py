"""A convolution of a file, whichever format the file has."""

import dataclasses

# Names of the variables that hold kernels: of ordinary convolutions, and of depthwise ones.
KERNEL_NAMES = ("weights", "depthwise_weights")


@dataclasses.dataclass(frozen=True)
class Convolution:
    """What a file says of a convolution.

    Attributes:
      kernel_name: one of KERNEL_NAMES.
      shape: of the kernel: (height, width, channels in, channels out), depthwise
        (height, width, channels, 1).
      rate: vertical atrous rate.
      input_size: (height, width) of the feature map that it convolves.
      activation: "relu", "relu6", or "" for another one or none.
      pooling: ((height, width), (vertical, horizontal) stride) of windows that are averaged in
        front of it; None for no average, or for one over the whole map.
    """

    kernel_name: str
    shape: tuple[int, ...]
    rate: int = 1
    input_size: tuple[int, int] = (1, 1)
    activation: str = ""
    pooling: tuple[tuple[int, int], tuple[int, int]] | None = None
