"""Benchmark: describing, from a uint8 image to its captions, with the search of three beams."""

from collections.abc import Sequence

import numpy as np

from captioning.options import ATTENTION, SHOW_AND_TELL
from scripts.benchmarks import captioners, networks, predict
from scripts.benchmarks.report import Table
from scripts.benchmarks.settings import Settings

# (decoder, encoder, side of the encoder's input)
NETWORKS = (
    (SHOW_AND_TELL, "inception_v3", 299),
    (SHOW_AND_TELL, "mobilenet_v2", 224),
    (ATTENTION, "mobilenet_v2", 224),
)
BATCHES = (1, 16)
# (height, width) of the images.
IMAGE_SIZE = (384, 512)


def run(
    settings: Settings,
    cases: Sequence[tuple[str, str, int]] = NETWORKS,
    batches: Sequence[int] = BATCHES,
    image_size: tuple[int, int] = IMAGE_SIZE,
    num_words: int | None = None,
) -> list[Table]:
    """Measures every network with every number of images; a table each.

    A contender that does not find the captions of the first is not measured.
    """
    height, width = image_size
    images = settings.path("caption_predict", "images.npy")
    drawn = networks.draw_images(max(batches), *image_size)
    np.save(images, drawn)
    tables = []
    for decoder, encoder, size in cases:
        description = captioners.describe(decoder, encoder, size, num_words)
        name = f"{captioners.TITLES[decoder]}, {captioners.TITLES[encoder]} at {size} pixels"
        settings.report(f"caption_predict: {name}: the decoder learns captions")
        folder = f"{decoder}_{encoder}"
        checkpoint = settings.path("captioners", folder, "model.ckpt")
        captioners.write_checkpoint(description, drawn, checkpoint)
        export = settings.path("captioners", folder, "export", "frozen_inference_graph.pb")
        missing = captioners.export(checkpoint, export)
        for batch in batches:
            title = f"{name}, {width}x{height} images, batch {batch}"
            settings.report(f"caption_predict: {title}")
            first = predict.answer(settings, captioners.ORIGINALS[decoder])
            shared = {"images": images, "batch": batch}
            contenders = [
                settings.contender(
                    captioners.ORIGINALS[decoder],
                    "plain.caption_predict",
                    {**shared, "checkpoint": checkpoint, "answer": first},
                ),
                settings.contender(
                    "ours",
                    "ours.caption_predict",
                    {**shared, "model": export, "expected": first},
                    missing,
                ),
            ]
            results = settings.measure(contenders)
            key = f"caption_predict_{folder}_batch{batch}"
            tables.append(Table(key, title, "captions/s", batch, results, is_rate=True))
    return tables
