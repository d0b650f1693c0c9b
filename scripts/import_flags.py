"""What the two commands that import published weights share: flags and arguments."""

from absl import flags

from datasets.segmentation import specs
from deeplab.commands import network_flags
from deeplab.run_description import RunDescription
from scripts.weight_import import importing
from serving import image_reading

_CALIBRATION_IMAGES = flags.DEFINE_string(
    "calibration_images",
    None,
    "Images on which the import is compared with the file: a folder, a file or a quoted glob "
    "pattern. From a TFLite file they also give batch norm its statistics; use a hundred or more "
    "of the kind that you will train on. Default: one image that the command draws.",
)
_DATASET = flags.DEFINE_enum(
    "dataset",
    None,
    sorted(specs.GOOGLE_DATASETS),
    "Published dataset that gives names and colors to the classes. Default: the one that has as "
    "many classes, if any.",
)


def check_arguments(arguments: list[str]) -> tuple[str, str]:
    """Returns the file to read and the folder to write.

    Raises:
      ValueError: the arguments are not two.
    """
    if len(arguments) != 2:
        raise ValueError(
            f"expected a file and a folder to write, got {len(arguments)}: {' '.join(arguments)}"
        )
    return arguments[0], arguments[1]


def image_paths() -> list[str]:
    """Returns the images of the flag; [] without it.

    Raises:
      ValueError: there is none.
    """
    if _CALIBRATION_IMAGES.value is None:
        return []
    paths, problems = image_reading.find_images([_CALIBRATION_IMAGES.value])
    if problems:
        raise ValueError(f"--calibration_images: {problems[0]}")
    return paths


def describe(file: importing.NetworkFile) -> RunDescription:
    """Returns the description of a file by the flags.

    Raises:
      ValueError: flags contradict each other or the file, or are missing.
    """
    if "model_variant" not in network_flags.given_values():
        raise ValueError(
            f"{file.path} does not say which network it holds: describe it with --model_variant "
            "and, where they are not the default, --output_stride, --atrous_rates, "
            "--decoder_output_stride …; docs/importing.md has the flags of the published files."
        )
    options = network_flags.model_options(file.num_classes, has_gradient=False)
    return importing.describe_file(file, options, _DATASET.value)
