"""Benchmark: building records of 500x375 JPEG pictures and PNG masks, and checking them."""

from scripts.benchmarks import dataset, rounds
from scripts.benchmarks.report import Table
from scripts.benchmarks.settings import Settings

NUM_PICTURES = 128
_SIZE = (375, 500)
_CONTENDERS = {
    "plain converter": "plain",
    "ours, gradient computed and stored": "with gradient",
    "ours, no gradient": "without gradient",
    "ours, the check alone": "check",
}


def run(settings: Settings, num_pictures: int = NUM_PICTURES) -> list[Table]:
    """Measures the conversions in one table."""
    settings.report("build: drawing pictures")
    pictures = settings.path("feed", f"pictures_{num_pictures}", "")
    dataset.draw(pictures, num_pictures, *_SIZE)
    contenders = [
        settings.project(name, "ours.build", {"pictures": pictures, "what": what})
        for name, what in _CONTENDERS.items()
    ]
    results = rounds.measure(
        contenders,
        settings.num_rounds,
        round_secs=settings.round_secs,
        report=settings.report,
    )
    title = f"{_SIZE[1]}x{_SIZE[0]} pictures, one core for the plain converter, all for ours"
    return [Table("build", title, "pictures/s", num_pictures, results, is_rate=True)]
