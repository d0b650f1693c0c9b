"""What the two commands that import published weights share: flags, arguments, images."""

from typing import Any

from absl import flags

from datasets.segmentation import specs
from deeplab.commands import network_flags
from serving import image_reading

FLAGS = flags.FLAGS

flags.DEFINE_string(
    "calibration_images",
    None,
    "Images on which the import is compared with the file: a folder, a file or a quoted glob "
    "pattern. From a TFLite file they also give batch norm its statistics; a hundred or more of "
    "the kind that will be trained on are good. Default: one that is drawn.",
)
flags.DEFINE_enum(
    "dataset",
    None,
    sorted(specs.GOOGLE_DATASETS),
    "Published dataset that gives names and colors to the classes. Default: the one that has as "
    "many classes, if any.",
)


def import_arguments(arguments: list[str]) -> dict[str, Any]:
    """Returns what `import_tflite` and `import_graph` take, by name.

    Raises:
      ValueError: the arguments are not two, or no image is where the flag says.
    """
    if len(arguments) != 2:
        raise ValueError(
            f"expected a file and a folder to write, got {len(arguments)}: {' '.join(arguments)}"
        )
    paths, problems = [], []
    if FLAGS.calibration_images is not None:
        paths, problems = image_reading.find_images([FLAGS.calibration_images])
    if problems:
        raise ValueError(f"--calibration_images: {problems[0]}")
    return {
        "source": arguments[0],
        "target": arguments[1],
        "image_paths": paths,
        "given": network_flags.given_values(),
        "dataset": FLAGS.dataset,
    }
