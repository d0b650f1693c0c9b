"""The part of infer.py that segments images, and what it says of them."""

import dataclasses
import functools
import os
import sys
import time
from collections.abc import Mapping, Sequence

from tqdm import tqdm

from common.texts import printable
from deeplab.commands.infer_flags import InferOptions
from deeplab.commands.infer_inputs import Inputs
from serving import file_inference, geotiff, memory, results, tiling
from serving.deeplab_model import DeepLabModel
from serving.drawing import visualize
from serving.labels import label_files

# An image that takes less time needs no bar of its own.
_BAR_DELAY_SECS = 2

# Height and width up to which a larger crop is a way out: memory grows with it.
_LARGEST_CROP = 2049


def check_results(
    inputs: Inputs, names: Sequence[str], output: str, options: results.ResultOptions
) -> None:
    """Makes sure that no result of an image is written over a file that is read.

    Raises:
      ValueError: one would be.
    """
    read = inputs.files()
    for path, name in zip(inputs.images, names, strict=True):
        written = results.result_paths(output, name, options)
        if path.lower().endswith(geotiff.ENDINGS):
            written.append(os.path.join(output, name + geotiff.MASK_ENDING))
        for result in written:
            if os.path.realpath(result) in read:
                shown = inputs.shown.get(path) or printable(path)
                raise ValueError(
                    f"the result of {shown} would overwrite the image {printable(result)}; choose "
                    "another --output."
                )


def segment(
    model: DeepLabModel,
    given: InferOptions,
    inputs: Inputs,
    names: Sequence[str],
    options: results.ResultOptions,
    tiles: tiling.TileOptions,
    budget: memory.Budget,
) -> int:
    """Segments the images and says what became of them; returns how many have failed."""
    if given.save_labels is None:
        return _segment(model, given, inputs, names, options, tiles, budget, None)
    with label_files.writing(
        given.save_labels, given.output, inputs.images, model.class_names, given.label_tolerance
    ) as labels:
        return _segment(model, given, inputs, names, options, tiles, budget, labels)


def _segment(
    model: DeepLabModel,
    given: InferOptions,
    inputs: Inputs,
    names: Sequence[str],
    options: results.ResultOptions,
    tiles: tiling.TileOptions,
    budget: memory.Budget,
    labels: label_files.LabelWriter | None,
) -> int:
    paths, output = inputs.images, given.output
    num_failed = num_shrunk = 0
    tile_progress = _TileProgress(inputs.shown, tiles)
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
        labels.describe if labels is not None else None,
    )
    for outcome in tqdm(outcomes, total=len(paths), unit="image", disable=None):
        num_failed += outcome.error is not None
        stream = sys.stdout if outcome.error is None else sys.stderr
        if labels is not None and outcome.error is None:
            labels.add(outcome.path, outcome.described)
        outcome = _as_shown(outcome, inputs.shown)
        tqdm.write(_report(outcome, model), file=stream)
        if outcome.network_size != outcome.size:
            num_shrunk += 1
            if num_shrunk == 1:
                tqdm.write(_shrunk_warning(outcome, model), file=sys.stderr)
    num_written = len(paths) - num_failed
    written_paths = results.result_paths(output, "NAME", options)
    if labels is not None:
        written_paths.append(labels.written)
    summary = f"{num_written} of {len(paths)} images"
    if num_written:
        rate = num_written / (time.time() - start)
        summary += f", {rate:.1f} images/s: {', '.join(map(printable, written_paths))}"
    print(summary)
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


class _TileProgress:
    """Says once that images run in tiles, and shows on a terminal how far one has come.

    Attributes:
      paths: the images that have run in tiles.
    """

    def __init__(self, shown: Mapping[str, str], tiles: tiling.TileOptions) -> None:
        """Takes how messages call an image, where that is not its path, and how it is tiled."""
        self.paths: set[str] = set()
        self._shown = shown
        self._tiles = tiles
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
                    f"{self._tiles.advice('it')}",
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
        # It holds what it held before. Output strides are 8, 16 or 32, crops a multiple plus one.
        sides = [max(pair) for pair in zip(outcome.size, model.crop_size, strict=True)]
        larger = "--crop_size=" + ",".join(str(-(-(side - 1) // 32) * 32 + 1) for side in sides)
    return (
        f"warning: {printable(outcome.path)} is {height}x{width} (height x width), and the model "
        f"takes at most {model.crop_size[0]}x{model.crop_size[1]}: it was shrunk to "
        f"{outcome.network_size[0]}x{outcome.network_size[1]}, so small objects are lost. Run it "
        f"in tiles with --tile={min(model.crop_size)}, or export the checkpoint again with "
        f"{larger}."
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
