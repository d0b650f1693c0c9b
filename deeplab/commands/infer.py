"""Writes colored masks of images: infer.py. `infer_flags` has its words and flags."""

import dataclasses
import functools
import logging
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Mapping, Sequence

from PIL import Image
from tqdm import tqdm

from commands.flags import Flags
from common import files, image_files
from common.texts import printable
from deeplab.commands import infer_beam, infer_inputs, infer_videos
from deeplab.commands.infer_flags import InferOptions
from serving import export_file, file_inference, geotiff, memory, results, tiling
from serving.deeplab_model import DeepLabModel, ImageShrunkWarning, ImageTiledWarning
from serving.drawing import visualize
from serving.video import video_inference

# From so many on it pays to find out which engine is the fastest.
_MANY_IMAGES = 50

# An image that takes less time needs no bar of its own.
_BAR_DELAY_SECS = 2

# Height and width up to which a larger crop is a way out: memory grows with it.
_LARGEST_CROP = 2049


def main(flags: Flags, arguments: list[str]) -> int:
    """Turns flags into options and segments the images; returns the exit status."""
    if not arguments:
        raise ValueError(
            "which images? python infer.py IMAGES…: images or videos, folders, patterns, camera:0 "
            "or addresses."
        )
    _set_up_output()
    with tempfile.TemporaryDirectory() as download_folder:
        return _segment(flags.options(InferOptions), arguments, download_folder)


def _segment(given: InferOptions, arguments: list[str], download_folder: str) -> int:
    options = results.ResultOptions(
        given.opacity, given.legend, given.save_ids, given.save_probabilities
    )
    tiles = tiling.TileOptions(_parse_tile(given.tile), given.overlap)
    if given.runner is not None:
        if given.frames_per_second is not None or given.temporal_smoothing:
            raise ValueError(
                "--frames_per_second and --temporal_smoothing are of videos, and --runner takes "
                "images only; omit one or the other."
            )
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
    georeferenced = next(filter(geotiff.loses_reference, paths), None)
    if georeferenced is not None:
        print(
            f"note: {printable(georeferenced)} is georeferenced, and its mask will not be: make "
            "setup-geo installs what that needs.",
            file=sys.stderr,
        )
    names = results.choose_names(inputs.name_paths)
    video_names = results.choose_names([video.name_path for video in inputs.videos])
    _check_inputs_survive(paths, names, output, options)
    infer_inputs.check_results(inputs, video_names, output, options)
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
            num_failed = _segment_images(model, given, inputs, names, options, tiles, budget)
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


def _segment_images(
    model: DeepLabModel,
    given: InferOptions,
    inputs: infer_inputs.Inputs,
    names: Sequence[str],
    options: results.ResultOptions,
    tiles: tiling.TileOptions,
    budget: memory.Budget,
) -> int:
    """Segments the images and says what became of them; returns how many have failed."""
    paths, output = inputs.images, given.output
    num_failed = num_shrunk = 0
    tile_progress = _TileProgress(inputs.shown)
    start = time.time()
    outcomes = file_inference.segment_files(
        model,
        paths,
        names,
        output,
        options,
        given.batch_size,
        budget,
        tiles,
        given.max_pixels,
        functools.partial(tile_progress.update, model),
    )
    for outcome in tqdm(outcomes, total=len(paths), unit="image", disable=None):
        num_failed += outcome.error is not None
        stream = sys.stdout if outcome.error is None else sys.stderr
        outcome = _as_shown(outcome, inputs.shown)
        tqdm.write(_report(outcome, model), file=stream)
        if outcome.network_size != outcome.size:
            num_shrunk += 1
            if num_shrunk == 1:
                tqdm.write(_shrunk_warning(outcome, model), file=sys.stderr)
    num_written = len(paths) - num_failed
    written = ", ".join(map(printable, results.result_paths(output, "NAME", options)))
    print(
        f"{num_written} of {len(paths)} images, {num_written / (time.time() - start):.1f} "
        f"images/s: {written}"
    )
    if len(tile_progress.paths) > 1:
        print(
            f"note: {len(tile_progress.paths)} of {len(paths)} images are larger than the model "
            "takes and ran in tiles",
            file=sys.stderr,
        )
    if num_shrunk > 1:
        print(
            f"warning: {num_shrunk} of {len(paths)} images are larger than the model takes and "
            "were shrunk for it; see above",
            file=sys.stderr,
        )
    return num_failed


def _as_shown(outcome: file_inference.Outcome, shown: Mapping[str, str]) -> file_inference.Outcome:
    """Returns an outcome in which a downloaded image has its address for the path."""
    name = shown.get(outcome.path)
    if name is None:
        return outcome
    error = outcome.error
    if error is not None:
        reason = getattr(error, "strerror", None) or str(error)
        error = ValueError(reason.replace(printable(outcome.path), name))
    return dataclasses.replace(outcome, path=name, error=error)


def _set_up_output() -> None:
    """Has everything that is printed stay readable, and our own lines the only ones."""
    warnings.simplefilter("ignore", ImageShrunkWarning)  # `_shrunk_warning` says it …
    warnings.simplefilter("ignore", ImageTiledWarning)  # … and `_TileProgress`.
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


def _parse_tile(value: str) -> str | int:
    if value in (tiling.AUTO, tiling.OFF):
        return value
    if not value.isdecimal():
        raise ValueError(
            f"--tile={printable(value)}: expected {tiling.AUTO}, {tiling.OFF}, or the side of "
            "tiles in pixels."
        )
    return int(value)


class _TileProgress:
    """Says once that images run in tiles, and shows on a terminal how far one has come.

    Attributes:
      paths: the images that have run in tiles.
    """

    def __init__(self, shown: Mapping[str, str]) -> None:
        """Takes how messages call an image, where that is not its path."""
        self.paths: set[str] = set()
        self._shown = shown
        self._bar: tqdm | None = None

    def update(
        self, model: DeepLabModel, path: str, size: tuple[int, int], done: int, total: int
    ) -> None:
        """See `file_inference.Progress`."""
        if not done:
            if not self.paths:
                name = self._shown.get(path) or printable(path)
                tqdm.write(
                    f"note: {name} is {size[0]}x{size[1]} (height x width), and the "
                    f"model takes at most {model.crop_size[0]}x{model.crop_size[1]}: it runs in "
                    f"{total} overlapping tiles, which takes the time of {total} images. "
                    "--tile=off shrinks it, --overlap=0.25 takes fewer.",
                    file=sys.stderr,
                )
            self.paths.add(path)
            self._bar = tqdm(
                total=total, unit="tile", leave=False, disable=None, delay=_BAR_DELAY_SECS
            )
        if self._bar is not None:
            self._bar.update(done - self._bar.n if not self._bar.disable else 0)
            if done == total:
                self._bar.close()


def _shrunk_warning(outcome: file_inference.Outcome, model: DeepLabModel) -> str:
    """Returns what to say of the first image that was shrunk."""
    assert outcome.size is not None, "an image that was shrunk has been read"
    assert outcome.network_size is not None
    height, width = outcome.size
    larger = "a larger --crop_size"
    if max(outcome.size) <= _LARGEST_CROP:
        # Output strides are 8, 16 or 32, and crops a multiple of them plus one.
        larger = "--crop_size=" + ",".join(str(-(-(n - 1) // 32) * 32 + 1) for n in outcome.size)
    return (
        f"warning: {printable(outcome.path)} is {height}x{width} (height x width), and the model "
        f"takes at most {model.crop_size[0]}x{model.crop_size[1]}: it was shrunk to "
        f"{outcome.network_size[0]}x{outcome.network_size[1]}, so small objects are lost. Run it "
        f"in tiles with --tile={min(model.crop_size)}, or export the checkpoint again with "
        f"{larger}."
    )


def _check_inputs_survive(
    paths: Sequence[str], names: Sequence[str], output: str, options: results.ResultOptions
) -> None:
    """Makes sure that no result is written over an image.

    Raises:
      ValueError: one would be.
    """
    read = {os.path.realpath(path) for path in paths}
    for path, name in zip(paths, names, strict=True):
        written = results.result_paths(output, name, options)
        if path.lower().endswith(geotiff.ENDINGS):
            written.append(os.path.join(output, name + geotiff.MASK_ENDING))
        for result in written:
            if os.path.realpath(result) in read:
                raise ValueError(
                    f"the result of {printable(path)} would overwrite the image "
                    f"{printable(result)}; choose another --output."
                )


def _report(outcome: file_inference.Outcome, model: DeepLabModel) -> str:
    """Returns a line about an image: its classes, the largest first, or why it failed."""
    path = printable(outcome.path)
    if outcome.error is not None:
        message = str(outcome.error)
        if isinstance(outcome.error, OSError) and outcome.error.strerror:
            message = outcome.error.strerror  # Without number and a name in quotes.
        message = printable(" ".join(message.split()))
        return f"error: {message if path in message else f'{path}: {message}'}"
    found = outcome.shares
    assert found is not None, "an image without an error has been segmented"
    classes = sorted(
        (class_id for class_id in range(model.num_classes) if found[class_id] > 0),
        key=lambda class_id: -found[class_id],
    )
    shares = ", ".join(
        f"{printable(model.class_names[class_id])} {visualize.format_share(found[class_id])}"
        for class_id in classes
    )
    return f"{path}: {shares}"
