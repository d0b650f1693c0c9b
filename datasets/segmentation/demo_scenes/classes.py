"""The classes of the demo's scenes: names, the colors that masks show them in, and ids."""

CLASS_NAMES = (
    "background",
    "water",
    "road",
    "house",
    "tree",
    "car",
    "boat",
    "person",
    "balloon",
)
PALETTE = (
    (0, 0, 0),
    (66, 133, 204),
    (128, 100, 128),
    (214, 96, 77),
    (77, 160, 77),
    (245, 196, 66),
    (140, 86, 205),
    (236, 112, 172),
    (64, 200, 190),
)
BACKGROUND, WATER, ROAD, HOUSE, TREE, CAR, BOAT, PERSON, BALLOON = range(len(CLASS_NAMES))
IGNORED = 255
