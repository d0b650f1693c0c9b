"""What `scripts.import_graph` and `scripts.import_tflite` run."""

import dataclasses

import tensorflow.compat.v1 as tf

from commands import image_flags
from commands.flags import Flags
from deeplab.commands import network_flags
from deeplab.run_description import RunDescription
from scripts.weight_import import importing
from scripts.weight_import.frozen_graph import FrozenGraph
from scripts.weight_import.options import ImportOptions, TrustOptions
from scripts.weight_import.tflite_file import TFLiteFile


def import_graph(flags: Flags, arguments: list[str]) -> None:
    """Imports the frozen graph of the first argument into the folder of the second."""
    tf.disable_v2_behavior()
    source, target = _check_arguments(arguments)
    images = _image_paths(flags)
    file = FrozenGraph(source, flags.options(TrustOptions).trust)
    if file.description is None:
        description = _describe(flags, file)
    else:
        options = network_flags.changed_options(flags, file.description.model, file.path)
        description = dataclasses.replace(file.description, model=options)
    importing.import_file(file, description, images, target)


def import_tflite(flags: Flags, arguments: list[str]) -> None:
    """Imports the TFLite file of the first argument into the folder of the second."""
    tf.disable_v2_behavior()
    source, target = _check_arguments(arguments)
    images = _image_paths(flags)
    file = TFLiteFile(source)
    importing.import_file(file, _describe(flags, file), images, target)


def _check_arguments(arguments: list[str]) -> tuple[str, str]:
    """Returns the file to read and the folder to write."""
    if len(arguments) != 2:
        raise ValueError(
            f"expected two arguments, a file and a folder to write; got {len(arguments)}."
        )
    return arguments[0], arguments[1]


def _image_paths(flags: Flags) -> list[str]:
    pattern = flags.options(ImportOptions).calibration_images
    return image_flags.find_images(pattern, "calibration_images")


def _describe(flags: Flags, file: importing.NetworkFile) -> RunDescription:
    """Returns the description of a file by the flags.

    Raises:
      ValueError: flags contradict each other or the file, or are missing.
    """
    if not flags.is_given("model_variant"):
        raise ValueError(
            f"{file.path} does not say which network it holds: describe it with --model_variant "
            "and, where they are not the default, --output_stride, --atrous_rates, "
            "--decoder_output_stride …; docs/importing.md has the flags of the published files."
        )
    options = network_flags.model_options(flags, file.num_classes, has_gradient=False)
    return importing.describe_file(file, options, flags.options(ImportOptions).dataset)
