"""Cityscapes with fine annotations: street scenes of 50 cities, 19 classes at 2048x1024.

Cordts et al., "The Cityscapes dataset for semantic urban scene understanding", CVPR 2016. Expected
are leftImg8bit_trainvaltest.zip and gtFine_trainvaltest.zip, unpacked into one folder, which
docs/datasets.md draws.

The `labelTrainIds` files, which the authors' createTrainIdLabelImgs.py writes, are taken when no
fewer of them are there than of the `labelIds` files; those hold 34 ids, of which 19 become the
train ids and the others 255. Where more images have `instanceIds` (16 bits: a label id, or
label id * 1000 + instance), these are taken. The annotations of `test` are not public, so there is
no such split; a `val` without masks is left out.
"""

import glob
import os
from collections.abc import Mapping, Sequence

from datasets.images import image_folders
from datasets.segmentation.masks.mask_format import Color, MaskFormat
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

_, _VOID_COLORS = class_table(
    """
    static #000000, dynamic #6f4a00, ground #510051, parking #faaaa0, rail track #e6968c,
    guard rail #b4a5b4, bridge #966464, tunnel #96785a, caravan #00005a, trailer #00006e
    """
)

# The label id of each train id.
LABEL_IDS = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)

_NUM_LABEL_IDS = 34
_INSTANCES_PER_LABEL = 1000
# In the order in which they are preferred.
_TRAIN_IDS, _INSTANCE_IDS = "labelTrainIds", "instanceIds"
_KINDS = (_TRAIN_IDS, "labelIds", _INSTANCE_IDS)
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
    found = {kind: {split: _find_samples(root, split, kind) for split in splits} for kind in _KINDS}
    counts = {kind: _count_masks(samples) for kind, samples in found.items()}
    kind = max(_KINDS, key=lambda each: counts[each])
    if not counts[kind]:
        raise ValueError(
            f"no image of {images_dir} has its mask; the first is expected at "
            f"{found['labelIds'][splits[0]][0].mask_path}. Unpack gtFine_trainvaltest.zip beside "
            "leftImg8bit."
        )
    labeled, problems = open_splits(found[kind], _require_masks)
    return Source(
        name="cityscapes",
        class_names=CLASS_NAMES,
        palette=PALETTE,
        ignore_label=IGNORE_LABEL,
        splits=labeled,
        mask_format=_mask_format(kind),
        problems=problems,
    )


def train_ids() -> dict[int, int]:
    """The train id of each label id; label ids that are not trained on become the ignore label."""
    of_classes = {label_id: train_id for train_id, label_id in enumerate(LABEL_IDS)}
    return dict.fromkeys(range(_NUM_LABEL_IDS), IGNORE_LABEL) | of_classes


def mask_colors() -> dict[Color, int]:
    """The train id of each color; pole groups have that of poles, license plates that of cars."""
    of_classes = {color: train_id for train_id, color in enumerate(PALETTE)}
    return dict.fromkeys(_VOID_COLORS, IGNORE_LABEL) | of_classes


def _mask_format(kind: str) -> MaskFormat:
    if kind == _TRAIN_IDS:
        return MaskFormat()
    ids = train_ids()
    if kind != _INSTANCE_IDS:
        return MaskFormat(ids)
    of_instances = {
        label_id * _INSTANCES_PER_LABEL + instance: train_id
        for label_id, train_id in ids.items()
        if label_id
        for instance in range(_INSTANCES_PER_LABEL)
    }
    return MaskFormat(values=ids | of_instances, named_in="Cityscapes' label ids")


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
