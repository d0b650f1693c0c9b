"""Cityscapes with fine annotations: street scenes of 50 cities, 19 classes at 2048x1024.

Cordts et al., "The Cityscapes dataset for semantic urban scene understanding", CVPR 2016. Expected
are leftImg8bit_trainvaltest.zip and gtFine_trainvaltest.zip, unpacked into one folder, which
docs/datasets.md draws.

The `labelTrainIds` files, which the authors' createTrainIdLabelImgs.py writes, are taken when no
fewer of them are there than of the `labelIds` files; those hold 34 ids, of which 19 become the
train ids and the others 255. The annotations of `test` are not public, so there is no such split;
a `val` without masks is left out.
"""

import glob
import os
from collections.abc import Mapping, Sequence

from datasets.images import image_folders
from datasets.segmentation.masks.mask_format import MaskFormat
from datasets.segmentation.sources import listing
from datasets.segmentation.sources.pairing import Pairs, open_splits
from datasets.segmentation.sources.source import Sample, Source, class_table

CLASS_NAMES, PALETTE = class_table(
    """
    road #804080, sidewalk #f423e8, building #464646, wall #66669c, fence #be9999, pole #999999,
    traffic light #faaa1e, traffic sign #dcdc00, vegetation #6b8e23, terrain #98fb98,
    sky #4682b4, person #dc143c, rider #ff0000, car #00008e, truck #000046, bus #003c64,
    train #005064, motorcycle #0000e6, bicycle #770b20
    """
)
IGNORE_LABEL = 255

# The label id of each train id.
LABEL_IDS = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)

_NUM_LABEL_IDS = 34
_SPLITS = ("train", "val")
_IMAGE_ENDING = "_leftImg8bit.png"
_EXPECTED = "Cityscapes with leftImg8bit/train and gtFine/train"


def matches(data_dir: str) -> bool:
    """Whether a folder has the two folders of Cityscapes."""
    return all(os.path.isdir(os.path.join(data_dir, each)) for each in ("leftImg8bit", "gtFine"))


def open_source(data_dir: str) -> Source:
    """Opens Cityscapes from the folder that holds `leftImg8bit`, perhaps as `cityscapes`."""
    root = listing.find_root(data_dir, ("", "cityscapes"), "leftImg8bit", _EXPECTED)
    images_dir = os.path.join(root, "leftImg8bit")
    splits = [split for split in _SPLITS if os.path.isdir(os.path.join(images_dir, split))]
    if not splits:
        raise ValueError(f"{images_dir} has no split; expected {_EXPECTED}.")
    train_ids, label_ids = (
        {split: _find_samples(root, split, kind) for split in splits}
        for kind in ("labelTrainIds", "labelIds")
    )
    has_train_ids = _count_masks(train_ids) >= max(1, _count_masks(label_ids))
    chosen = train_ids if has_train_ids else label_ids
    if not _count_masks(chosen):
        raise ValueError(
            f"no image of {images_dir} has its mask; the first is expected at "
            f"{chosen[splits[0]][0].mask_path}. Unpack gtFine_trainvaltest.zip beside leftImg8bit."
        )
    labeled, problems = open_splits(chosen, _require_masks)
    return Source(
        name="cityscapes",
        class_names=CLASS_NAMES,
        palette=PALETTE,
        ignore_label=IGNORE_LABEL,
        splits=labeled,
        mask_format=MaskFormat() if has_train_ids else MaskFormat(_train_ids()),
        problems=problems,
    )


def _train_ids() -> dict[int, int]:
    """The train id of each label id; label ids that are not trained on become the ignore label."""
    train_ids = {label_id: train_id for train_id, label_id in enumerate(LABEL_IDS)}
    return dict.fromkeys(range(_NUM_LABEL_IDS), IGNORE_LABEL) | train_ids


def _find_samples(root: str, split: str, kind: str) -> tuple[Sample, ...]:
    """Lists the images of a split, each with the mask that holds one kind of ids."""
    folder = os.path.join(root, "leftImg8bit", split)
    samples = []
    for path in sorted(glob.glob(os.path.join(glob.escape(folder), "*", f"*{_IMAGE_ENDING}"))):
        name = os.path.basename(path).removesuffix(_IMAGE_ENDING)
        city = os.path.basename(os.path.dirname(path))
        mask_path = os.path.join(root, "gtFine", split, city, f"{name}_gtFine_{kind}.png")
        samples.append(Sample(name, path, mask_path))
    if not samples:
        raise ValueError(
            f"{folder} holds {image_folders.name_entries(folder)}; expected folders of cities with "
            f"images *{_IMAGE_ENDING}."
        )
    return tuple(samples)


def _require_masks(split: str, samples: tuple[Sample, ...]) -> Pairs:
    if not _count_masks({split: samples}):
        folder = os.path.dirname(os.path.dirname(samples[0].mask_path))
        raise listing.NoMasksError(folder, f"has none of its {len(samples)} masks.")
    return samples, ()


def _count_masks(splits: Mapping[str, Sequence[Sample]]) -> int:
    return sum(os.path.isfile(sample.mask_path) for each in splits.values() for sample in each)
