"""Compares the logits of an import with those of its file."""

from collections.abc import Iterable, Iterator

import numpy as np
from PIL import Image

from scripts.weight_import.network import Network, describe
from serving import image_reading

# Two runs of one network differ by the order of their sums; of the largest logit.
LARGEST_LOGITS_ERROR = 1e-3
SMALLEST_EQUAL_SHARE = 0.999


def read_images(paths: list[str]) -> Iterator[Image.Image]:
    """Yields images as RGB; one of colored blobs if there are no paths."""
    for path in paths:
        yield image_reading.read_image(path)
    if not paths:
        coarse = np.random.RandomState(0).randint(0, 256, [8, 8, 3], np.uint8)
        yield Image.fromarray(coarse).resize((512, 512), Image.Resampling.BICUBIC)


def check(
    network: Network, pairs: Iterable[tuple[np.ndarray, np.ndarray]], *, is_exact: bool, source: str
) -> str:
    """Compares logits and words the result.

    Args:
      network: the network, for the error.
      pairs: for each image, logits of the file and ours, float32 [height, width, classes].
      is_exact: whether they have to agree; a file that calculates with 8 bits does not.
      source: the file, for the error.

    Raises:
      ValueError: they should agree and do not.
    """
    errors, shares = [], []
    for theirs, ours in pairs:
        if theirs.shape != ours.shape:
            raise ValueError(
                f"{source} makes logits {list(theirs.shape)}, and the network "
                f"{describe(network.options)} {list(ours.shape)}; give the flags that differ."
            )
        errors.append(np.abs(ours - theirs).max() / max(np.abs(theirs).max(), 1e-30))
        shares.append(np.mean(ours.argmax(axis=2) == theirs.argmax(axis=2)))
    error, share = np.max(errors), np.min(shares)
    text = (
        f"logits differ by {error:.1e} of the largest at most, and {share:.3%} of the pixels or "
        f"more have the same class on each of {len(errors)} images"
    )
    # So written, a comparison with NaN fails.
    if is_exact and not (error <= LARGEST_LOGITS_ERROR and share >= SMALLEST_EQUAL_SHARE):
        raise ValueError(
            f"{source} is not the network {describe(network.options)}: {text}; allowed are "
            f"{LARGEST_LOGITS_ERROR:.0e} and {SMALLEST_EQUAL_SHARE:.1%}. Give the flags of the "
            "network that its layers do not show, such as --multi_grid or --image_pyramid."
        )
    return text
