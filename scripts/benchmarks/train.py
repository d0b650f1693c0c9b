"""Benchmark: a training step, forward, backward and update, batch norm trained."""

from collections.abc import Sequence

from scripts.benchmarks import networks
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
            settings.contender("plain graph", "plain.train", parameters),
            settings.contender(
                "plain graph, our allocator", "plain.train", parameters, environment=TRAIN_SETTINGS
            ),
        ]
        contenders += [
            settings.contender(
                name,
                "ours.train",
                {**parameters, "recompute_activations": recompute},
                environment=TRAIN_SETTINGS,
            )
            for name, recompute in (
                ("ours", None),
                ("ours, --recompute_activations", True),
                ("ours, --norecompute_activations", False),
            )
        ]
        if network in SMP_ENCODERS:
            peer = {**parameters, "encoder": SMP_ENCODERS[network]}
            contenders.append(settings.contender("smp", "peers.train_smp", peer))
        key = f"train_{network}_{crop}_batch{batch}"
        tables.append(Table(key, title, "ms a step", 1000, settings.measure(contenders)))
    return tables
