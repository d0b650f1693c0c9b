"""The flags of evaluation and export that say how a trained network looks at a picture."""

from absl import flags

import upstream_flags  # noqa: F401
from command_line import define_numbers

RESIZE_FLAGS = ("min_resize_value", "max_resize_value", "resize_factor", "keep_aspect_ratio")

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
flags.DEFINE_bool(
    "keep_aspect_ratio",
    True,
    "Whether that resize keeps the picture's shape, or makes it a square. Default: as trained.",
)

# Flags of a training that research/deeplab's commands share, so that its scripts pass them here.
define_numbers(
    "label_weights", None, "Of a training; without effect on its result.", number_type=float
)
flags.DEFINE_float("batch_norm_decay", None, "Of a training; without effect on its result.")
