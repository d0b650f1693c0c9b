"""Pairs images with masks.

An image without a mask, or a mask without an image, still becomes a sample: `checks`
reports the missing file. Only what leaves nothing to work with raises an error here. What is left
out is said.
"""

import collections
import dataclasses
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from common.texts import first_few
from datasets.segmentation.sources import leftovers, listing, mask_names
from datasets.segmentation.sources.listing import FileIndex, NoMasksError
from datasets.segmentation.sources.source import ERROR, Problem, Sample

Pairs = tuple[tuple[Sample, ...], tuple[Problem, ...]]


class Entry(NamedTuple):
    """An example that a list names.

    Attributes:
      name: its name.
      mask_path: the mask that the list names beside the image; None for the image's own.
    """

    name: str
    mask_path: str | None = None


@dataclasses.dataclass(frozen=True)
class Pairing:
    """The images of one folder and the masks of another under the same names.

    Attributes:
      images_dir: folder of the images.
      masks_dir: folder of the masks.
      images: path of each image.
      masks: path of each mask, by the name of its image.
      doubles: all paths of the names that several images, or several masks, share.
      near: for the name of an image without a mask, and for that of the mask without an image that
        hardly differs from it: both names.
      names: names of the examples where no list chooses them.
      problems: what was seen while they were paired.
    """

    images_dir: str
    masks_dir: str
    images: Mapping[str, str]
    masks: Mapping[str, str]
    doubles: Sequence[tuple[str, Sequence[str]]]
    near: Mapping[str, tuple[str, str]]
    names: Sequence[str]
    problems: tuple[Problem, ...]

    def choose(
        self, split: str, entries: Iterable[Entry | str] | None = None, is_drawn: bool = False
    ) -> Pairs:
        """Returns the samples of a split, sorted by name, and what is wrong with their names.

        Args:
          split: name of the split.
          entries: what a list names, or a folder holds; None for all.
          is_drawn: whether chance has drawn the entries from all.

        Raises:
          NoMasksError: the entries are images none of which has a mask.
          ValueError: no example has both an image and a mask.
        """
        is_given = entries is not None and not is_drawn
        chosen = {
            entry.name: entry.mask_path
            for entry in (
                Entry(entry) if isinstance(entry, str) else entry
                for entry in (self.names if entries is None else entries)
            )
        }
        samples, problems, seen = [], [], set()
        for name in sorted(chosen):
            if name in self.near and chosen[name] is None:
                if self.near[name] not in seen:
                    seen.add(self.near[name])
                    problems.append(self._describe_near(split, *self.near[name]))
                continue
            image = self.images.get(name, os.path.join(self.images_dir, name + ".jpg"))
            mask = chosen[name] or self.masks.get(name, os.path.join(self.masks_dir, name + ".png"))
            samples.append(Sample(name, image, mask))
        if not any(sample.name in self.images and self._has_mask(sample) for sample in samples):
            if is_given and not problems and any(sample.name in self.images for sample in samples):
                raise NoMasksError(self.masks_dir, f"has no mask of the images of {split!r}.")
            raise ValueError(self._describe_strangers(split, list(chosen)))
        problems += (
            _describe_double(split, name, paths) for name, paths in self.doubles if name in chosen
        )
        return tuple(samples), tuple(problems)

    def _has_mask(self, sample: Sample) -> bool:
        return sample.name in self.masks or os.path.exists(sample.mask_path)

    def _describe_near(self, split: str, image: str, mask: str) -> Problem:
        path = self.images[image]
        mask_file = os.path.basename(self.masks[mask])
        message = (
            f"there is no mask of this name in {self.masks_dir}; did you mean {mask_file!r}? An "
            "image and its mask have the same name, in upper and lower case too: rename one."
        )
        return Problem(ERROR, "missing", message, path, split, image)

    def _describe_strangers(self, split: str, chosen: Sequence[str]) -> str:
        near = next(iter(self.near.values()), None)
        hint = "Give an image and its mask the same name, such as a.jpg and a.png."
        if near is not None:
            hint = f"Did you mean {near[0]!r} and {near[1]!r} to be a pair? " + hint
        return (
            f"split {split!r}: no example has both an image in {self.images_dir} and a mask in "
            f"{self.masks_dir}. Examples are called {_first(sorted(chosen))}, images "
            f"{_first(self.images)}, masks {_first(self.masks)}. {hint}"
        )


def match(image_index: FileIndex, mask_index: FileIndex) -> Pairing:
    """Finds the image of each mask."""
    images = {**image_index.strangers, **image_index.paths}
    masks = {**mask_index.strangers, **mask_index.paths}
    renamed, affixes = mask_names.rename_masks(image_index.paths | image_index.strangers, masks)
    masks = {renamed.get(name, name): path for name, path in masks.items()}
    # Only a list, or a partner, makes an example of a file whose ending is not that of an image.
    is_stranger = {*image_index.strangers.values(), *mask_index.strangers.values()}.__contains__
    strangers = {
        name
        for side, others in ((images, masks), (masks, images))
        for name, path in side.items()
        if is_stranger(path) and name not in others
    }
    known = [
        {name: path for name, path in side.items() if name not in strangers}
        for side in (images, masks)
    ]
    near = _find_near(*known)
    lonely = {
        *_find_lonely(*known, near, renamed),
        *_find_lonely(*reversed(known), near, renamed),
    }
    unmatched = {mask for _, mask in near.values()}
    taken = {path for side in known for path in side.values()}
    images_dir, masks_dir = image_index.folder, mask_index.folder
    return Pairing(
        images_dir=images_dir,
        masks_dir=masks_dir,
        images=dict(sorted(images.items())),
        masks=dict(sorted(masks.items())),
        doubles=[
            *sorted(image_index.doubles.items()),
            *sorted((renamed.get(name, name), same) for name, same in mask_index.doubles.items()),
        ],
        near=near,
        names=sorted((images.keys() | masks.keys()) - strangers - lonely - unmatched),
        problems=(
            *leftovers.describe_affixes(affixes, images, masks),
            *leftovers.describe_unnameable(image_index, mask_index),
            *leftovers.describe_unused(image_index, taken, "images"),
            *leftovers.describe_unused(mask_index, taken, "masks"),
            *leftovers.describe_lonely(
                image_index.folder, images, lonely, mask_index.folder, "masks"
            ),
            *leftovers.describe_lonely(
                mask_index.folder, masks, lonely, image_index.folder, "images"
            ),
        ),
    )


def pair_folders(images_dir: str, masks_dir: str, split: str) -> Pairs:
    """Pairs all images of one folder with all masks of another.

    Raises:
      NoMasksError: there are no masks.
      ValueError: there are no images, or none of them has a mask.
    """
    pairing = match(listing.index_images(images_dir), listing.index_masks(masks_dir))
    samples, problems = pairing.choose(split)
    return samples, (*pairing.problems, *problems)


def fold(name: str) -> str:
    """Returns what names that people take for the same have in common."""
    return re.sub(r"[\s_.-]", "", unicodedata.normalize("NFKC", name).casefold())


def _find_near(images: Mapping[str, str], masks: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Pairs of an image and a mask that nothing else resembles but each other."""
    folded: dict[str, tuple[list[str], list[str]]] = collections.defaultdict(lambda: ([], []))
    for side, (names, others) in enumerate(((images, masks), (masks, images))):
        for name in names:
            if name not in others:
                folded[fold(name)][side].append(name)
    near = {}
    for image_names, mask_names_ in folded.values():
        if len(image_names) == len(mask_names_) == 1:
            pair = image_names[0], mask_names_[0]
            near |= dict.fromkeys(pair, pair)
    return near


def _find_lonely(
    names: Mapping[str, str],
    others: Mapping[str, str],
    near: Mapping[str, object],
    renamed: Mapping[str, str],
) -> Iterator[str]:
    """Yields the names in folders that have no counterpart on the other side at all."""
    their_folders = {os.path.dirname(name).casefold() for name in (*others, *renamed)}
    paired_folders = {os.path.dirname(name) for name in names if name in others or name in near}
    for name in names:
        folder = os.path.dirname(name)
        if folder and folder not in paired_folders and folder.casefold() not in their_folders:
            yield name


def _describe_double(split: str, name: str, paths: Sequence[str]) -> Problem:
    message = (
        f"shares its stem with {first_few(map(os.path.basename, paths[1:]))}. Keep one of them, or "
        "rename the others and their partners."
    )
    return Problem(ERROR, "stem", message, paths[0], split, name)


def _first(names: Iterable[str]) -> str:
    return repr(next(iter(names), "(none)"))
