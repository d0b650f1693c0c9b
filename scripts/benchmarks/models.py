"""The files that contenders predict with: exports of a network, and their conversions."""

import glob
import os
import sys
from typing import NamedTuple

from scripts.benchmarks import classifiers, dataset, networks, processes
from scripts.benchmarks.settings import Settings
from serving import contract

# What every engine can read; those that are not installed are not measured.
_ALL_FORMS = ("--formats=pb,tflite",)
_NUM_CALIBRATION_IMAGES = 32
_CALIBRATION_SIZE = (375, 500)


class ModelFile(NamedTuple):
    """A file to predict with; `missing` says in one line why it could not be made."""

    path: str
    missing: str | None


class Models:
    """The exports of a network: as the project makes them, and plain.

    Args:
      settings: how the run goes.
      name: of the network.
      image_size: (height, width) of the images that are predicted.

    Attributes:
      name: of the network.
      contender: module of `ours` that predicts with an export.
      output: node of an export that engines compute.
      ours, plain: the exports; the plain one is the graph as it was built, as research/deeplab and
        research/slim export.
    """

    contender = ""
    output = ""
    _directory = ""

    def __init__(self, settings: Settings, name: str, image_size: tuple[int, int]):
        self._settings = settings
        self._image_size = image_size
        self.name = name
        self._checkpoint = self._write_checkpoint()
        self.ours = self._export_as("ours", _ALL_FORMS)
        self.plain = self._export_as("plain", ("--nooptimize",))

    def quantized(self) -> ModelFile:
        """Exports it for 8-bit arithmetic, calibrated with images that the project draws."""
        folder = self._settings.path("calibration", "")
        dataset.draw(folder, _NUM_CALIBRATION_IMAGES, *_CALIBRATION_SIZE)
        images = os.path.join(folder, "images")
        flags = (*_ALL_FORMS, "--quantize=int8", f"--calibration_images={images}")
        return self._export_as("int8", flags)

    def converted(self, engine: str, batch: int) -> ModelFile:
        """Converts the plain export for "onnxruntime" or "litert", which takes `batch` images."""
        path = self._path(f"{engine}_batch{batch}")
        if self.plain.missing or not self._settings.has_peers:
            return ModelFile(path, self.plain.missing)
        pattern = os.path.join(self._settings.peers_venv, "lib", "python*", "site-packages")
        (packages,) = glob.glob(pattern)
        shape = ",".join(map(str, (batch, *self._image_size, 3)))
        arguments = engine, self.plain.path, path, self.output, shape, packages
        missing = processes.run(
            sys.executable, "-m", "scripts.benchmarks.peers.convert", *arguments
        )
        return ModelFile(path, missing)

    def _path(self, *parts: str) -> str:
        return self._settings.path(self._directory, self.name, *parts)

    def _export_as(self, kind: str, flags: tuple[str, ...]) -> ModelFile:
        path = self._path(kind, "frozen_inference_graph.pb")
        return ModelFile(path, self._export(path, flags))

    def _write_checkpoint(self) -> str:
        """Writes a checkpoint with random weights; returns its path."""
        raise NotImplementedError

    def _export(self, path: str, flags: tuple[str, ...]) -> str | None:
        """Exports the checkpoint; returns why that is not possible, or None."""
        raise NotImplementedError


class SegmentationModels(Models):
    """The exports of a network of `networks.NETWORKS`, for images of their size."""

    contender = "ours.predict"
    output = contract.SEGMENTATION.predictions
    _directory = "models"

    def _write_checkpoint(self) -> str:
        path = self._path("model.ckpt")
        networks.write_checkpoint(networks.NETWORKS[self.name], path)
        return path

    def _export(self, path: str, flags: tuple[str, ...]) -> str | None:
        options = networks.NETWORKS[self.name]
        return networks.export(options, self._checkpoint, path, self._image_size, flags)


class ClassifierModels(Models):
    """The exports of a classifier that sees images at `network_size` pixels on each side."""

    contender = "ours.classify_predict"
    output = contract.CLASSIFICATION.probabilities
    _directory = "classifiers"

    def __init__(
        self, settings: Settings, name: str, image_size: tuple[int, int], network_size: int
    ):
        self._network_size = network_size
        super().__init__(settings, name, image_size)

    def _write_checkpoint(self) -> str:
        path = self._path("run", "model.ckpt")
        classifiers.write_checkpoint(self.name, self._network_size, path)
        return path

    def _export(self, path: str, flags: tuple[str, ...]) -> str | None:
        return classifiers.export(self._checkpoint, path, flags)
