"""Benchmark: classifying, from a uint8 image to the probabilities of its classes."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from scripts.benchmarks import classifiers, networks, predict
from scripts.benchmarks.models import ClassifierModels
from scripts.benchmarks.report import Table
from scripts.benchmarks.rounds import Result
from scripts.benchmarks.settings import Settings

# (network, images in a batch)
CASES = tuple((name, batch) for name in ("resnet_v1_50", "mobilenet_v2") for batch in (1, 8))
# (height, width) of the images. tf2onnx writes scales instead of sizes, which from photographs of
# 375x500 would make 223 pixels of 224; from these they do not.
IMAGE_SIZE = (384, 512)
NETWORK_SIZE = 224
_PYTORCH = "torchvision"


def run(
    settings: Settings,
    cases: Sequence[tuple[str, int]] = CASES,
    image_size: tuple[int, int] = IMAGE_SIZE,
    network_size: int = NETWORK_SIZE,
) -> list[Table]:
    """Measures every network and batch size; a table each."""
    images = settings.path("classify_predict", "images.npy")
    np.save(images, networks.draw_images(max(batch for _, batch in cases), *image_size))
    models: dict[str, ClassifierModels] = {}
    tables = []
    for name, batch in cases:
        height, width = image_size
        title = f"{classifiers.TITLES[name]} at {network_size} pixels, {width}x{height} images, "
        title += f"batch {batch}"
        settings.report(f"classify_predict: {title}")
        if name not in models:
            models[name] = ClassifierModels(settings, name, image_size, network_size)
        entrants = predict.contenders(settings, models[name], images, batch)
        network = {
            "network": name,
            "num_classes": classifiers.NUM_CLASSES,
            "view": dataclasses.asdict(classifiers.view(name, network_size)),
        }
        if name in classifiers.IN_TORCHVISION:
            entrants += predict.pytorch_contenders(
                settings, _PYTORCH, "peers.predict_torchvision", network, images, batch
            )
        results = _compare_answers(settings, settings.measure(entrants))
        key = f"classify_predict_{name}_batch{batch}"
        tables.append(Table(key, title, "ms an image", 1000 / batch, results))
    return tables


def _compare_answers(settings: Settings, results: Sequence[Result]) -> list[Result]:
    """Adds to each result how much its probabilities differ from the plain graph's.

    That is the largest difference over the largest probability. torchvision has other weights.
    """
    if results[0].reason:
        return list(results)
    reference = np.load(predict.answer(settings, predict.PLAIN))
    compared = []
    for result in results:
        if result.reason is None and not result.name.startswith(_PYTORCH):
            probabilities = np.load(predict.answer(settings, result.name))
            difference = np.abs(probabilities - reference).max() / reference.max()
            facts = {**result.facts, "difference": f"{difference:.1e}"}
            result = dataclasses.replace(result, facts=facts)
        compared.append(result)
    return compared
