"""The flags of evaluation and export that say how a trained network looks at a picture."""

from absl import flags

RESIZE_FLAGS = ("min_resize_value", "max_resize_value", "resize_factor")

flags.DEFINE_bool(
    "add_flipped_images", False, "Whether the network also sees the mirror image; twice the time."
)
flags.DEFINE_integer(
    "min_resize_value",
    None,
    "Pictures are resized first so that the shorter side has this size … Default: as trained.",
)
flags.DEFINE_integer(
    "max_resize_value",
    None,
    "… unless the longer side exceeded this one. Default: as trained.",
)
flags.DEFINE_integer(
    "resize_factor",
    None,
    "Sides after that resize are multiples of this plus one. Default: as trained.",
)
