"""Finds out how masks are called after their images where they do not have the same names.

    images/a.jpg         masks/a_mask.png, mask_a.png, a.jpg.png     all masks have one affix
    images/a_image.jpg   masks/a_mask.png                            so have all images
    images/town/a.jpg    masks/a.png                                 one side has no folders

Only what holds for a whole folder is believed, and where the names of an image and a mask agree,
nothing else is tried.
"""

import collections
import os
import re
from collections.abc import Iterable, Mapping

from common import image_files

# Without capitals and what is neither letter nor digit.
_IMAGE_WORDS = (
    *("image", "images", "img", "im", "photo", "picture", "pic", "rgb", "sat", "leftimg8bit"),
)
_MASK_WORDS = (
    *("mask", "masks", "msk", "label", "labels", "lbl", "gt", "groundtruth", "truth", "annotation"),
    *("anno", "annot", "ann", "seg", "segm", "segmentation", "segmap", "matte", "l", "labelids"),
    *("labeltrainids", "gtfinelabelids", "gtfinelabeltrainids"),
)
_MAX_SAMPLES = 50


class Affix:
    """What stands before and behind a name: `mask_` and `` in `mask_a`."""

    def __init__(self, prefix: str = "", suffix: str = ""):
        self.prefix = prefix
        self.suffix = suffix

    def __str__(self) -> str:
        return f"{self.prefix}NAME{self.suffix}"

    def strip(self, name: str) -> str | None:
        """Returns the name of an example's files without the affix; None where it has none."""
        folder, base = os.path.split(name)
        core = base[len(self.prefix) : len(base) - len(self.suffix)]
        if not core or base != f"{self.prefix}{core}{self.suffix}":
            return None
        return f"{folder}/{core}" if folder else core


def rename_masks(
    image_names: Iterable[str], mask_names: Iterable[str]
) -> tuple[dict[str, str], tuple[Affix, Affix] | None]:
    """Finds the image of each mask.

    Args:
      image_names: names of the images.
      mask_names: names of the masks.

    Returns:
      (the name of the image that each mask belongs to, where that is another than its own; how
      images and masks are called, or None where they have the same names).
    """
    image_names, mask_names = list(image_names), list(mask_names)
    bases = {os.path.basename(name) for name in image_names}
    affixes = None
    cores = {name: name for name in image_names}  # By what is left of a name: the image.
    renamed = {name: name for name in mask_names}
    if bases.isdisjoint(map(os.path.basename, mask_names)):
        affixes = _find_affixes(image_names, mask_names)
    if affixes is not None:
        image_affix, mask_affix = affixes
        cores = {image_affix.strip(name): name for name in image_names}
        renamed = {name: mask_affix.strip(name) for name in mask_names}
    found = {mask: cores[core] for mask, core in renamed.items() if core in cores}
    found |= _match_across_folders(cores, renamed, found)
    return {mask: image for mask, image in found.items() if mask != image}, affixes


def _match_across_folders(
    cores: Mapping[str, str], renamed: Mapping[str, str], found: Mapping[str, str]
) -> dict[str, str]:
    """Matches what is left by file name alone where the images, or the masks, have no folders."""
    if any("/" in core for core in cores) and any("/" in core for core in renamed.values()):
        return {}
    images, masks = (_by_base(names) for names in (cores, renamed.values()))
    taken = set(found.values())
    matched = {}
    for mask, core in renamed.items():
        base = os.path.basename(core)
        if mask not in found and len(images.get(base, ())) == len(masks[base]) == 1:
            image = cores[images[base][0]]
            if image not in taken:
                matched[mask] = image
    return matched


def _by_base(names: Iterable[str]) -> dict[str, list[str]]:
    by_base = collections.defaultdict(list)
    for name in names:
        by_base[os.path.basename(name)].append(name)
    return by_base


def _find_affixes(image_names: list[str], mask_names: list[str]) -> tuple[Affix, Affix] | None:
    """Finds affixes that all images and all masks have, such that names agree without them."""
    image_bases = [os.path.basename(name) for name in image_names]
    mask_bases = [os.path.basename(name) for name in mask_names]
    for image_affix in (Affix(), *_common_affixes(image_bases, _IMAGE_WORDS, only_words=True)):
        cores = {image_affix.strip(base) for base in image_bases}
        only_words = bool(image_affix.prefix or image_affix.suffix)
        best, most = None, 0
        for mask_affix in _common_affixes(mask_bases, _MASK_WORDS, only_words):
            samples = mask_bases[:: max(1, len(mask_bases) // _MAX_SAMPLES)]
            count = sum(mask_affix.strip(base) in cores for base in samples)
            if count > most:
                best, most = mask_affix, count
        if best is not None:
            return image_affix, best
    return None


def _common_affixes(bases: list[str], words: tuple[str, ...], only_words: bool) -> list[Affix]:
    """Returns the affixes that all names have.

    They are words, or at least set apart from the rest: `x-` or `mask`, not `1`, for image 2 is not
    that of mask 12. Where images have an affix too, `cam1_` and `cam2_` would make a pair, so both
    must be words then.
    """

    def is_affix(affix: str, boundary: str) -> bool:
        is_word = _fold(affix) in words or affix.lower() in image_files.ENDINGS
        return is_word or not (only_words or boundary.isalnum())

    prefix = _common_prefix(bases)
    suffix = _common_prefix([base[::-1] for base in bases])[::-1]
    prefixes = [prefix[:end] for end in range(1, len(prefix) + 1)]
    suffixes = [suffix[start:] for start in range(len(suffix))]
    affixes = [
        Affix(before, behind)
        for before in ("", *(each for each in prefixes if is_affix(each, each[-1])))
        for behind in ("", *(each for each in suffixes if is_affix(each, each[0])))
        if before or behind
    ]
    return [affix for affix in affixes if all(affix.strip(base) for base in bases)]


def _common_prefix(names: list[str]) -> str:
    first, last = min(names), max(names)
    length = 0
    while length < len(first) and first[length] == last[length]:
        length += 1
    return first[:length]


def _fold(text: str) -> str:
    return re.sub(r"[\W_]", "", text.lower())
