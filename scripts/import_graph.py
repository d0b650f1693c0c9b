"""Makes a checkpoint of a frozen graph: `python -m scripts.import_graph FROZEN.pb OUT_DIR`.

The graph is one of research/deeplab's or of this project's exports, as a `.pb`, the folder that
holds it, or the published `.tar.gz`. Its constants carry the variables' names and are copied.
OUT_DIR gets `model.ckpt-0` and `options.json`, so that training, evaluation and export take it as
any other.
"""

from commands import launcher  # before TensorFlow, whose start it quiets

# isort: split

import tensorflow.compat.v1 as tf
from absl import flags

from scripts import import_flags
from scripts.weight_import.graph_import import import_graph

_TRUST = flags.DEFINE_bool(
    "trust",
    False,
    "Load a graph that has operations which can read and write files or run programs. Only for "
    "files whose origin you trust.",
)


def main(arguments: list[str]) -> None:
    """Turns flags into one call."""
    tf.disable_v2_behavior()
    import_graph(**import_flags.import_arguments(arguments), trust=_TRUST.value)


if __name__ == "__main__":
    launcher.run(main, positional=True)
