"""The files that contenders predict with: exports of a network, and their conversions."""

import glob
import os
import sys
from typing import NamedTuple

from scripts.benchmarks import dataset, networks
from scripts.benchmarks.settings import Settings

# What every engine can read; those that are not installed are not measured.
_ALL_FORMS = ("--formats=pb,tflite",)
_NUM_CALIBRATION_IMAGES = 32
_CALIBRATION_SIZE = (375, 500)


class ModelFile(NamedTuple):
    """A file to predict with; `missing` says in one line why it could not be made."""

    path: str
    missing: str | None


class Models:
    """The exports of a network of `networks.NETWORKS`: as the project makes them, and plain."""

    def __init__(self, settings: Settings, name: str, size: int):
        """Makes the exports for images of `size` pixels on each side, in the work folder."""
        self._settings = settings
        self._size = size
        self.name = name
        self._checkpoint = settings.path("models", name, "model.ckpt")
        networks.write_checkpoint(networks.NETWORKS[name], self._checkpoint)
        self.ours = self._export("ours", _ALL_FORMS)
        # As research/deeplab exports: the graph as it was built.
        self.plain = self._export("plain", ("--nooptimize",))

    def quantized(self) -> ModelFile:
        """Exports it for 8-bit arithmetic, calibrated with images that the project draws."""
        folder = self._settings.path("calibration", "")
        dataset.draw(folder, _NUM_CALIBRATION_IMAGES, *_CALIBRATION_SIZE)
        images = os.path.join(folder, "images")
        flags = (*_ALL_FORMS, "--quantize=int8", f"--calibration_images={images}")
        return self._export("int8", flags)

    def converted(self, engine: str, batch: int) -> ModelFile:
        """Converts the plain export for "onnxruntime" or "litert", which takes `batch` images."""
        path = self._settings.path("models", self.name, f"{engine}_batch{batch}")
        if self.plain.missing or not self._settings.has_peers:
            return ModelFile(path, self.plain.missing)
        pattern = os.path.join(self._settings.peers_venv, "lib", "python*", "site-packages")
        (packages,) = glob.glob(pattern)
        arguments = engine, self.plain.path, path, str(batch), str(self._size), packages
        missing = networks.run(sys.executable, "-m", "scripts.benchmarks.peers.convert", *arguments)
        return ModelFile(path, missing)

    def _export(self, kind: str, flags: tuple[str, ...]) -> ModelFile:
        options = networks.NETWORKS[self.name]
        path = self._settings.path("models", self.name, kind, "frozen_inference_graph.pb")
        return ModelFile(path, networks.export(options, self._checkpoint, path, self._size, flags))
