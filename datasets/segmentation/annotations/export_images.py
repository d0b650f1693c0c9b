"""Finds the images of an export, names them, and says what is wrong with them."""

import collections
import dataclasses
import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from common import image_files
from common.texts import first_few, printable
from datasets.images import image_folders
from datasets.records import split_names
from datasets.records.problems import WARNING, Problem, unused
from datasets.segmentation.annotations.labeled_image import LabeledImage, Region
from datasets.segmentation.annotations.shapes import Size

_ENDINGS = frozenset({*image_files.ENDINGS, *image_files.UNREAD_KINDS})
_ONLY_SPLIT = "default"
# Names of folders, folded, in which images are none to train on.
_MASKS = frozenset(
    {"mask", "masks", "label", "labels", "annotation", "annotations", "ann", "scribbles"}
)
_DRAWN = ("visuali", "viz", "overlay", "preview", "segmentation", "panoptic")
# In a folder of more files of one kind each is about one image.
_MAX_FILES = 50


@dataclasses.dataclass(frozen=True)
class Entry:
    """An image as an export has it.

    Attributes:
      split: as the export calls it.
      file: name of the image's file, which may have folders.
      path: of the image, or where it was expected.
      is_found: whether it is there.
      annotation_path, regions, size, damage, image_key: see `LabeledImage`.
    """

    split: str
    file: str
    path: str
    is_found: bool
    annotation_path: str
    regions: Sequence[Region]
    size: Size | None = None
    damage: str | None = None
    image_key: str | None = None


class ImageFinder:
    """Finds images of a folder by the names that an export gives them.

    Attributes:
      moved: names that were found in other folders than they have, with their paths.
    """

    def __init__(self, data_dir: str):
        self.moved: dict[str, str] = {}
        self._data_dir = data_dir
        self._paths: dict[str, str] = {}
        self._by_base: dict[str, list[str]] = collections.defaultdict(list)
        self._by_stem: dict[str, str] = {}
        for relative in image_folders.walk(data_dir):
            if os.path.splitext(relative)[1].lower() in _ENDINGS:
                name = image_folders.compose(relative)
                self._paths[name] = os.path.join(data_dir, relative)
                if not any(map(_is_drawn, _parts(name)[:-1])):
                    self._by_base[os.path.basename(name)].append(name)
                self._by_stem.setdefault(os.path.splitext(name)[0], name)

    def find(self, file: str, folders: Sequence[str] = ("images", "")) -> str | None:
        """Returns the path of an image: in one of some folders, or wherever it is.

        Of several images of its name it is the one with most of its folders; None if there are
        several such, or none at all. Folders of masks, and of images with masks drawn into them,
        have images of these names, too, and are passed over.
        """
        parts = _parts(file)
        name = "/".join(parts)
        for folder in folders:
            path = self._paths.get(f"{folder}/{name}" if folder else name)
            if path is not None:
                return path
        same = self._by_base.get(parts[-1] if parts else "", ())
        scores = {each: _shared_folders(_parts(each), parts) for each in same}
        best = [each for each, score in scores.items() if score == max(scores.values())]
        if len(best) != 1:
            return None
        path = self._paths[best[0]]
        if scores[best[0]] < len(parts) - 1:
            self.moved[name] = path
        return path

    def describe(self, splits: Mapping[str, Sequence[LabeledImage]]) -> Iterator[Problem]:
        """Says which images are not where an export says, and which it does not have.

        Args:
          splits: the images that it has.
        """
        if self.moved:
            name, path = next(iter(self.moved.items()))
            message = (
                f"{len(self.moved)} images are not in the folders that the export names: "
                f"{printable(name)} is taken from {printable(path)}."
            )
            yield Problem(WARNING, "moved", message, self._data_dir)
        known = {
            os.path.normpath(image.image_path) for images in splits.values() for image in images
        }
        rest = [
            name
            for names in self._by_base.values()
            for name in names
            if os.path.normpath(self._paths[name]) not in known
        ]
        if rest:
            yield unused(
                self._data_dir, len(rest), f": images that are not labeled, {first_few(rest)}"
            )

    def find_stem(self, stem: str) -> str | None:
        """Returns the path of the image that has a name, relative to the folder, without ending."""
        name = self._by_stem.get(image_folders.compose(stem))
        return None if name is None else self._paths[name]

    def expected(self, file: str) -> str:
        """Returns where an image that is missing should be."""
        return os.path.join(self._data_dir, "images", *_parts(file))


def collect(
    entries: Iterable[Entry], data_dir: str, advice: str
) -> tuple[dict[str, list[LabeledImage]], list[Problem]]:
    """Sorts the images of an export into its splits, each under a name of its own.

    Args:
      entries: the images.
      data_dir: the folder of the export.
      advice: what to do if all images are missing, as a sentence.

    Returns:
      The images of each split, and what is wrong: images that are labeled twice, of which the first
      counts, and images without a region, which are background.

    Raises:
      ValueError: there are no images, none of them is there, or the regions of none can be read.
    """
    kept: dict[tuple[str, str], Entry] = {}
    repeated: list[str] = []
    for entry in entries:
        key = entry.split, image_folders.compose("/".join(_parts(entry.file)))
        if key in kept:
            repeated.append(entry.file)
        kept.setdefault(key, entry)
    if not kept:
        raise ValueError(f"{printable(data_dir)}: the export has no labeled image.")
    damages = [entry.damage for entry in kept.values() if entry.damage is not None]
    if len(damages) == len(kept):
        raise ValueError(damages[0])
    missing = [entry.file for entry in kept.values() if not entry.is_found]
    if len(missing) == len(kept):
        raise ValueError(
            f"{printable(data_dir)} has none of the {len(missing)} images that the export names: "
            f"{first_few(missing)}. {advice}"
        )
    stems = collections.Counter((split, os.path.splitext(name)[0]) for split, name in kept)
    splits: dict[str, list[LabeledImage]] = {}
    for (split, file), entry in kept.items():
        stem = os.path.splitext(file)[0]
        name = stem if stems[split, stem] == 1 else file
        image = LabeledImage(
            name,
            entry.path,
            entry.annotation_path,
            entry.regions,
            entry.size,
            entry.damage,
            entry.image_key,
        )
        splits.setdefault(split, []).append(image)
    empty = [each.file for each in kept.values() if not each.regions and each.damage is None]
    return splits, [
        *_describe_repeated(repeated, data_dir),
        *_describe_empty(empty, len(kept), data_dir),
    ]


def find_files(
    data_dir: str, ending: str, is_wanted: Callable[[str], bool]
) -> dict[str, tuple[str, str]]:
    """Finds the files of an export: those in its folder or, where none is, in subfolders.

    Returns:
      For each file its path and the split that it holds, by that path relative to the folder.
      Files, or their folders, that all have names of splits (`train.xml`, `val/a.xml`) are
      splits.
    """
    names = _wanted_in(data_dir, ending, is_wanted)
    found = {os.path.splitext(name)[0]: [name] for name in names}
    if not names:
        for folder, path in image_folders.subfolders(data_dir).items():
            inside = _wanted_in(path, ending, is_wanted)
            if inside:
                found[folder] = [os.path.join(folder, name) for name in inside]
    splits = {split_names.SPLITS.get(image_folders.fold(each)) for each in found}
    is_split = None not in splits and len(splits) == len(found)
    return {
        name: (os.path.join(data_dir, name), stem if is_split else _ONLY_SPLIT)
        for stem, group in found.items()
        for name in group
    }


def split_by_folder(folders: Mapping[str, str]) -> dict[str, str]:
    """Returns the split of each file, given its folder: that, if all of them are splits."""
    are_splits = all(image_folders.fold(each) in split_names.SPLITS for each in folders.values())
    return dict(folders) if are_splits else dict.fromkeys(folders, _ONLY_SPLIT)


def describe_left_out(counts: "collections.Counter[str]", path: str) -> Iterator[Problem]:
    """Says how many of what has no area, by its kind, such as {"points": 3}."""
    if counts:
        named = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
        message = f"what covers no area, or has no label, is left out: {named}."
        yield Problem(WARNING, "shapes", message, path)


def _is_drawn(folder: str) -> bool:
    """Whether a folder has the name of one for masks, or for images with masks in them."""
    name = image_folders.fold(folder)
    return name in _MASKS or name.startswith(_DRAWN)


def _wanted_in(folder: str, ending: str, is_wanted: Callable[[str], bool]) -> list[str]:
    names = [name for name in image_folders.files_in(folder) if name.lower().endswith(ending)]
    if len(names) > _MAX_FILES:
        return []
    return [name for name in names if is_wanted(os.path.join(folder, name))]


def _shared_folders(parts: Sequence[str], others: Sequence[str]) -> int:
    """Counts the folders just above two files of one name that are called alike."""
    pairs = zip(parts[-2::-1], others[-2::-1], strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))


def _parts(file: str) -> list[str]:
    parts = image_folders.compose(file).replace("\\", "/").split("/")
    return [part for part in parts if part not in ("", ".", "..")]


def _describe_repeated(repeated: Sequence[str], data_dir: str) -> Iterator[Problem]:
    if repeated:
        message = (
            f"{len(repeated)} images are labeled more than once, and the first of each counts: "
            f"{first_few(repeated)}."
        )
        yield Problem(WARNING, "repeated", message, data_dir)


def _describe_empty(empty: Sequence[str], count: int, data_dir: str) -> Iterator[Problem]:
    if empty:
        message = (
            f"{len(empty)} of {count} images have no region, so that all of each is background: "
            f"{first_few(empty)}. Remove those that are not labeled yet."
        )
        yield Problem(WARNING, "empty", message, data_dir)
