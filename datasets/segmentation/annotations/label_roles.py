"""Labels that say of themselves that they are the background, or not to be learned."""

from collections.abc import Iterable

from datasets.images.image_folders import fold

_BACKGROUND = frozenset({"background", "bg"})
_IGNORED = frozenset({"ignore", "ignored", "void", "unlabeled", "unlabelled"})


def find_background(labels: Iterable[str]) -> str | None:
    """Returns the first label that means what no region covers, such as `_background_`."""
    return next((label for label in labels if fold(label) in _BACKGROUND), None)


def find_ignored(labels: Iterable[str], background: str | None = None) -> frozenset[str]:
    """Returns the labels of pixels that are neither trained on nor scored, such as `void`."""
    return frozenset(each for each in labels if fold(each) in _IGNORED and each != background)
