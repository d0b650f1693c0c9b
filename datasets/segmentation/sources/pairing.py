"""Pairs images with masks.

An image without a mask, or a mask without an image, still becomes a sample: `checks` reports the
missing file. Only what leaves nothing to work with is an error here. Whatever is left out is
reported.
"""

import collections
import dataclasses
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from common.texts import first_few
from datasets.images import image_folders
from datasets.records.problems import ERROR, WARNING, Problem
from datasets.segmentation.sources import leftovers, listing, mask_names
from datasets.segmentation.sources.listing import FileIndex, NoMasksError
from datasets.segmentation.sources.source import Sample

_T = TypeVar("_T")
# The samples of a split, and what is wrong with it.
Pairs = tuple[tuple[Sample, ...], tuple[Problem, ...]]


@dataclasses.dataclass(frozen=True)
class Pairing:
    """The images of one folder and the masks of another under the same names.

    Attributes:
      images, masks: path of each image and mask, by the name of the image.
      doubles: all paths of the names that several images, or several masks, share.
      near: by the name of an image without a mask, and by that of the mask without an image that
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
        self,
        split: str,
        chosen: Mapping[str, str | None] | None = None,
        is_drawn: bool = False,
    ) -> Pairs:
        """Returns the samples of a split, sorted by name, and what is wrong with their names.

        Args:
          chosen: names of the examples, each with the path of the mask that a list gives it, or
            None for its own; None for all examples.
          is_drawn: whether chance has drawn the names from all.

        Raises:
          NoMasksError: none of the images has a mask.
          ValueError: no example has both an image and a mask.
        """
        masks = dict.fromkeys(self.names) if chosen is None else chosen
        near = {name: self.near[name] for name in masks if name in self.near and not masks[name]}
        samples = tuple(
            Sample(
                name,
                self.images.get(name) or os.path.join(self.images_dir, name + ".jpg"),
                masks[name] or self.masks.get(name) or os.path.join(self.masks_dir, name + ".png"),
            )
            for name in sorted(masks.keys() - near)
        )
        with_images = [sample for sample in samples if sample.name in self.images]
        if not any(
            sample.name in self.masks or os.path.exists(sample.mask_path) for sample in with_images
        ):
            if chosen is not None and not is_drawn and with_images and not near:
                raise NoMasksError(self.masks_dir, f"has no mask of the images of {split!r}.")
            raise ValueError(self._describe_strangers(split, list(masks)))
        pairs = dict.fromkeys(near[name] for name in sorted(near))
        return samples, (
            *(self._describe_near(split, *pair) for pair in pairs),
            *(_describe_double(split, *double) for double in self.doubles if double[0] in masks),
        )

    def _describe_near(self, split: str, image: str, mask: str) -> Problem:
        mask_file = os.path.basename(self.masks[mask])
        message = (
            f"there is no mask of this name in {self.masks_dir}; did you mean {mask_file!r}? An "
            "image and its mask have the same name, in upper and lower case too: rename one."
        )
        return Problem(ERROR, "missing", message, self.images[image], split, image)

    def _describe_strangers(self, split: str, chosen: Sequence[str]) -> str:
        hint = "Give an image and its mask the same name, such as a.jpg and a.png."
        for image, mask in list(self.near.values())[:1]:
            hint = f"Did you mean {image!r} and {mask!r} to be a pair? {hint}"
        return (
            f"split {split!r}: no example has both an image in {self.images_dir} and a mask in "
            f"{self.masks_dir}. Examples are called {first_name(sorted(chosen))}, images "
            f"{first_name(self.images)}, masks {first_name(self.masks)}. {hint}"
        )


def match(image_index: FileIndex, mask_index: FileIndex) -> Pairing:
    """Finds the image of each mask."""
    images = {**image_index.strangers, **image_index.paths}
    masks = {**mask_index.strangers, **mask_index.paths}
    renamed, affixes = mask_names.rename_masks(images, masks)
    masks = {renamed.get(name, name): path for name, path in masks.items()}
    # Only a list, or a partner, makes an example of a file whose ending is not that of an image.
    strangers = {*image_index.strangers.values(), *mask_index.strangers.values()}
    known_images = {n: path for n, path in images.items() if n in masks or path not in strangers}
    known_masks = {n: path for n, path in masks.items() if n in images or path not in strangers}
    near = _find_near(known_images, known_masks)
    lonely_images = _find_lonely(known_images, {*known_masks, *renamed}, near)
    lonely_masks = _find_lonely(known_masks, {*known_images, *renamed}, near)
    left_out = {*lonely_images, *lonely_masks, *(mask for _, mask in near.values())}
    taken = {*known_images.values(), *known_masks.values()}
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
        names=sorted((known_images.keys() | known_masks.keys()) - left_out),
        problems=(
            *_describe_affixes(affixes, images, masks),
            *leftovers.describe_unnameable(image_index, mask_index),
            *leftovers.describe_unused(image_index, taken, "images"),
            *leftovers.describe_unused(mask_index, taken, "masks"),
            *leftovers.describe_lonely(images_dir, lonely_images, masks_dir, "masks"),
            *leftovers.describe_lonely(masks_dir, lonely_masks, images_dir, "images"),
        ),
    )


def pair_folders(split: str, images_dir: str, masks_dir: str) -> Pairs:
    """Pairs all images of one folder with all masks of another; raises what its parts do."""
    pairing = match(listing.index_images(images_dir), listing.index_masks(masks_dir))
    samples, problems = pairing.choose(split)
    return samples, (*pairing.problems, *problems)


def open_splits(
    splits: Mapping[str, _T], open_split: Callable[[str, _T], Pairs]
) -> tuple[dict[str, tuple[Sample, ...]], tuple[Problem, ...]]:
    """Opens the splits that have masks; the others are left out with a warning.

    Args:
      splits: the second argument of `open_split` for each split.
      open_split: returns samples and problems of a split, or raises `NoMasksError`.

    Raises:
      NoMasksError: no split has masks, or `train` has none.
    """
    opened: dict[str, tuple[Sample, ...]] = {}
    problems: list[Problem] = []
    unlabeled: dict[str, NoMasksError] = {}
    for split, argument in splits.items():
        try:
            opened[split], found = open_split(split, argument)
            problems += found
        except NoMasksError as error:
            unlabeled[split] = error
    for split, reason in unlabeled.items():
        if split == "train" or not opened:
            raise reason
        problems.append(describe_unlabeled(split, reason))
    return opened, tuple(problems)


def describe_unlabeled(split: str, error: NoMasksError) -> Problem:
    """Returns the warning that a split without masks is left out."""
    message = f"{error.reason} Split {split!r} has no masks and is left out."
    return Problem(WARNING, "split", message, error.path)


def first_name(names: Iterable[str]) -> str:
    """Names the first of some names, for messages."""
    return repr(next(iter(names), "(none)"))


def _find_near(images: Mapping[str, str], masks: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Pairs of an image and a mask that resemble each other and nothing else."""
    folded: dict[str, tuple[list[str], list[str]]] = collections.defaultdict(lambda: ([], []))
    for side, (ours, theirs) in enumerate(((images, masks), (masks, images))):
        for name in ours.keys() - theirs.keys():
            folded[image_folders.fold(name)][side].append(name)
    pairs = [
        (ours[0], theirs[0]) for ours, theirs in folded.values() if len(ours) == len(theirs) == 1
    ]
    return {name: pair for pair in sorted(pairs) for name in pair}


def _find_lonely(
    names: Iterable[str], others: Iterable[str], near: Mapping[str, object]
) -> list[str]:
    """Returns the names in subfolders that have no counterpart on the other side at all."""
    others = set(others)
    their_folders = {os.path.dirname(name).casefold() for name in others}
    our_folders = {os.path.dirname(name) for name in names if name in others or name in near}
    return [
        name
        for name in names
        if (folder := os.path.dirname(name))
        and folder not in our_folders
        and folder.casefold() not in their_folders
    ]


def _describe_affixes(
    affixes: mask_names.Affixes | None, images: Mapping[str, str], masks: Mapping[str, str]
) -> Iterator[Problem]:
    name = next((name for name in images if name in masks), None)
    if affixes is not None and name is not None:
        message = (
            f"masks are called {affixes[1]} and images {affixes[0]}, so this is taken for the "
            f"mask of {os.path.basename(images[name])}, and so on. Check that this is right."
        )
        yield Problem(WARNING, "names", message, masks[name])


def _describe_double(split: str, name: str, paths: Sequence[str]) -> Problem:
    message = (
        f"shares its stem with {first_few(map(os.path.basename, paths[1:]))}. Keep one of them, or "
        "rename the others and their partners."
    )
    return Problem(ERROR, "stem", message, paths[0], split, name)
