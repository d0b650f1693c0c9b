"""COCO-Stuff 164k: 80 classes of things and 91 of stuff, as pixel maps.

Caesar, Uijlings, Ferrari, "COCO-Stuff: Thing and stuff classes in context", CVPR 2018;
docs/datasets.md draws the folders of stuffthingmaps_trainval2017.zip beside COCO's images. A pixel
is the id of its class less 1; 255 is unlabeled. The authors' 182 ids have gaps, since COCO dropped
eleven things; here the 171 others are counted without gaps, and a pixel of a dropped one is
ignored.
"""

import os

from common import palettes
from datasets.images import image_folders
from datasets.segmentation.masks.mask_format import MaskFormat
from datasets.segmentation.sources import listing, published_folders
from datasets.segmentation.sources.published_folders import Part
from datasets.segmentation.sources.source import Source

IGNORE_LABEL = 255

# In the order of the authors' labels.txt, from id 1 on; those in brackets are dropped.
_LABELS = """
    person, bicycle, car, motorcycle, airplane, bus, train, truck, boat, traffic light,
    fire hydrant, [street sign], stop sign, parking meter, bench, bird, cat, dog, horse, sheep,
    cow, elephant, bear, zebra, giraffe, [hat], backpack, umbrella, [shoe], [eye glasses],
    handbag, tie, suitcase, frisbee, skis, snowboard, sports ball, kite, baseball bat,
    baseball glove, skateboard, surfboard, tennis racket, bottle, [plate], wine glass, cup, fork,
    knife, spoon, bowl, banana, apple, sandwich, orange, broccoli, carrot, hot dog, pizza, donut,
    cake, chair, couch, potted plant, bed, [mirror], dining table, [window], [desk], toilet,
    [door], tv, laptop, mouse, remote, keyboard, cell phone, microwave, oven, toaster, sink,
    refrigerator, [blender], book, clock, vase, scissors, teddy bear, hair drier, toothbrush,
    [hair brush], banner, blanket, branch, bridge, building-other, bush, cabinet, cage, cardboard,
    carpet, ceiling-other, ceiling-tile, cloth, clothes, clouds, counter, cupboard, curtain,
    desk-stuff, dirt, door-stuff, fence, floor-marble, floor-other, floor-stone, floor-tile,
    floor-wood, flower, fog, food-other, fruit, furniture-other, grass, gravel, ground-other, hill,
    house, leaves, light, mat, metal, mirror-stuff, moss, mountain, mud, napkin, net, paper,
    pavement, pillow, plant-other, plastic, platform, playingfield, railing, railroad, river, road,
    rock, roof, rug, salad, sand, sea, shelf, sky-other, skyscraper, snow, solid-other, stairs,
    stone, straw, structural-other, table, tent, textile-other, towel, tree, vegetable, wall-brick,
    wall-concrete, wall-other, wall-panel, wall-stone, wall-tile, wall-wood, water-other,
    waterdrops, window-blind, window-other, wood
"""
LABELS = tuple(name.strip() for name in _LABELS.split(","))
CLASS_NAMES = tuple(name for name in LABELS if not name.startswith("["))
PALETTE = palettes.voc_palette(len(CLASS_NAMES))

_SPLITS = {"train": "train2017", "val": "val2017"}
_MASKS = ("stuffthingmaps", "stuffthingmaps_trainval2017", "annotations", "pixelmaps")
_IMAGES = ("images", "")
_EXPECTED = "COCO-Stuff with images/train2017 (or train2017) and stuffthingmaps/train2017"


def matches(data_dir: str) -> bool:
    """Whether a folder has COCO's images beside folders of pixel maps."""
    return _find(data_dir, _IMAGES) is not None and _find(data_dir, _MASKS) is not None


def open_source(data_dir: str) -> Source:
    """Opens COCO-Stuff from the folder that holds images and pixel maps, perhaps as `coco`."""
    image_folders.require_folder(data_dir, _EXPECTED)
    roots = ("", "coco", "coco_stuff", "coco_stuff164k")
    root = next((path for each in roots if matches(path := os.path.join(data_dir, each))), data_dir)
    images, masks = _find(root, _IMAGES), _find(root, _MASKS)
    if images is None or masks is None:
        raise ValueError(listing.describe_layout(data_dir, _EXPECTED))
    splits, problems = published_folders.open_parts(
        {
            split: [Part(os.path.join(images, name), os.path.join(masks, name))]
            for split, name in _SPLITS.items()
        }
    )
    ids = {name: class_id for class_id, name in enumerate(CLASS_NAMES)}
    return Source(
        name="coco_stuff",
        class_names=CLASS_NAMES,
        palette=PALETTE,
        ignore_label=IGNORE_LABEL,
        splits=splits,
        mask_format=MaskFormat(
            id_map={value: ids.get(name, IGNORE_LABEL) for value, name in enumerate(LABELS)}
        ),
        problems=problems,
    )


def _find(root: str, folders: tuple[str, ...]) -> str | None:
    """Returns the first of some folders that has one of a split."""
    paths = (os.path.join(root, each) for each in folders)
    return next(
        (
            path
            for path in paths
            if any(os.path.isdir(os.path.join(path, name)) for name in _SPLITS.values())
        ),
        None,
    )
