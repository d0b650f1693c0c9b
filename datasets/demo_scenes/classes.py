"""The classes of the demo's scenes: names, the colors that masks show them in, and ids."""

_COLORS = {
    "background": (0, 0, 0),
    "water": (66, 133, 204),
    "road": (128, 100, 128),
    "house": (214, 96, 77),
    "tree": (77, 160, 77),
    "car": (245, 196, 66),
    "boat": (140, 86, 205),
    "person": (236, 112, 172),
    "balloon": (64, 200, 190),
}
CLASS_NAMES = tuple(_COLORS)
PALETTE = tuple(_COLORS.values())
IGNORED = 255
