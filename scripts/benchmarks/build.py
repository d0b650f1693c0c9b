"""Benchmark: building records of 500x375 JPEG images and PNG masks, and checking them."""

from scripts.benchmarks import dataset
from scripts.benchmarks.report import Table
from scripts.benchmarks.settings import Settings

NUM_IMAGES = 128
_SIZE = (375, 500)
_CONTENDERS = {
    "plain converter": "plain",
    "ours, check and records with the gradient": "checked, with gradient",
    "ours, check and records without it": "checked, without gradient",
    "ours, `--nocheck`, records with the gradient": "with gradient",
    "ours, `--nocheck`, records without it": "without gradient",
    "ours, the check alone": "check",
}


def run(settings: Settings, num_images: int = NUM_IMAGES) -> list[Table]:
    """Measures the conversions in one table."""
    settings.report("build: drawing images")
    images = settings.path("feed", f"images_{num_images}", "")
    dataset.draw(images, num_images, *_SIZE)
    contenders = [
        settings.contender(name, "ours.build", {"images": images, "what": what})
        for name, what in _CONTENDERS.items()
    ]
    results = settings.measure(contenders)
    title = f"{_SIZE[1]}x{_SIZE[0]} images, one core for the plain converter, all for ours"
    return [Table("build", title, "images/s", num_images, results, is_rate=True)]
