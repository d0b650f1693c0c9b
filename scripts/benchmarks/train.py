"""Benchmark: a training step, forward, backward and update, batch norm trained."""

from collections.abc import Mapping, Sequence
from typing import Any

from scripts.benchmarks import networks, rounds
from scripts.benchmarks.predict import SMP_ENCODERS
from scripts.benchmarks.report import Table
from scripts.benchmarks.settings import TRAIN_SETTINGS, Settings

# (network, side of the crop, images in a batch)
CASES = (("mnv2_plus", 257, 8), ("mnv2_plus", 513, 4), ("xception_65", 257, 8))


def run(settings: Settings, cases: Sequence[tuple[str, int, int]] = CASES) -> list[Table]:
    """Measures every case; a table each."""
    tables = []
    for network, crop, batch in cases:
        title = f"{networks.TITLES[network]}, {crop}x{crop}, batch {batch}"
        settings.report(f"train: {title}")
        parameters = {
            "network": network,
            "crop": crop,
            "batch": batch,
            "num_classes": networks.NUM_CLASSES,
        }
        contenders = [
            settings.project("plain graph", "plain.train", parameters),
            _ours(settings, "ours", parameters),
            _ours(
                settings,
                "ours, --norecompute_activations",
                {**parameters, "recompute_activations": False},
            ),
        ]
        if network in SMP_ENCODERS:
            peer = {**parameters, "encoder": SMP_ENCODERS[network]}
            contenders.append(settings.peer("smp", "train_smp", peer))
        results = rounds.measure(
            contenders,
            settings.num_rounds,
            round_secs=settings.round_secs,
            # Several would hold their memory at once while they are warmed up.
            start_together=False,
            report=settings.report,
        )
        tables.append(
            Table(
                key=f"train_{network}_{crop}_batch{batch}",
                title=title,
                quantity="ms a step",
                scale=1000,
                results=results,
            )
        )
    return tables


def _ours(settings: Settings, name: str, parameters: Mapping[str, Any]) -> rounds.Contender:
    return settings.project(name, "ours.train", parameters, environment=TRAIN_SETTINGS)
