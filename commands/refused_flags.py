"""Flags of research/deeplab for what does not exist here.

Its scripts hand them to every command, mostly with their defaults. Those are accepted; another
value is refused with the reason: to ignore it would make another network than the one asked for.
"""

from collections.abc import Callable
from typing import Any

from absl import flags

_NO_NAS = (
    "the networks found by neural architecture search (nas_pnasnet, nas_hnasnet) are not part of "
    "this project; leave the flag away"
)


def define_refused(
    define: Callable[..., flags.FlagHolder], name: str, default: Any, reason: str
) -> None:
    """Defines a flag that accepts research/deeplab's default and nothing else.

    Args:
      define: absl's function for flags of this type, such as `flags.DEFINE_integer`.
      name: of the flag.
      default: its default there.
      reason: why it has no other value here, and what to do instead; part of a sentence.
    """
    holder = define(name, default, f"As in research/deeplab: {reason}.")
    flags.register_validator(holder, lambda value: value == default, f"{reason}.")


define_refused(flags.DEFINE_integer, "nas_stem_output_num_conv_filters", 20, _NO_NAS)
define_refused(flags.DEFINE_bool, "nas_use_classification_head", False, _NO_NAS)
define_refused(flags.DEFINE_bool, "nas_remove_os32_stride", False, _NO_NAS)
define_refused(
    flags.DEFINE_integer,
    "quantize_delay_step",
    -1,
    "training for 8 bits (tf.contrib.quantize) is gone from TensorFlow; train in float, and "
    "quantise the exported graph when you convert it",
)
