"""The flags of evaluation and export that say how a trained network looks at an image."""

from absl import flags

from commands import (
    option_flags,
    refused_flags,  # noqa: F401
)
from commands.launcher import define_numbers
from deeplab.options import ResizeOptions
from training import best_checkpoint, ema

FLAGS = flags.FLAGS

flags.DEFINE_bool(
    "add_flipped_images", False, "Whether the network also sees the mirror image; twice the time."
)
flags.DEFINE_bool(
    "use_ema",
    None,
    "Whether the moving averages of the weights (train.py --ema_decay) are taken instead of the "
    "weights. Default: no; for the best checkpoint that eval.py kept, whichever it scored.",
)
option_flags.define(ResizeOptions, default_told="as trained")

# Flags of a training that research/deeplab's commands share, so that its scripts pass them here.
define_numbers(
    "label_weights", None, "Of a training; without effect on its result.", number_type=float
)
flags.DEFINE_float("batch_norm_decay", None, "Of a training; without effect on its result.")


def saved_names(checkpoint: str) -> dict[str, str]:
    """Returns the names of the weights to take where they differ from those of the variables.

    Args:
      checkpoint: prefix.

    Returns:
      Names of averages by variable name; {} where the weights themselves are to be taken.

    Raises:
      ValueError: averages are asked for, and the checkpoint has none.
    """
    use_ema = FLAGS.use_ema
    if use_ema is None:
        use_ema = best_checkpoint.was_scored_with_averages(checkpoint)
    return ema.saved_names(checkpoint) if use_ema else {}


def title(checkpoint: str, names: dict[str, str]) -> str:
    """Words which weights are used.

    Args:
      checkpoint: prefix.
      names: its `saved_names`.
    """
    return f"{checkpoint}, averages of its weights" if names else checkpoint
