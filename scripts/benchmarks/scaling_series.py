"""The series of `scripts.benchmarks.scaling`: what is measured at which values."""

import dataclasses
import os
import shutil
from collections.abc import Sequence

import numpy as np

from scripts.benchmarks import dataset, networks, rounds
from scripts.benchmarks.curves import Curve, Growth
from scripts.benchmarks.rounds import Contender
from scripts.benchmarks.settings import Settings

NETWORK = "mnv2_plus"
_TITLE = networks.TITLES[NETWORK]
_PREDICT_SIZE = 513
_TRAIN_SIZE = 257
_TRAIN_BATCH = 4

# Small, so that tens of thousands of them are read in seconds; some are drawn, the rest copied.
_IMAGE_SIZE = (120, 160)
_DRAWN_IMAGES = 100


def over_size(
    settings: Settings,
    sizes: Sequence[int] = (257, 513, 1025, 1537, 2049),
    train_sizes: Sequence[int] = (257, 513, 1025, 2049),
    network: str = NETWORK,
) -> Growth:
    """Measures prediction and training of one image against its side, pixels."""
    predict = [_predict(settings, network, size=size) for size in sizes]
    train = [_train(settings, network, crop=size, batch=1) for size in train_sizes]
    return Growth(
        "size",
        f"{_TITLE}: one image, by its side in pixels (the exponent is over pixels in all)",
        "side",
        [
            _curve(settings, "predict", sizes, predict, [size**2 for size in sizes]),
            _curve(settings, "train", train_sizes, train, [size**2 for size in train_sizes]),
        ],
    )


def over_classes(
    settings: Settings,
    counts: Sequence[int] = (2, 21, 60, 150),
    train_counts: Sequence[int] = (2, 21, 150),
    network: str = NETWORK,
) -> Growth:
    """Measures prediction and training against the number of classes."""
    predict = [_predict(settings, network, num_classes=count) for count in counts]
    train = [_train(settings, network, num_classes=count) for count in train_counts]
    return Growth(
        "classes",
        f"{_TITLE}: by the number of classes (predict: {_PREDICT_SIZE} pixels, batch 1; train: "
        f"{_TRAIN_SIZE} pixels, batch {_TRAIN_BATCH})",
        "classes",
        [
            _curve(settings, "predict", counts, predict),
            _curve(settings, "train", train_counts, train),
        ],
    )


def over_batch(
    settings: Settings,
    batches: Sequence[int] = (1, 2, 4, 8, 16),
    train_batches: Sequence[int] = (1, 4, 16),
    network: str = NETWORK,
) -> Growth:
    """Measures prediction and training against the number of images in a batch."""
    predict = [_predict(settings, network, batch=batch) for batch in batches]
    train = [_train(settings, network, batch=batch) for batch in train_batches]
    return Growth(
        "batch",
        f"{_TITLE}: a batch, by its images (predict: {_PREDICT_SIZE} pixels; train: "
        f"{_TRAIN_SIZE} pixels)",
        "images",
        [
            _curve(settings, "predict", batches, predict),
            _curve(settings, "train", train_batches, train),
        ],
    )


def over_clones(
    settings: Settings, counts: Sequence[int] = (1, 2, 4), network: str = NETWORK
) -> Growth:
    """Measures a training step of one batch against the clones that share it."""
    batch = 2 * max(counts)
    train = [_train(settings, network, batch=batch, clones=count) for count in counts]
    return Growth(
        "clones",
        f"{_TITLE}: a step of batch {batch} at {_TRAIN_SIZE} pixels, by the clones that share it "
        "(on the same cores, so nothing need grow)",
        "clones",
        [_curve(settings, "train", counts, train)],
    )


def over_images(settings: Settings, counts: Sequence[int] = (200, 2000, 20000)) -> Growth:
    """Measures checking, building and one pass of training batches against the images."""
    folders = [_copies(settings, count) for count in counts]
    records = [settings.path("growth", f"records_{count}", "") for count in counts]
    for images, output in zip(folders, records, strict=True):
        dataset.build(images, output, with_gradient=False)

    def read(what: str) -> list[Contender]:
        return [
            settings.project(what, "ours.build", {"images": images, "what": what})
            for images in folders
        ]

    batch = 8
    feed = [
        settings.project(
            "feed",
            "ours.feed",
            {
                "records": output,
                "crop": 129,
                "batch": batch,
                "order": "ours",
                "with_gradient": False,
                "batches": count // batch,
            },
        )
        for count, output in zip(counts, records, strict=True)
    ]
    once = dataclasses.replace(settings, num_rounds=1, round_secs=0.0)
    return Growth(
        "images",
        f"A dataset, by its images of {_IMAGE_SIZE[1]}x{_IMAGE_SIZE[0]}",
        "images",
        [
            _curve(once, "check", counts, read("check")),
            _curve(once, "build", counts, read("without gradient")),
            _curve(once, "one pass of training batches", counts, feed),
        ],
    )


def _curve(
    settings: Settings,
    name: str,
    values: Sequence[int],
    contenders: Sequence[Contender],
    work: Sequence[float] | None = None,
) -> Curve:
    """Measures one contender after the other."""
    results = []
    for value, contender in zip(values, contenders, strict=True):
        settings.report(f"growth: {name}, {value}")
        results += rounds.measure(
            [contender],
            settings.num_rounds,
            round_secs=settings.round_secs,
            report=settings.report,
        )
    return Curve(name, values, results, work or values)


def _predict(
    settings: Settings,
    network: str,
    size: int = _PREDICT_SIZE,
    num_classes: int = networks.NUM_CLASSES,
    batch: int = 1,
) -> Contender:
    name = f"{network}_{size}_{num_classes}"
    options = dataclasses.replace(networks.NETWORKS[network], num_classes=num_classes)
    model = settings.path("growth", name, "export", "frozen_inference_graph.pb")
    missing = None
    if batch == 1:  # Larger batches use the same export.
        checkpoint = settings.path("growth", name, "model.ckpt")
        networks.write_checkpoint(options, checkpoint)
        missing = networks.export(options, checkpoint, model, size)
    images = settings.path("growth", f"images_{batch}_{size}.npy")
    np.save(images, networks.draw_images(batch, size))
    parameters = {"model": model, "images": images, "batch": batch, "engine": "tensorflow"}
    return settings.project(name, "ours.predict", parameters, missing)


def _train(
    settings: Settings,
    network: str,
    crop: int = _TRAIN_SIZE,
    batch: int = _TRAIN_BATCH,
    num_classes: int = networks.NUM_CLASSES,
    clones: int = 1,
) -> Contender:
    parameters = {
        "network": network,
        "crop": crop,
        "batch": batch,
        "num_classes": num_classes,
        "clones": clones,
    }
    return settings.project("train", "ours.train", parameters)


def _copies(settings: Settings, count: int) -> str:
    """Makes a folder of many images that differ in their last bytes; returns it."""
    drawn = settings.path("growth", "drawn", "")
    dataset.draw(drawn, min(count, _DRAWN_IMAGES), *_IMAGE_SIZE)
    originals = dataset.pairs(drawn)
    directory = settings.path("growth", f"images_{count}", "")
    for name in ("images", "masks"):
        os.makedirs(os.path.join(directory, name), exist_ok=True)
    shutil.copy(os.path.join(drawn, "classes.json"), directory)
    for index in range(count):
        image, mask = originals[index % len(originals)]
        image_copy, mask_copy = dataset.paths(directory, index)
        if os.path.exists(mask_copy):
            continue
        with open(image, "rb") as source, open(image_copy, "wb") as target:
            target.write(source.read() + index.to_bytes(8, "big"))
        shutil.copy(mask, mask_copy)
    return directory
