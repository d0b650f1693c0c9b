"""Makes a checkpoint of a published TFLite file: `python -m scripts.import_tflite FILE OUT_DIR`.

OUT_DIR gets `model.ckpt-0` with research/deeplab's variable names, and `options.json`, so that
training, evaluation and export take it as any other. What the file's layers do not say of the
network, its flags do.
"""

from commands import launcher  # before TensorFlow, whose start it quiets

# isort: split

import tensorflow.compat.v1 as tf

from scripts import import_flags
from scripts.weight_import.tflite_import import import_tflite


def main(arguments: list[str]) -> None:
    """Turns flags into one call."""
    tf.disable_v2_behavior()
    import_tflite(**import_flags.import_arguments(arguments))


if __name__ == "__main__":
    launcher.run(main, positional=True)
