"""Benchmark: a training step, forward, backward and update, batch norm trained."""

from collections.abc import Sequence

from scripts.benchmarks import networks
from scripts.benchmarks.predict import SMP_ENCODERS
from scripts.benchmarks.report import Table
from scripts.benchmarks.settings import ONEDNN_SETTINGS, TRAIN_SETTINGS, Settings

# (network, side of the crop, images in a batch)
CASES = (("mnv2_plus", 257, 8), ("mnv2_plus", 513, 4), ("xception_65", 257, 8))
# The contenders of a table are all in memory, which for this network is 6 GB each.
_LARGE = ("xception_65",)


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
        plain: list[tuple[str, dict[str, str]]] = [
            ("plain graph", {}),
            ("plain graph, our allocator", TRAIN_SETTINGS),
            ("plain graph, our allocator and oneDNN", {**TRAIN_SETTINGS, **ONEDNN_SETTINGS}),
        ]
        ours = [
            ("ours", None),
            ("ours, --recompute_activations", True),
            ("ours, --norecompute_activations", False),
        ]
        if network in _LARGE:
            plain, ours = plain[:2], ours[:1]
        contenders = [
            settings.contender(name, "plain.train", parameters, environment=environment)
            for name, environment in plain
        ]
        contenders += [
            settings.contender(
                name,
                "ours.train",
                {**parameters, "recompute_activations": recompute},
                environment=TRAIN_SETTINGS,
            )
            for name, recompute in ours
        ]
        if network in SMP_ENCODERS:
            peer = {**parameters, "encoder": SMP_ENCODERS[network]}
            contenders.append(settings.contender("smp", "peers.train_smp", peer))
        key = f"train_{network}_{crop}_batch{batch}"
        tables.append(Table(key, title, "ms a step", 1000, settings.measure(contenders)))
    return tables
