"""Benchmark: feeding, from records of 500x375 JPEG and PNG to augmented batches."""

from scripts.benchmarks import dataset, rounds
from scripts.benchmarks.report import Table
from scripts.benchmarks.settings import TRAIN_SETTINGS, Settings

NUM_IMAGES = 128
CROP = 513
_BATCH = 8
_SIZE = (375, 500)
# A batch of the slow scales takes several times that of the others, so many are needed.
_ROUND_SECS = 3.0


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

    def ours(name: str, order: str, directory: str, with_gradient: bool) -> rounds.Contender:
        parameters = {"order": order, "records": directory, "with_gradient": with_gradient}
        return settings.project(
            name,
            "ours.feed",
            {**parameters, "crop": crop, "batch": _BATCH},
            # The plain order is that of a program that sets nothing.
            environment=TRAIN_SETTINGS if order == "ours" else None,
        )

    contenders = [
        ours("plain order", "plain", plain_records, False),
        ours("ours", "ours", records, False),
        ours("ours, with the gradient channel", "ours", records, True),
        settings.peer(
            "DataLoader, albumentations",
            "feed_albumentations",
            {"pairs": dataset.pairs(images), "crop": crop, "batch": _BATCH},
            environment={},
        ),
    ]
    results = rounds.measure(
        contenders,
        settings.num_rounds,
        round_secs=_ROUND_SECS * settings.round_secs,
        report=settings.report,
    )
    title = f"{_SIZE[1]}x{_SIZE[0]} images, scale 0.5 to 2, crop {crop}, flip, batches of {_BATCH}"
    return [Table("feed", title, "images/s", _BATCH, results, is_rate=True)]
