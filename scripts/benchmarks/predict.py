"""Benchmark: predicting, from a uint8 image to its class map."""

from collections.abc import Sequence

import numpy as np

from scripts.benchmarks import networks, rounds
from scripts.benchmarks.models import ModelFile, Models
from scripts.benchmarks.report import Table
from scripts.benchmarks.rounds import Contender, Result
from scripts.benchmarks.settings import COMPILE_SETTINGS, Settings

# (network, images in a batch)
CASES = (
    ("mnv2_plain", 1),
    ("mnv2_plain", 8),
    ("mnv2_plus", 1),
    ("mnv2_plus", 8),
    ("xception_65", 1),
    ("xception_65", 8),
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
        results = rounds.measure(
            entrants, settings.num_rounds, round_secs=settings.round_secs, report=settings.report
        )
        tables.append(
            Table(
                f"predict_{name}_batch{batch}",
                title,
                "ms an image",
                1000 / batch,
                _compare_answers(settings, results),
                {"equal pixels": "equal_pixels"},
            )
        )
    return tables


def contenders(
    settings: Settings, models: Models, images: str, batch: int, *, with_loading: bool = False
) -> list[Contender]:
    """Returns all that predict with a network, the plain graph first.

    Args:
      settings: of the run.
      models: the network's files.
      images: file of at least `batch` images.
      batch: images that are predicted at once.
      with_loading: whether they are to load the network each time.
    """
    shared = {"images": images, "batch": batch, "with_loading": with_loading}
    entrants = []

    def add(make, name: str, module: str, file: ModelFile, **further: object) -> None:
        parameters = {**shared, "model": file.path, "answer": _answer(settings, name), **further}
        entrants.append(make(name, module, parameters, file.missing))

    add(settings.project, _PLAIN, "plain.predict", models.plain)
    for engine in ("tensorflow", *(("openvino", "litert") if with_loading else ()), "auto"):
        name = f"ours, engine={engine}"
        add(settings.project, name, "ours.predict", models.ours, engine=engine)
    quantized = {"engine": "auto", "precision": "int8"}
    add(settings.project, "ours, 8 bits", "ours.predict", models.quantized(), **quantized)
    add(settings.peer, "OpenVINO", "predict_openvino", models.plain)
    for name, engine in (("ONNX Runtime", "onnxruntime"), ("LiteRT, XNNPACK", "litert")):
        add(settings.peer, name, f"predict_{engine}", models.converted(engine, batch))
    if models.name in SMP_ENCODERS:
        network = {
            "encoder": SMP_ENCODERS[models.name],
            "num_classes": networks.NUM_CLASSES,
        }
        for name, is_compiled in (("smp", False), ("smp, torch.compile", True)):
            parameters = {**shared, **network, "is_compiled": is_compiled}
            entrants.append(
                settings.peer(name, "predict_smp", parameters, environment=COMPILE_SETTINGS)
            )
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
            result = rounds.with_facts(result, equal_pixels=f"{np.mean(ids == reference):.2%}")
        compared.append(result)
    return compared
