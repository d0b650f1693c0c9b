"""Benchmark: predicting, from a uint8 image to its class map."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from scripts.benchmarks import networks
from scripts.benchmarks.models import ModelFile, Models, SegmentationModels
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
PLAIN = "plain graph"


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
            models[name] = SegmentationModels(settings, name, (size, size))
        entrants = contenders(settings, models[name], images, batch)
        if name in SMP_ENCODERS:
            network = {"encoder": SMP_ENCODERS[name], "num_classes": networks.NUM_CLASSES}
            entrants += pytorch_contenders(
                settings, "smp", "peers.predict_smp", network, images, batch
            )
        results = _compare_answers(settings, settings.measure(entrants))
        key = f"predict_{name}_batch{batch}"
        tables.append(Table(key, title, "ms an image", 1000 / batch, results))
    return tables


def contenders(
    settings: Settings, models: Models, images: str, batch: int, *, with_loading: bool = False
) -> list[Contender]:
    """Returns all contenders that predict with the exports of a network, the plain graph first.

    They predict `batch` images of the file `images` at once, and `with_loading` load the network
    each time.
    """
    shared: dict[str, Any] = {
        "images": images,
        "batch": batch,
        "output": models.output,
        "with_loading": with_loading,
    }
    entrants = []

    def add(name: str, module: str, file: ModelFile, **further: str) -> None:
        parameters = {**shared, "model": file.path, "answer": answer(settings, name), **further}
        entrants.append(settings.contender(name, module, parameters, file.missing))

    add(PLAIN, "plain.predict", models.plain)
    for engine in ("tensorflow", *(("openvino", "litert") if with_loading else ()), "auto"):
        add(f"ours, engine={engine}", models.contender, models.ours, engine=engine)
    quantized = models.quantized()
    add("ours, 8 bits", models.contender, quantized, engine="auto", precision="int8")
    add("OpenVINO", "peers.predict_openvino", models.plain)
    for name, engine in (("ONNX Runtime", "onnxruntime"), ("LiteRT, XNNPACK", "litert")):
        add(name, f"peers.predict_{engine}", models.converted(engine, batch))
    return entrants


def pytorch_contenders(
    settings: Settings,
    name: str,
    module: str,
    network: dict[str, Any],
    images: str,
    batch: int,
) -> list[Contender]:
    """Returns a network of PyTorch as it is, and compiled; arguments as of `contenders`."""
    shared = {**network, "images": images, "batch": batch}
    return [
        settings.contender(
            title, module, {**shared, "is_compiled": is_compiled}, environment=COMPILE_SETTINGS
        )
        for title, is_compiled in ((name, False), (f"{name}, torch.compile", True))
    ]


def answer(settings: Settings, name: str) -> str:
    """Returns the file into which a contender writes its answer."""
    letters = (letter if letter.isalnum() else "_" for letter in name)
    return settings.path("predict", "answers", f"{''.join(letters)}.npy")


def _compare_answers(settings: Settings, results: Sequence[Result]) -> list[Result]:
    """Adds to each result the share of pixels whose class is that of the plain graph.

    segmentation_models.pytorch has other weights, and so no such share.
    """
    if results[0].reason:
        return list(results)
    reference = np.load(answer(settings, PLAIN))
    compared = []
    for result in results:
        if result.reason is None and not result.name.startswith("smp"):
            ids = np.load(answer(settings, result.name))
            facts = {**result.facts, "equal pixels": f"{np.mean(ids == reference):.2%}"}
            result = dataclasses.replace(result, facts=facts)
        compared.append(result)
    return compared
