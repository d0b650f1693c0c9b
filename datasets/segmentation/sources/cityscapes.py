"""Cityscapes with fine annotations: street scenes of 50 cities, 19 classes at 2048x1024.

Cordts et al., "The Cityscapes dataset for semantic urban scene understanding", CVPR 2016. The
tree of leftImg8bit_trainvaltest.zip and gtFine_trainvaltest.zip, unpacked into one folder:

    cityscapes/
      leftImg8bit/
        train/aachen/aachen_000000_000019_leftImg8bit.png      2975 images in 18 cities
        val/frankfurt/frankfurt_000000_000294_leftImg8bit.png   500 images in 3 cities
      gtFine/
        train/aachen/aachen_000000_000019_gtFine_labelIds.png
        train/aachen/aachen_000000_000019_gtFine_labelTrainIds.png   optional
        val/frankfurt/…

The `labelTrainIds` files, which the authors' createTrainIdLabelImgs.py writes, are taken when no
fewer of them are there than of the `labelIds` files; those hold 34 ids, of which 19 become the
train ids and the others 255. The annotations of `test` are not public, so there is no such split;
a `val` without masks is left out.
"""

import functools
import os

from datasets.segmentation.masks.mask_format import MaskFormat
from datasets.segmentation.sources import listing, pairing
from datasets.segmentation.sources.source import Sample, Source
from datasets.segmentation.sources.splits import open_splits

CLASS_NAMES = (
    "road",
    "sidewalk",
    "building",
    "wall",
    "fence",
    "pole",
    "traffic light",
    "traffic sign",
    "vegetation",
    "terrain",
    "sky",
    "person",
    "rider",
    "car",
    "truck",
    "bus",
    "train",
    "motorcycle",
    "bicycle",
)
PALETTE = (
    (128, 64, 128),
    (244, 35, 232),
    (70, 70, 70),
    (102, 102, 156),
    (190, 153, 153),
    (153, 153, 153),
    (250, 170, 30),
    (220, 220, 0),
    (107, 142, 35),
    (152, 251, 152),
    (70, 130, 180),
    (220, 20, 60),
    (255, 0, 0),
    (0, 0, 142),
    (0, 0, 70),
    (0, 60, 100),
    (0, 80, 100),
    (0, 0, 230),
    (119, 11, 32),
)
IGNORE_LABEL = 255

# The label id of each train id.
LABEL_IDS = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)

_NUM_LABEL_IDS = 34
_SPLITS = ("train", "val")
_IMAGE_ENDING = "_leftImg8bit.png"
_EXPECTED = "Cityscapes with leftImg8bit/train and gtFine/train"


def open_source(data_dir: str) -> Source:
    """Opens Cityscapes.

    Args:
      data_dir: the folder that holds `leftImg8bit` and `gtFine`, or one that holds it as
        `cityscapes`.

    Raises:
      ValueError: the folders are not those of Cityscapes.
    """
    root = listing.find_root(data_dir, {"": "leftImg8bit", "cityscapes": "leftImg8bit"}, _EXPECTED)
    splits = {
        split: _find_images(os.path.join(root, "leftImg8bit", split), root)
        for split in _SPLITS
        if os.path.isdir(os.path.join(root, "leftImg8bit", split))
    }
    if not splits:
        raise ValueError(f"{os.path.join(root, 'leftImg8bit')} has no split; expected {_EXPECTED}.")
    train_ids = {split: _with_masks(samples, "labelTrainIds") for split, samples in splits.items()}
    label_ids = {split: _with_masks(samples, "labelIds") for split, samples in splits.items()}
    has_train_ids = _count_masks(train_ids) >= max(1, _count_masks(label_ids))
    chosen = train_ids if has_train_ids else label_ids
    if not _count_masks(chosen):
        raise ValueError(
            f"no image of {os.path.join(root, 'leftImg8bit')} has its mask; the first is "
            f"expected at {next(iter(chosen.values()))[0].mask_path}. Unpack "
            "gtFine_trainvaltest.zip beside leftImg8bit."
        )
    splits, problems = open_splits(
        {split: functools.partial(_require_masks, samples) for split, samples in chosen.items()}
    )
    return Source(
        name="cityscapes",
        class_names=CLASS_NAMES,
        palette=PALETTE,
        ignore_label=IGNORE_LABEL,
        splits=splits,
        mask_format=MaskFormat() if has_train_ids else MaskFormat(_train_ids()),
        problems=problems,
    )


def _train_ids() -> dict[int, int]:
    """The train id of each label id; label ids that are not trained on become the ignore label."""
    train_ids = dict.fromkeys(range(_NUM_LABEL_IDS), IGNORE_LABEL)
    train_ids.update((label_id, train_id) for train_id, label_id in enumerate(LABEL_IDS))
    return train_ids


def _find_images(folder: str, root: str) -> tuple[Sample, ...]:
    """Samples of one split, whose mask paths end where the kind of the ids follows."""
    split = os.path.basename(folder)
    samples = []
    for city in sorted(os.listdir(folder)):
        if not os.path.isdir(os.path.join(folder, city)):
            continue
        for file_name in sorted(os.listdir(os.path.join(folder, city))):
            if file_name.endswith(_IMAGE_ENDING):
                name = file_name[: -len(_IMAGE_ENDING)]
                mask_path = os.path.join(root, "gtFine", split, city, f"{name}_gtFine_")
                samples.append(Sample(name, os.path.join(folder, city, file_name), mask_path))
    if not samples:
        raise ValueError(
            f"{folder} holds {listing.name_entries(folder)}; expected folders of cities with "
            f"images *{_IMAGE_ENDING}."
        )
    return tuple(samples)


def _with_masks(samples: tuple[Sample, ...], kind: str) -> tuple[Sample, ...]:
    return tuple(
        Sample(sample.name, sample.image_path, f"{sample.mask_path}{kind}.png")
        for sample in samples
    )


def _require_masks(samples: tuple[Sample, ...]) -> pairing.Pairs:
    if not any(os.path.isfile(sample.mask_path) for sample in samples):
        folder = os.path.dirname(os.path.dirname(samples[0].mask_path))
        raise listing.NoMasksError(folder, f"has none of its {len(samples)} masks.")
    return samples, ()


def _count_masks(splits: dict[str, tuple[Sample, ...]]) -> int:
    return sum(
        os.path.isfile(sample.mask_path) for samples in splits.values() for sample in samples
    )
