"""The classifiers that are measured, with random weights."""

import os
import sys

import tensorflow.compat.v1 as tf

from classification.inference_graph import build_inference_graph
from classification.options import ModelOptions, ViewOptions
from classification.run_description import RunDescription, write_description
from reference import comparison
from scripts.benchmarks import processes

NUM_CLASSES = 1000  # Those of ImageNet.

TITLES = {
    "resnet_v1_50": "ResNet-50 v1",
    "mobilenet_v2": "MobileNetV2",
    "densenet121": "DenseNet-121",
    "resnet_v1_18": "ResNet-18 v1",
}
# What `peers.torch_networks.classifier` can build.
IN_TORCHVISION = ("resnet_v1_50", "mobilenet_v2", "densenet121")


def model_options(name: str, num_classes: int = NUM_CLASSES) -> ModelOptions:
    """Returns the options of a network by its `model_variant`."""
    return ModelOptions(num_classes, model_variant=name)


def view(name: str, size: int) -> ViewOptions:
    """Returns how a network sees an image, at `size` pixels on each side."""
    return ViewOptions(size, model_options(name).encoder.classifier.preprocessing)


def write_checkpoint(name: str, size: int, path: str) -> None:
    """Writes a checkpoint whose weights are functions of the variables' names, and options.json."""
    options = model_options(name)
    description = RunDescription(options, view(name, size), "constant", ())
    write_description(description, os.path.dirname(path))
    with tf.Graph().as_default():
        build_inference_graph(options, view(name, size))
        with tf.Session() as session:
            comparison.fill_variables(session)
            tf.train.Saver().save(session, path, write_meta_graph=False)


def export(checkpoint: str, path: str, further_flags: tuple[str, ...] = ()) -> str | None:
    """Exports a checkpoint with the project's command.

    Returns:
      Why that is not possible, in one line; None where it was.
    """
    return processes.run(
        sys.executable,
        "export_model.py",
        "--task=classification",
        f"--checkpoint_path={checkpoint}",
        f"--export_path={path}",
        *further_flags,
    )
