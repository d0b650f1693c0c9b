"""Benchmark: a step of a style transfer, from an image to the next one."""

from collections.abc import Sequence

from scripts.benchmarks.report import Table
from scripts.benchmarks.settings import TRAIN_SETTINGS, Settings

# (height, width)
CASES = ((192, 256), (384, 512))
# Of VGG-19.
DEPTHS = (64, 128, 256, 512, 512)


def run(
    settings: Settings,
    cases: Sequence[tuple[int, int]] = CASES,
    depths: Sequence[int] = DEPTHS,
) -> list[Table]:
    """Measures every case; a table each."""
    tables = []
    for height, width in cases:
        title = f"VGG-19 up to conv5_1, {width}x{height}, the losses of neural-style, Adam"
        settings.report(f"stylize: {title}")
        parameters = {"height": height, "width": width, "depths": list(depths)}
        contenders = [
            settings.contender("operations of neural-style", "plain.stylize", parameters),
            settings.contender("ours", "ours.stylize", parameters, environment=TRAIN_SETTINGS),
        ]
        key = f"stylize_{width}x{height}"
        tables.append(Table(key, title, "ms a step", 1000, settings.measure(contenders)))
    return tables
