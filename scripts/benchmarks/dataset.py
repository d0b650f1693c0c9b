"""Images and masks for the benchmarks of feeding and building, drawn by the project."""

import dataclasses
import json
import os

import cv2
import numpy as np

from datasets.demo_scenes.classes import CLASS_NAMES, PALETTE
from datasets.demo_scenes.scene import draw_scene
from datasets.records import building, conversion, tfrecords, workers
from datasets.records.building import BuildSettings
from datasets.records.shards_ahead import ShardsAhead
from datasets.segmentation import checks, encoder, record_format, specs
from datasets.segmentation.check_report import Report
from datasets.segmentation.sources import class_file, folder
from reference import converter

# Drawn images are smooth; with this noise they take as many bytes, and so as long to decode, as
# photographs (PASCAL VOC: 500x375 and some 85 kB).
_NOISE = 8.0
_JPEG_QUALITY = 92


def draw(directory: str, count: int, height: int, width: int) -> None:
    """Draws `images/*.jpg`, `masks/*.png` and `classes.json`; what is there is kept."""
    for name in ("images", "masks"):
        os.makedirs(os.path.join(directory, name), exist_ok=True)
    with open(os.path.join(directory, class_file.NAME), "w", encoding="utf-8") as file:
        json.dump({"names": CLASS_NAMES, "palette": np.asarray(PALETTE).tolist()}, file)
    missing = [i for i in range(count) if not all(map(os.path.exists, paths(directory, i)))]

    def draw_one(index: int) -> None:
        image_path, mask_path = paths(directory, index)
        random = np.random.default_rng(index)
        image, mask = draw_scene(random, height, width)
        noisy = np.clip(image + random.normal(0, _NOISE, image.shape), 0, 255)
        bgr = np.ascontiguousarray(noisy.astype(np.uint8)[..., ::-1])
        cv2.imwrite(image_path, bgr, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
        cv2.imwrite(mask_path, mask)

    for _ in workers.map_in_order(draw_one, missing, description="drawing", show_progress=False):
        pass


def paths(directory: str, index: int) -> tuple[str, str]:
    """Returns the files of one example: (image, mask)."""
    name = f"{index:05d}"
    return (
        os.path.join(directory, "images", f"{name}.jpg"),
        os.path.join(directory, "masks", f"{name}.png"),
    )


def pairs(directory: str) -> list[tuple[str, str]]:
    """Returns (image, mask) of every example in a folder."""
    names = sorted(os.listdir(os.path.join(directory, "images")))
    return [paths(directory, int(os.path.splitext(name)[0])) for name in names]


def build(directory: str, records_dir: str, *, with_gradient: bool) -> specs.DatasetSpec:
    """Builds the records of a folder with the project's conversion, without its check."""
    source = folder.open_source(directory, val_fraction=0.0)
    gradient_format = record_format.GRADIENT_FORMATS[0] if with_gradient else None
    plan = encoder.plan_shards(source, records_dir, gradient_format=gradient_format)
    spec, _ = conversion.convert(plan, show_progress=False)
    return spec


def build_checked(directory: str, records_dir: str, *, with_gradient: bool) -> specs.DatasetSpec:
    """Builds the records of a folder as the command does, check included."""
    source = folder.open_source(directory, val_fraction=0.0)
    gradient_format = record_format.GRADIENT_FORMATS[0] if with_gradient else None
    made = encoder.SegmentationEncoder(source, gradient_format)

    def check(ahead: ShardsAhead | None) -> Report:
        records = None if ahead is None else checks.Records(made, ahead)
        return checks.check_source(source, show_progress=False, records=records)

    settings = BuildSettings(records_dir)
    return building.build(made, source.splits, source.problems, check, settings, directory)


def build_plain(directory: str, records_dir: str, spec: specs.DatasetSpec) -> None:
    """Builds the records of a folder with the plain converter, as one shard.

    `spec` is the dataset as the project's conversion describes it.
    """
    split = dataclasses.replace(spec.split("train"), num_shards=1)
    spec = dataclasses.replace(
        spec, directory=records_dir, has_gradient=False, splits={"train": split}
    )
    converter.convert(pairs(directory), tfrecords.shard_path(records_dir, "train", 0, 1))
    specs.write_spec(spec)
