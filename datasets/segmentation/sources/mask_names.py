"""Finds the image of each mask where they do not have the same names.

    images/a.jpg         masks/a_mask.png, mask_a.png, a.jpg.png     all masks have one affix
    images/a_image.jpg   masks/a_mask.png                            so do all images
    images/town/a.jpg    masks/a.png                                 one side has no folders

Only what holds for a whole folder is believed, and where the names of any image and mask agree,
affixes are not tried.
"""

import collections
import itertools
import os
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

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


class Affix(NamedTuple):
    """What stands before and after a name: `mask_` and `` in `mask_a`."""

    prefix: str = ""
    suffix: str = ""

    def __str__(self) -> str:
        return f"{self.prefix}NAME{self.suffix}"

    def strip(self, name: str) -> str | None:
        """Returns a name, which may have folders, without the affix; None where it has none."""
        folder, base = os.path.split(name)
        core = base[len(self.prefix) : len(base) - len(self.suffix)]
        if not core or base != f"{self.prefix}{core}{self.suffix}":
            return None
        return f"{folder}/{core}" if folder else core


Affixes = tuple[Affix, Affix]  # of all images, and of all masks


def rename_masks(
    images: Collection[str], masks: Collection[str]
) -> tuple[dict[str, str], Affixes | None]:
    """Returns the names of the images that masks belong to under other names, and the affixes."""
    image_bases, mask_bases = (
        [os.path.basename(name) for name in side] for side in (images, masks)
    )
    affixes = None
    if set(image_bases).isdisjoint(mask_bases):
        affixes = _find_affixes(image_bases, mask_bases)
    image_affix, mask_affix = affixes or (Affix(), Affix())
    image_of = {core: name for name in images if (core := image_affix.strip(name))}
    cores = {name: core for name in masks if (core := mask_affix.strip(name))}
    found = {mask: image_of[core] for mask, core in cores.items() if core in image_of}
    if not any("/" in core for core in image_of) or not any("/" in c for c in cores.values()):
        # Only one side has folders, so names are compared without them.
        images_by_base, masks_by_base = _by_base(image_of), _by_base(cores.values())
        taken = set(found.values())
        for mask, core in cores.items():
            same = images_by_base.get(os.path.basename(core), [])
            is_sure = len(same) == len(masks_by_base[os.path.basename(core)]) == 1
            if mask not in found and is_sure and image_of[same[0]] not in taken:
                found[mask] = image_of[same[0]]
    return {mask: image for mask, image in found.items() if mask != image}, affixes


def _by_base(names: Iterable[str]) -> dict[str, list[str]]:
    by_base: dict[str, list[str]] = collections.defaultdict(list)
    for name in names:
        by_base[os.path.basename(name)].append(name)
    return by_base


def _find_affixes(images: Sequence[str], masks: Sequence[str]) -> Affixes | None:
    """Finds affixes that all images and all masks have, such that names agree without them."""
    samples = masks[:: max(1, len(masks) // _MAX_SAMPLES)]
    for image_affix in (Affix(), *_common_affixes(images, _IMAGE_WORDS, only_words=True)):
        cores = {image_affix.strip(name) for name in images}
        counts = {
            mask_affix: sum(mask_affix.strip(name) in cores for name in samples)
            for mask_affix in _common_affixes(masks, _MASK_WORDS, image_affix != Affix())
        }
        best = max(counts, key=lambda affix: counts[affix], default=None)
        if best is not None and counts[best]:
            return image_affix, best
    return None


def _common_affixes(
    names: Sequence[str], words: Sequence[str], only_words: bool
) -> Iterator[Affix]:
    """Yields the affixes that all names have.

    They are words, or at least set apart from the rest: `x-` or `mask`, not `1`, for image 2 is not
    that of mask 12. Where images have an affix too, `cam1_` and `cam2_` would make a pair, so both
    must be words then.
    """

    def is_affix(affix: str, boundary: str) -> bool:
        word = re.sub(r"[\W_]", "", affix.lower())
        is_word = word in words or affix.lower() in image_files.ENDINGS
        return is_word or not (only_words or boundary.isalnum())

    prefix = _common_prefix(names)
    suffix = _common_prefix([name[::-1] for name in names])[::-1]
    prefixes = [prefix[:end] for end in range(1, len(prefix) + 1)]
    suffixes = [suffix[start:] for start in range(len(suffix))]
    for before in ("", *(each for each in prefixes if is_affix(each, each[-1]))):
        for after in ("", *(each for each in suffixes if is_affix(each, each[0]))):
            affix = Affix(before, after)
            if (before or after) and all(affix.strip(name) for name in names):
                yield affix


def _common_prefix(names: Sequence[str]) -> str:
    pairs = zip(min(names), max(names), strict=False)
    return "".join(
        first for first, _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs)
    )
