"""Benchmark: feeding, from records of 500x375 JPEG and PNG to augmented batches."""

from scripts.benchmarks import dataset
from scripts.benchmarks.report import Table
from scripts.benchmarks.rounds import Contender
from scripts.benchmarks.settings import TRAIN_SETTINGS, Settings

NUM_IMAGES = 128
CROP = 513
_BATCH = 8
_SIZE = (375, 500)
# More than any contender has ready (the plain order: as many batches as a batch has images).
_BATCHES_AHEAD = 12
# A batch of the slow scales takes several times that of the others, so many are needed.
_ROUND_FACTOR = 3.0


def run(settings: Settings, num_images: int = NUM_IMAGES, crop: int = CROP) -> list[Table]:
    """Measures the pipelines in one table."""
    settings.report("feed: drawing images, building records")
    images = settings.path("feed", f"images_{num_images}", "")
    dataset.draw(images, num_images, *_SIZE)
    records, plain_records = (
        settings.path("feed", f"{name}records_{num_images}", "") for name in ("", "plain_")
    )
    spec = dataset.build(images, records, with_gradient=True)
    dataset.build_plain(images, plain_records, spec)

    shared = {"crop": crop, "batch": _BATCH, "batches_ahead": _BATCHES_AHEAD}

    def ours(
        name: str, order: str, directory: str, with_gradient: bool, augmentation: str = "none"
    ) -> Contender:
        parameters = {
            "order": order,
            "records": directory,
            "with_gradient": with_gradient,
            "augmentation": augmentation,
        }
        return settings.contender(
            name,
            "ours.feed",
            {**shared, **parameters},
            # The plain order is that of a program that leaves the allocator alone.
            environment=TRAIN_SETTINGS if order == "ours" else {},
        )

    contenders = [
        ours("plain order", "plain", plain_records, False),
        ours("ours", "ours", records, False),
        ours("ours, with the gradient channel", "ours", records, True),
        ours("ours, strong augmentation", "ours", records, False, "strong"),
        ours("ours, both", "ours", records, True, "strong"),
        settings.contender(
            "DataLoader, albumentations",
            "peers.feed_albumentations",
            {**shared, "pairs": dataset.pairs(images)},
            environment={},
        ),
    ]
    title = f"{_SIZE[1]}x{_SIZE[0]} images, scale 0.5 to 2, crop {crop}, flip, batches of {_BATCH}"
    results = settings.measure(contenders, _ROUND_FACTOR)
    return [Table("feed", title, "images/s", _BATCH, results, is_rate=True)]
