"""Makes a checkpoint of a frozen graph: `python -m scripts.import_graph FROZEN.pb OUT_DIR FLAGS`.

The graph is one of research/deeplab's or of this project's exports, as a `.pb`, the folder that
holds it, or the published `.tar.gz`. Its constants carry the variables' names and are copied.
OUT_DIR gets `model.ckpt-0` and `options.json`, so that training, evaluation and export take it as
any other. The flags describe the network, which an export of this project does itself.
"""

from commands import launcher  # before TensorFlow, whose start it quiets

# isort: split

import dataclasses

import tensorflow.compat.v1 as tf
from absl import flags

from deeplab.commands import network_flags
from scripts import import_flags
from scripts.weight_import.frozen_graph import FrozenGraph
from scripts.weight_import.importing import import_file

_TRUST = flags.DEFINE_bool(
    "trust",
    False,
    "Load a graph that has operations which can read and write files or run programs. Only for "
    "files whose origin you trust.",
)


def main(arguments: list[str]) -> None:
    """Imports the file of the first argument."""
    tf.disable_v2_behavior()
    source, target = import_flags.check_arguments(arguments)
    images = import_flags.image_paths()
    file = FrozenGraph(source, _TRUST.value)
    if file.description is None:
        description = import_flags.describe(file)
    else:
        options = network_flags.changed_options(file.description.model, file.path)
        description = dataclasses.replace(file.description, model=options)
    import_file(file, description, images, target)


if __name__ == "__main__":
    launcher.run(main, positional=True)
