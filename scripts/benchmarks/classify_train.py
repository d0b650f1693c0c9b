"""Benchmark: a training step of a classifier, batch norm trained, with momentum."""

from collections.abc import Sequence

from scripts.benchmarks import classifiers
from scripts.benchmarks.report import Table
from scripts.benchmarks.settings import TRAIN_SETTINGS, Settings

# (network, side of the images, images in a batch)
CASES = (("resnet_v1_50", 224, 8), ("mobilenet_v2", 224, 16), ("densenet121", 224, 8))


def run(settings: Settings, cases: Sequence[tuple[str, int, int]] = CASES) -> list[Table]:
    """Measures every case; a table each."""
    tables = []
    for network, size, batch in cases:
        title = f"{classifiers.TITLES[network]}, {size}x{size}, batch {batch}"
        settings.report(f"classify_train: {title}")
        parameters = {
            "network": network,
            "size": size,
            "batch": batch,
            "num_classes": classifiers.NUM_CLASSES,
        }
        contenders = [settings.contender("plain graph", "plain.classify_train", parameters)]
        # The DenseNets recompute by default.
        recomputes = network.startswith("densenet")
        other = f"ours, --{'no' if recomputes else ''}recompute_activations"
        for name, recompute_activations in (("ours", recomputes), (other, not recomputes)):
            values = {**parameters, "recompute_activations": recompute_activations}
            contenders.append(
                settings.contender(name, "ours.classify_train", values, environment=TRAIN_SETTINGS)
            )
        if network in classifiers.IN_TORCHVISION:
            contenders.append(
                settings.contender("torchvision", "peers.train_torchvision", parameters)
            )
        key = f"classify_train_{network}_{size}_batch{batch}"
        tables.append(Table(key, title, "ms a step", 1000, settings.measure(contenders)))
    return tables
