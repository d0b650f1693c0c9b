"""What the two commands that import published weights share: flags, arguments, pictures."""

import numpy as np
from absl import flags
from PIL import Image

import model_flags
from datasets import specs
from serving import pictures

FLAGS = flags.FLAGS

flags.DEFINE_string(
    "calibration_images",
    None,
    "Pictures on which the import is compared with the file: a folder, a file or a quoted glob "
    "pattern. From a TFLite file they also give batch norm its statistics; a hundred or more of "
    "the kind that will be trained on are good. Default: one that is drawn.",
)
flags.DEFINE_enum(
    "dataset",
    None,
    sorted(specs.GOOGLE_DATASETS),
    "Published dataset that gives names and colours to the classes. Default: the one that has as "
    "many classes, if any.",
)


def source_and_target(arguments: list[str]) -> tuple[str, str]:
    """Returns the two arguments of a command.

    Raises:
      ValueError: there are not two.
    """
    if len(arguments) != 2:
        raise ValueError(
            f"expected a file and a folder to write, got {len(arguments)}: {' '.join(arguments)}"
        )
    return arguments[0], arguments[1]


def picture_paths() -> list[str]:
    """Returns the pictures of --calibration_images, [] if it is not given.

    Raises:
      ValueError: it means no picture.
    """
    if FLAGS.calibration_images is None:
        return []
    paths, problems = pictures.find_pictures([FLAGS.calibration_images])
    if problems:
        raise ValueError(f"--calibration_images: {problems[0]}")
    return paths


def drawn_picture() -> Image.Image:
    """Returns a picture of coloured blobs, for a comparison where no other is given."""
    coarse = np.random.RandomState(0).randint(0, 256, [8, 8, 3], np.uint8)
    return Image.fromarray(coarse).resize((512, 512), Image.Resampling.BICUBIC)


def given_options() -> dict:
    """Returns the network's options that the command line gives."""
    return model_flags.given_values()
