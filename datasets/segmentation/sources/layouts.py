"""Finds images, masks and splits in a folder, under the names that people give them.

    data/                  data/                    data/
      train/                 images/                  images/a.jpg
        images/a.jpg           train/a.jpg            masks/a.png
        masks/a.png            val/b.jpg              splits/            (optional)
      val/                   masks/                     train.txt
        images/b.jpg           train/a.png              val.txt
        masks/b.png            val/b.png

Capitals, `_`, `-` and spaces in these names do not matter.
"""

import dataclasses
import os
import re
from collections.abc import Collection, Iterable, Mapping

from common import image_files
from common.texts import printable
from datasets.segmentation.sources import listing

EXPECTED = (
    "images/ and masks/, or train/images/ and train/masks/, or images/train/ and masks/train/"
)

_IMAGES = frozenset(
    {
        *("images", "image", "imgs", "img", "photos", "photo", "pictures", "picture", "pics"),
        *("pic", "jpegimages"),
    }
)
_MASKS = frozenset(
    {
        *("masks", "mask", "labels", "label", "annotations", "annotation", "annots", "annot"),
        *("gt", "gts", "groundtruth", "groundtruths", "segmentations", "segmentation"),
        *("segmentationclass", "segmentationmasks", "segmentationmask", "seg", "segs"),
    }
)
_LISTS = "splits"
_SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}


@dataclasses.dataclass(frozen=True)
class Folders:
    """Where the images and the masks of a split lie.

    Attributes:
      images: folder of the images.
      masks: folder of the masks; it need not exist.
    """

    images: str
    masks: str


@dataclasses.dataclass(frozen=True)
class Layout:
    """What a folder of data holds.

    Attributes:
      splits: the folders of each split, where each has its own; else empty. They may share the
        folder of masks.
      folders: the folders that hold all images and all masks; None where each split has its own.
      lists: folder of the lists that tell the splits; None where there is none.
    """

    splits: Mapping[str, Folders]
    folders: Folders | None = None
    lists: str | None = None

    @property
    def all_folders(self) -> set[str]:
        """All folders of images and of masks."""
        pairs = [*self.splits.values(), *([self.folders] if self.folders else [])]
        return {folder for pair in pairs for folder in (pair.images, pair.masks)}

    @property
    def has_masks_by_split(self) -> bool:
        """Whether each split has a folder of masks of its own."""
        return not self.folders or all(
            split.masks != self.folders.masks for split in self.splits.values()
        )


def find_layout(data_dir: str) -> Layout:
    """Finds out how a folder is laid out.

    Raises:
      ValueError: it is laid out otherwise, or in two ways at once; the message names them.
    """
    listing.require_folder(data_dir, EXPECTED)
    images_dir = _find_folder(data_dir, _IMAGES)
    split_folders = _find_split_folders(data_dir, has_images=images_dir is not None)
    if (images_dir is not None) == bool(split_folders):
        found = listing.name_entries(data_dir)
        if split_folders:
            inside = sorted(
                f"{os.path.relpath(path, data_dir)}/" for path in split_folders.values()
            )
            found = f"{os.path.basename(images_dir)}/ and also {', '.join(inside)}"
        raise ValueError(
            f"data_dir {data_dir!r} holds {found}; expected either {EXPECTED}. docs/datasets.md "
            "draws the folders."
        )
    if split_folders:
        return Layout(
            {
                split: Folders(images, _find_masks(os.path.dirname(images)))
                for split, images in _name_splits(split_folders, data_dir).items()
            }
        )
    folders = Folders(images_dir, _find_masks(data_dir))
    lists = _find_lists(data_dir)
    if lists is not None:
        return Layout({}, folders, lists)
    return Layout(_split_below(folders), folders)


def name_splits(names: Iterable[str], where: str) -> dict[str, str]:
    """Returns the names that people gave the splits by the names that records have.

    Args:
      names: such as "Train" and "validation".
      where: folder of what has these names, for errors.

    Returns:
      Such as {"train": "Train", "val": "validation"}, in the order train, val, test, others by
      name.

    Raises:
      ValueError: two of them mean one split, or one is not UTF-8.
    """
    names = sorted(names)
    named: dict[str, str] = {}
    for name in names:
        if not listing.is_utf8(name):
            raise ValueError(
                f"{printable(os.path.join(where, name))}: the name is not UTF-8. Rename it."
            )
        split = _SPLITS.get(fold(name), name)
        if split != name and split in names:
            split = name  # The other one is called so already.
        if split in named:
            raise ValueError(
                f"{where} holds {named[split]!r} and {name!r}, and both mean the split {split!r}. "
                "Rename or remove one of them."
            )
        named[split] = name
    order = list(dict.fromkeys(_SPLITS.values()))
    known = [split for split in order if split in named]
    return {split: named[split] for split in [*known, *sorted(named.keys() - {*known})]}


def fold(name: str) -> str:
    """Returns what the spellings of a folder's name have in common."""
    return re.sub(r"[\s_.-]", "", listing.compose(name).casefold())


def _find_masks(parent: str) -> str:
    return _find_folder(parent, _MASKS) or os.path.join(parent, "masks")


def _find_folder(parent: str, names: Collection[str]) -> str | None:
    """Returns the folder in another that has one of these names and holds images.

    Raises:
      ValueError: there are several.
    """
    named = [path for name, path in _subfolders(parent) if fold(name) in names]
    full = [path for path in named if _holds_images(path)]
    if len(full) > 1:
        found = " and ".join(f"{os.path.basename(path)}/" for path in full)
        raise ValueError(
            f"{parent} holds {found}, and either may be meant. Move all but one of them elsewhere."
        )
    return next(iter(full or named), None)


def _find_split_folders(data_dir: str, has_images: bool) -> dict[str, str]:
    """Returns the folder of images of each folder that is a split.

    Args:
      data_dir: the folder of data.
      has_images: whether it holds a folder of images itself; then only what can hardly be anything
        else than a split is one.
    """
    found = {}
    for name, path in _subfolders(data_dir):
        if fold(name) in _IMAGES | _MASKS:
            continue
        inside = [name for name, _ in _subfolders(path)]
        is_split = "images" in inside or fold(name) in _SPLITS
        has_masks = any(fold(name) in _MASKS for name in inside)
        if is_split or (has_masks and not has_images):
            images_dir = _find_folder(path, _IMAGES)
            if images_dir is not None:
                found[name] = images_dir
    return found


def _name_splits(found: Mapping[str, str], data_dir: str) -> dict[str, str]:
    return {split: found[name] for split, name in name_splits(found, data_dir).items()}


def _find_lists(data_dir: str) -> str | None:
    """Returns the folder of lists: `splits`, or that of PASCAL VOC where it tells the training."""
    lists = next((path for name, path in _subfolders(data_dir) if fold(name) == _LISTS), None)
    of_voc = os.path.join(data_dir, "ImageSets", "Segmentation")
    if lists is None and os.path.isdir(of_voc):
        stems = [os.path.splitext(name) for name in os.listdir(of_voc)]
        if any(_SPLITS.get(fold(stem)) == "train" and end == ".txt" for stem, end in stems):
            return of_voc
    return lists


def _split_below(folders: Folders) -> dict[str, Folders]:
    """Returns the splits that the folder of images holds as folders, if it does."""
    images = dict(_subfolders(folders.images))
    known = {_SPLITS.get(fold(name)) for name in images} - {None}
    is_train_beside_others = "train" in known and len(known) > 1
    if not is_train_beside_others and (len(known) < len(images) or _visible_files(folders.images)):
        return {}  # A folder called train may be one of images of trains.
    splits = name_splits(images, folders.images)
    masks = {}
    if os.path.isdir(folders.masks):
        subfolders = dict(_subfolders(folders.masks))
        names = name_splits(subfolders, folders.masks)
        masks = {split: subfolders[names[split]] for split in splits if split in names}
    return {
        split: Folders(
            images[name],
            masks.get(split, os.path.join(folders.masks, name) if masks else folders.masks),
        )
        for split, name in splits.items()
    }


def _visible_files(folder: str) -> list[str]:
    return [name for name in listing.walk(folder) if "/" not in name]


def _subfolders(folder: str) -> list[tuple[str, str]]:
    """Names and paths of the visible folders in a folder, sorted."""
    found = [(name, os.path.join(folder, name)) for name in sorted(os.listdir(folder))]
    return [
        (name, path) for name, path in found if listing.is_visible(name) and os.path.isdir(path)
    ]


def _holds_images(folder: str) -> bool:
    return any(path.lower().endswith(image_files.ENDINGS) for path in listing.walk(folder))
