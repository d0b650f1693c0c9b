"""Finds images, masks and splits in a folder, under the names that people give them.

The module `folder` draws the layouts. Capitals, `_`, `-` and spaces in names do not matter.
"""

import dataclasses
import os
from collections.abc import Mapping
from typing import NamedTuple

from common import image_files
from datasets.images import image_folders
from datasets.images.image_folders import fold
from datasets.records import split_names

EXPECTED = (
    "images/ and masks/, or train/images/ and train/masks/, or images/train/ and masks/train/"
)

IMAGES = frozenset(
    {
        *("images", "image", "imgs", "img", "photos", "photo", "pictures", "picture", "pics"),
        *("pic", "jpegimages"),
    }
)
MASKS = frozenset(
    {
        *("masks", "mask", "labels", "label", "annotations", "annotation", "annots", "annot"),
        *("gt", "gts", "groundtruth", "groundtruths", "segmentations", "segmentation"),
        *("segmentationclass", "segmentationmasks", "segmentationmask", "seg", "segs"),
    }
)
_LISTS = "splits"


class Folders(NamedTuple):
    """The folders of images and of masks; the latter need not exist."""

    images: str
    masks: str


@dataclasses.dataclass(frozen=True)
class Layout:
    """What a folder of data holds."""

    splits: Mapping[str, Folders]  # where each has its own; they may share the folder of masks
    folders: Folders | None = None  # of all images and all masks; None where each split has its own
    lists: str | None = None  # folder of the lists that define the splits, if there is one

    @property
    def all_folders(self) -> set[str]:
        """All folders of images and of masks."""
        return {path for pair in (*self.splits.values(), self.folders or ()) for path in pair}


def find_layout(data_dir: str) -> Layout:
    """Finds out how a folder is laid out.

    Raises:
      ValueError: it is laid out otherwise, or in two ways at once; the message names them.
    """
    image_folders.require_folder(data_dir, EXPECTED)
    images_dir = _find_folder(data_dir, IMAGES)
    found = _find_split_folders(data_dir, has_images=images_dir is not None)
    if images_dir is None and found:
        names = split_names.name_splits(found, data_dir)
        return Layout({split: found[name] for split, name in names.items()})
    if images_dir is None or found:
        holds = image_folders.name_entries(data_dir)
        if images_dir is not None:
            inside = sorted(os.path.relpath(pair.images, data_dir) + "/" for pair in found.values())
            holds = f"{os.path.basename(images_dir)}/ and also {', '.join(inside)}"
        hint = ""
        masks_dir = _find_folder(data_dir, MASKS) if images_dir is None else None
        if masks_dir is not None and _holds_images(masks_dir):
            hint = (
                f" There are masks in {os.path.basename(masks_dir)}/, but no images: export them "
                "with the images, or put those into images/."
            )
        elif images_dir is None and _may_be_classes(data_dir):
            hint = " If these are folders of images by class, give --dataset=class_folders."
        else:
            hint = image_folders.advise_unpacking(data_dir)
        raise ValueError(
            f"data_dir {data_dir!r} holds {holds}; expected {EXPECTED}, or the export of a "
            f"labelling tool. docs/datasets.md draws the folders and lists the tools.{hint}"
        )
    folders = Folders(images_dir, _find_masks(data_dir))
    lists = _find_lists(data_dir)
    return Layout({} if lists else _split_below(folders), folders, lists)


def has_masks(data_dir: str) -> bool:
    """Whether a folder has images and masks in folders of these names, perhaps below splits."""
    folders = image_folders.subfolders(data_dir)
    for parent in (data_dir, *(folders[name] for name in folders if _is_split(name))):
        named = {fold(name): path for name, path in image_folders.subfolders(parent).items()}
        both = [[path for name, path in named.items() if name in kind] for kind in (IMAGES, MASKS)]
        if all(any(map(_holds_images, paths)) for paths in both):
            return True
    return False


def _is_split(name: str) -> bool:
    return fold(name) in split_names.SPLITS


def has_images(data_dir: str) -> bool:
    """Whether a folder itself has one of images, or image files."""
    files = image_folders.files_in(data_dir)
    return any(fold(name) in IMAGES for name in image_folders.subfolders(data_dir)) or any(
        name.lower().endswith(image_files.ENDINGS) for name in files
    )


def _may_be_classes(data_dir: str) -> bool:
    """Whether there are folders of images, perhaps below splits, and nothing called masks."""
    folders = image_folders.subfolders(data_dir)
    below = [name for path in folders.values() for name in image_folders.subfolders(path)]
    has_masks = any(fold(name) in MASKS for name in (*folders, *below))
    return not has_masks and any(map(_holds_images, folders.values()))


def _find_masks(parent: str) -> str:
    return _find_folder(parent, MASKS) or os.path.join(parent, "masks")


def _find_folder(parent: str, names: frozenset[str]) -> str | None:
    """Returns the subfolder that has one of these names, and holds images if any does.

    Raises:
      ValueError: several hold images.
    """
    named = [path for name, path in image_folders.subfolders(parent).items() if fold(name) in names]
    full = [path for path in named if _holds_images(path)]
    if len(full) > 1:
        found = " and ".join(f"{os.path.basename(path)}/" for path in full)
        raise ValueError(
            f"{parent} holds {found}, and either may be meant. Move all but one of them elsewhere."
        )
    return next(iter(full or named), None)


def _find_split_folders(data_dir: str, has_images: bool) -> dict[str, Folders]:
    """Returns the folders inside each subfolder that is a split.

    Where the folder of data has images itself, only what can hardly be anything else is a split.
    """
    found = {}
    for name, path in image_folders.subfolders(data_dir).items():
        if fold(name) in IMAGES | MASKS:
            continue
        inside = image_folders.subfolders(path)
        is_split = "images" in inside or _is_split(name)
        if is_split or (not has_images and any(fold(each) in MASKS for each in inside)):
            images_dir = _find_folder(path, IMAGES)
            if images_dir is not None:
                found[name] = Folders(images_dir, _find_masks(path))
    return found


def _find_lists(data_dir: str) -> str | None:
    """Returns the folder of lists: `splits`, or that of PASCAL VOC if it lists the training set."""
    for name, path in image_folders.subfolders(data_dir).items():
        if fold(name) == _LISTS:
            return path
    of_voc = os.path.join(data_dir, "ImageSets", "Segmentation")
    if os.path.isdir(of_voc):
        stems = [os.path.splitext(name) for name in os.listdir(of_voc)]
        if any(
            split_names.SPLITS.get(fold(stem)) == "train" and end == ".txt" for stem, end in stems
        ):
            return of_voc
    return None


def _split_below(folders: Folders) -> dict[str, Folders]:
    """Returns the splits that are subfolders of the folder of images, if it has such."""
    images = image_folders.subfolders(folders.images)
    known = {split_names.SPLITS[fold(name)] for name in images if fold(name) in split_names.SPLITS}
    is_sure = "train" in known and len(known) > 1
    if not is_sure and (len(known) < len(images) or image_folders.files_in(folders.images)):
        return {}  # A folder called train may be one of images of trains.
    splits = split_names.name_splits(images, folders.images)
    masks: dict[str, str] = {}
    if os.path.isdir(folders.masks):
        masks = split_names.name_splits(image_folders.subfolders(folders.masks), folders.masks)
    if masks.keys().isdisjoint(splits):
        return {split: Folders(images[name], folders.masks) for split, name in splits.items()}
    return {
        split: Folders(images[name], os.path.join(folders.masks, masks.get(split, name)))
        for split, name in splits.items()
    }


def _holds_images(folder: str) -> bool:
    return any(path.lower().endswith(image_files.ENDINGS) for path in image_folders.walk(folder))
