"""Benchmark: predicting, from a uint8 image to its class map."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from scripts.benchmarks import networks
from scripts.benchmarks.models import ModelFile, Models
from scripts.benchmarks.report import Table
from scripts.benchmarks.rounds import Contender, Result
from scripts.benchmarks.settings import COMPILE_SETTINGS, Settings

# (network, images in a batch)
CASES = tuple(
    (name, batch) for name in ("mnv2_plain", "mnv2_plus", "xception_65") for batch in (1, 8)
)
SIZE = 513

# The same encoder in segmentation_models.pytorch, which has no DeepLabV3+ without a decoder.
SMP_ENCODERS = {"mnv2_plus": "mobilenet_v2", "xception_65": "tu-xception65"}
_PLAIN = "plain graph"


def run(
    settings: Settings, cases: Sequence[tuple[str, int]] = CASES, size: int = SIZE
) -> list[Table]:
    """Measures every network and batch size; a table each."""
    images = settings.path("predict", "images.npy")
    np.save(images, networks.draw_images(max(batch for _, batch in cases), size))
    models: dict[str, Models] = {}
    tables = []
    for name, batch in cases:
        title = f"{networks.TITLES[name]}, {size}x{size}, batch {batch}"
        settings.report(f"predict: {title}")
        if name not in models:
            models[name] = Models(settings, name, size)
        entrants = contenders(settings, models[name], images, batch)
        results = _compare_answers(settings, settings.measure(entrants))
        key = f"predict_{name}_batch{batch}"
        tables.append(Table(key, title, "ms an image", 1000 / batch, results))
    return tables


def contenders(
    settings: Settings, models: Models, images: str, batch: int, *, with_loading: bool = False
) -> list[Contender]:
    """Returns all contenders that predict with a network, the plain graph first.

    They predict `batch` images of the file `images` at once, and `with_loading` load the network
    each time.
    """
    shared: dict[str, Any] = {"images": images, "batch": batch, "with_loading": with_loading}
    entrants = []

    def add(name: str, module: str, file: ModelFile, **further: str) -> None:
        parameters = {**shared, "model": file.path, "answer": _answer(settings, name), **further}
        entrants.append(settings.contender(name, module, parameters, file.missing))

    add(_PLAIN, "plain.predict", models.plain)
    for engine in ("tensorflow", *(("openvino", "litert") if with_loading else ()), "auto"):
        add(f"ours, engine={engine}", "ours.predict", models.ours, engine=engine)
    quantized = models.quantized()
    add("ours, 8 bits", "ours.predict", quantized, engine="auto", precision="int8")
    add("OpenVINO", "peers.predict_openvino", models.plain)
    for name, engine in (("ONNX Runtime", "onnxruntime"), ("LiteRT, XNNPACK", "litert")):
        add(name, f"peers.predict_{engine}", models.converted(engine, batch))
    if models.name in SMP_ENCODERS:
        network = {"encoder": SMP_ENCODERS[models.name], "num_classes": networks.NUM_CLASSES}
        for name, is_compiled in (("smp", False), ("smp, torch.compile", True)):
            parameters = {**shared, **network, "is_compiled": is_compiled}
            module, environment = "peers.predict_smp", COMPILE_SETTINGS
            entrants.append(settings.contender(name, module, parameters, environment=environment))
    return entrants


def _answer(settings: Settings, name: str) -> str:
    """Returns the file into which a contender writes its class maps."""
    letters = (letter if letter.isalnum() else "_" for letter in name)
    return settings.path("predict", "answers", f"{''.join(letters)}.npy")


def _compare_answers(settings: Settings, results: Sequence[Result]) -> list[Result]:
    """Adds to each result the share of pixels whose class is that of the plain graph.

    segmentation_models.pytorch has other weights, and so no such share.
    """
    if results[0].reason:
        return list(results)
    reference = np.load(_answer(settings, _PLAIN))
    compared = []
    for result in results:
        if result.reason is None and not result.name.startswith("smp"):
            ids = np.load(_answer(settings, result.name))
            facts = {**result.facts, "equal pixels": f"{np.mean(ids == reference):.2%}"}
            result = dataclasses.replace(result, facts=facts)
        compared.append(result)
    return compared
