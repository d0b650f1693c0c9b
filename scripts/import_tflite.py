"""Makes a checkpoint of a TFLite file: `python -m scripts.import_tflite FILE OUT_DIR FLAGS`.

OUT_DIR gets `model.ckpt-0` with research/deeplab's variable names, and `options.json`, so that
training, evaluation and export take it as any other. The flags describe the network.
"""

from commands import launcher  # before TensorFlow, whose start it quiets

# isort: split

import tensorflow.compat.v1 as tf

from scripts import import_flags
from scripts.weight_import.importing import import_file
from scripts.weight_import.tflite_file import TFLiteFile


def main(arguments: list[str]) -> None:
    """Imports the file of the first argument."""
    tf.disable_v2_behavior()
    source, target = import_flags.check_arguments(arguments)
    images = import_flags.image_paths()
    file = TFLiteFile(source)
    import_file(file, import_flags.describe(file), images, target)


if __name__ == "__main__":
    launcher.run(main, positional=True)
