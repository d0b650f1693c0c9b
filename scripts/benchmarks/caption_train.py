"""Benchmark: a training step of a network that describes images."""

from collections.abc import Sequence
from typing import Any

from captioning.network import network
from captioning.options import ATTENTION, SHOW_AND_TELL
from scripts.benchmarks import captioners
from scripts.benchmarks.report import Table
from scripts.benchmarks.settings import TRAIN_SETTINGS, Settings

FROZEN, TRAINED, CACHED = "frozen", "trained", "features"
_SEEN = {
    FROZEN: "encoder frozen",
    TRAINED: "encoder trained",
    CACHED: "from stored features",
}
# (decoder, encoder, side of the encoder's input, captions in a step, what becomes of the encoder)
CASES = (
    (SHOW_AND_TELL, "inception_v3", 299, 20, FROZEN),
    (SHOW_AND_TELL, "inception_v3", 299, 20, TRAINED),
    (SHOW_AND_TELL, "mobilenet_v2", 224, 40, FROZEN),
    (ATTENTION, "mobilenet_v2", 224, 40, FROZEN),
    (ATTENTION, "mobilenet_v2", 224, 40, TRAINED),
    (ATTENTION, "inception_v3", 299, 40, CACHED),
)
CAPTIONS_PER_IMAGE = 5


def run(
    settings: Settings,
    cases: Sequence[tuple[str, str, int, int, str]] = CASES,
    num_words: int | None = None,
) -> list[Table]:
    """Measures every case; a table each."""
    tables = []
    for decoder, encoder, size, num_captions, kind in cases:
        title = f"{captioners.TITLES[decoder]}, {captioners.TITLES[encoder]} at {size} pixels, "
        title += f"{_SEEN[kind]}, {num_captions} captions a step"
        settings.report(f"caption_train: {title}")
        model = captioners.describe(decoder, encoder, size, num_words).model
        parameters: dict[str, Any] = {
            "decoder": decoder,
            "encoder": encoder,
            "size": size,
            "num_words": model.num_words,
            "features": network.feature_shape(model, size),
            "images": num_captions,
            "captions_per_image": 1,
            "optimizer": "sgd" if decoder == SHOW_AND_TELL else "adam",
            "encoder_is": kind,
        }
        contenders = [
            settings.contender(captioners.ORIGINALS[decoder], "plain.caption_train", parameters)
        ]
        for name, further in _forms(decoder, kind, num_captions):
            values = {**parameters, **further}
            contenders.append(
                settings.contender(name, "ours.caption_train", values, environment=TRAIN_SETTINGS)
            )
        key = f"caption_train_{decoder}_{encoder}_{kind}"
        tables.append(Table(key, title, "ms a step", 1000, settings.measure(contenders)))
    return tables


def _forms(decoder: str, kind: str, num_captions: int) -> list[tuple[str, dict[str, Any]]]:
    """Returns what of ours is measured: names, and parameters besides the shared ones."""
    shared = {
        "images": num_captions // CAPTIONS_PER_IMAGE,
        "captions_per_image": CAPTIONS_PER_IMAGE,
    }
    forms: list[tuple[str, dict[str, Any]]] = [("ours", {})]
    if decoder == SHOW_AND_TELL:
        # train.py's default is Adam, research/im2txt's optimizer is the other.
        forms = [("ours, --optimizer=sgd", {}), ("ours", {"optimizer": "adam"})]
    default = forms[-1][1]
    name = f"ours, --captions_per_image={CAPTIONS_PER_IMAGE}"
    forms.append((name, {**default, **shared}))
    if kind == FROZEN:
        forms.append(("ours, --cache_features", {**default, "encoder_is": CACHED}))
    return forms
