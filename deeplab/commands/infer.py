"""Writes colored masks of images and videos: infer.py. `infer_flags` has its words and flags."""

import dataclasses
import logging
import os
import sys
import tempfile
import warnings

from PIL import Image

from commands import published_models, warning_lines
from commands.flags import Flags
from common import files, image_files
from common.texts import printable
from deeplab.commands import infer_images, infer_inputs, infer_videos
from deeplab.commands.infer_flags import InferOptions
from serving import export_file, geotiff, memory, results, tiling
from serving.deeplab_model import DeepLabModel, ImageShrunkWarning, ImageTiledWarning
from serving.engines.engine import EngineSkippedWarning
from serving.labels import label_files
from serving.video import video_inference

# From so many on it pays to find out which engine is the fastest.
_MANY_IMAGES = 50


def main(flags: Flags, arguments: list[str]) -> int:
    """Turns flags into options and segments images and videos; returns the exit status."""
    if not arguments:
        raise ValueError(
            "which images? python infer.py IMAGES…: images or videos, folders, patterns, camera:0 "
            "or addresses."
        )
    _set_up_output()
    given = flags.options(InferOptions)
    if given.model is not None:
        given = dataclasses.replace(given, model=published_models.find(given.model))
    with tempfile.TemporaryDirectory() as download_folder:
        return _segment(given, arguments, download_folder)


def _segment(given: InferOptions, arguments: list[str], download_folder: str) -> int:
    options = results.ResultOptions(
        given.opacity, given.legend, given.save_ids, given.save_probabilities
    )
    tiles = tiling.TileOptions(tiling.parse_tile(given.tile), given.overlap)
    if given.label_tolerance and given.save_labels is None:
        raise ValueError("--label_tolerance goes with --save_labels=labelme or coco.")
    if given.runner is not None:
        if given.save_labels is not None:
            raise ValueError("--save_labels does not go with --runner; omit one or the other.")
        if given.frames_per_second is not None or given.temporal_smoothing:
            raise ValueError(
                "--frames_per_second and --temporal_smoothing are of videos, and --runner takes "
                "images only; omit one or the other."
            )
        from deeplab.commands import infer_beam
        from serving.beam import file_store

        if not file_store.is_remote(given.output):
            _check_output(given.output)
        return infer_beam.segment(given, arguments, options, tiles)
    if given.beam_options:
        raise ValueError("--beam_options goes with --runner, the engine that takes them.")
    output = given.output
    _check_output(output)
    inputs = infer_inputs.find(arguments, download_folder)
    for note in inputs.notes:
        print(f"note: {note}", file=sys.stderr)
    for problem in inputs.problems:
        print(f"error: {problem}", file=sys.stderr)
    paths = inputs.images
    if inputs.is_empty:
        return 1
    if inputs.videos and given.save_probabilities:
        raise ValueError(
            f"--save_probabilities: {inputs.videos[0].shown} is a video, whose probabilities are "
            "not written; --save_ids writes class ids of its frames."
        )
    if given.save_labels is not None:
        _check_labeled(inputs)
    georeferenced = next(filter(geotiff.loses_reference, paths), None)
    if georeferenced is not None:
        print(
            f"note: {printable(georeferenced)} is georeferenced, and its mask will not be: make "
            "setup-geo installs what that needs.",
            file=sys.stderr,
        )
    names = results.choose_names(inputs.name_paths)
    video_names = results.choose_names([video.name_path for video in inputs.videos])
    infer_images.check_results(inputs, names, output, options)
    infer_videos.check_results(inputs, video_names, output, options)
    if given.save_labels is not None:
        label_files.check(given.save_labels, output, names)
    limit = memory.default_limit()
    if given.memory_limit_mb is not None:
        limit = given.memory_limit_mb * memory.MIB
    with DeepLabModel(
        given.model or export_file.find_newest_export(),
        given.engine,
        precision=given.precision,
        num_threads=given.num_threads,
        try_engines=len(paths) >= _MANY_IMAGES or bool(inputs.videos),
        trust=given.trust,
    ) as model:
        model.plan_tiles(*model.crop_size, tiles.tile, tiles.overlap)  # Refuses wrong values.
        budget = memory.Budget(limit)
        _make(output)
        results.remove_leftovers(output)
        status = 1 if inputs.problems else 0
        if paths:
            num_failed = infer_images.segment(model, given, inputs, names, options, tiles, budget)
            status = status or min(num_failed, 1)
        if inputs.videos:
            how = video_inference.VideoOptions(
                given.frames_per_second,
                given.temporal_smoothing,
                given.batch_size,
                tiles,
                given.max_pixels,
            )
            video_status = infer_videos.segment(
                model, inputs.videos, video_names, output, options, how, budget
            )
            status = max(status, video_status)  # That of an interruption is the larger.
    return status


def _check_labeled(inputs: infer_inputs.Inputs) -> None:
    """Raises ValueError if there is something else than files of images, to which labels refer."""
    if inputs.videos:
        raise ValueError(
            f"--save_labels: {inputs.videos[0].shown} is a video; labels are of images only."
        )
    for shown in inputs.shown.values():
        raise ValueError(
            f"--save_labels: {shown} is an address, and labels name files of images; download it "
            "first."
        )


def _set_up_output() -> None:
    """Has everything that is printed stay readable, and our own lines the only ones."""
    warnings.simplefilter("ignore", ImageShrunkWarning)  # `infer_images` and `infer_videos` …
    warnings.simplefilter("ignore", ImageTiledWarning)  # … say it once, with the file.
    warning_lines.print_as_notes(EngineSkippedWarning)
    # About metadata, which nobody reads here.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    warnings.filterwarnings("ignore", module="rasterio")
    logging.getLogger("rasterio").setLevel(logging.CRITICAL)  # What it logs, it raises as well.
    image_files.silence_libtiff()
    # The budget bounds the size of images, by the memory that there is, and --max_pixels.
    Image.MAX_IMAGE_PIXELS = None


def _check_output(folder: str) -> None:
    """Makes sure, before anything is loaded, that results can be written.

    Raises:
      ValueError: they cannot.
    """
    obstacle = files.find_obstacle(folder)
    if obstacle is not None:
        path, problem = obstacle
        raise ValueError(
            f"--output={printable(folder)}: {printable(path)} {problem}; choose another --output."
        )


def _make(folder: str) -> None:
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise ValueError(
            f"--output={printable(folder)} cannot be made ({error.strerror}); choose another "
            "--output."
        ) from None
