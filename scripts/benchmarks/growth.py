"""Benchmark: how time and memory grow with image size, classes, batch and clones."""

import dataclasses
from collections.abc import Iterable

import numpy as np

from scripts.benchmarks import networks
from scripts.benchmarks.report import Table
from scripts.benchmarks.rounds import Contender
from scripts.benchmarks.settings import TRAIN_SETTINGS, Settings

NETWORK = "mnv2_plus"
_CLASSES = networks.NUM_CLASSES
# (side of the image, classes, images in a batch); each differs from the first in one of them.
PREDICT_CASES = (
    (513, _CLASSES, 1),
    *((size, _CLASSES, 1) for size in (257, 1025, 2049)),
    *((513, num_classes, 1) for num_classes in (2, 150)),
    *((513, _CLASSES, batch) for batch in (4, 16)),
)
# (side of the crop, classes, images in a batch, clones that share it), likewise
TRAIN_CASES = (
    (257, _CLASSES, 4, 1),
    *((size, _CLASSES, 4, 1) for size in (513, 1025)),
    *((257, num_classes, 4, 1) for num_classes in (2, 150)),
    (257, _CLASSES, 16, 1),
    *((257, _CLASSES, 4, clones) for clones in (2, 4)),
)


def run(
    settings: Settings,
    network: str = NETWORK,
    predict_cases: Iterable[tuple[int, int, int]] = PREDICT_CASES,
    train_cases: Iterable[tuple[int, int, int, int]] = TRAIN_CASES,
) -> list[Table]:
    """Measures prediction and a training step in a table each; the first case is the base."""
    title = networks.TITLES[network]
    tables = []
    for what, quantity, contenders in (
        ("predict", "ms a batch", (_predict(settings, network, *case) for case in predict_cases)),
        ("train", "ms a step", (_train(settings, network, *case) for case in train_cases)),
    ):
        settings.report(f"growth: {what}")
        # One at a time: together they would need the memory of all.
        results = [result for each in contenders for result in settings.measure([each])]
        tables.append(Table(f"growth_{what}", f"{title}: {what}", quantity, 1000, results))
    return tables


def _predict(
    settings: Settings, network: str, size: int, num_classes: int, batch: int
) -> Contender:
    options = dataclasses.replace(networks.NETWORKS[network], num_classes=num_classes)
    folder = f"{network}_{size}_{num_classes}"
    checkpoint = settings.path("growth", folder, "model.ckpt")
    model = settings.path("growth", folder, "export", "frozen_inference_graph.pb")
    networks.write_checkpoint(options, checkpoint)
    missing = networks.export(options, checkpoint, model, (size, size))
    images = settings.path("growth", "images.npy")
    np.save(images, networks.draw_images(batch, size))
    parameters = {"model": model, "images": images, "batch": batch, "engine": "tensorflow"}
    name = f"{size}x{size}, {num_classes} classes, batch {batch}"
    return settings.contender(name, "ours.predict", parameters, missing)


def _train(
    settings: Settings, network: str, crop: int, num_classes: int, batch: int, clones: int
) -> Contender:
    parameters = {
        "network": network,
        "crop": crop,
        "batch": batch,
        "num_classes": num_classes,
        "clones": clones,
    }
    name = f"{crop}x{crop}, {num_classes} classes, batch {batch}, {clones} clones"
    return settings.contender(name, "ours.train", parameters, environment=TRAIN_SETTINGS)
