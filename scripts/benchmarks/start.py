"""Benchmark: the first answer, of a loaded program and of the whole `infer.py`."""

import sys
from collections.abc import Sequence

import numpy as np
from PIL import Image

from scripts.benchmarks import networks, predict
from scripts.benchmarks.models import ModelFile, SegmentationModels
from scripts.benchmarks.report import Table
from scripts.benchmarks.rounds import Contender
from scripts.benchmarks.settings import Settings

NETWORKS = ("mnv2_plus",)
SIZE = 513


def run(settings: Settings, names: Sequence[str] = NETWORKS, size: int = SIZE) -> list[Table]:
    """Measures the first answers of every network in two tables."""
    array = networks.draw_images(1, size)
    images = settings.path("start", "images.npy")
    np.save(images, array)
    photo = settings.path("start", "photo.png")
    Image.fromarray(array[0]).save(photo)
    tables = []
    for name in names:
        title = networks.TITLES[name]
        settings.report(f"start: {title}")
        models = SegmentationModels(settings, name, (size, size))
        # Without PyTorch, which has no file to load and would compile each network that it builds.
        loading = predict.contenders(settings, models, images, 1, with_loading=True)
        whole = [
            _infer(settings, "plain graph's file", photo, models.plain),
            _infer(settings, "ours", photo, models.ours),
        ]
        for key, what, entrants in (
            ("load", f"loading and the first image of {size}x{size}, libraries imported", loading),
            ("infer", "from the start of `infer.py` to its end, one image", whole),
        ):
            results = settings.measure(entrants)
            tables.append(Table(f"start_{key}_{name}", f"{title}: {what}", "seconds", 1.0, results))
    return tables


def _infer(settings: Settings, name: str, photo: str, model: ModelFile) -> Contender:
    output = settings.path("start", "masks", "")
    command = [sys.executable, "infer.py", photo, f"--model={model.path}", f"--output={output}"]
    return settings.contender(name, "whole_command", {"command": command}, model.missing)
