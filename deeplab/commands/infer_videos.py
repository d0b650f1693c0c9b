"""The part of infer.py that segments videos, and what it says of them."""

import os
import sys
from collections.abc import Sequence

from tqdm import tqdm

from common import files
from common.interruption import Interruption
from common.texts import printable
from deeplab.commands.infer_inputs import Inputs
from serving import memory, results
from serving.deeplab_model import DeepLabModel
from serving.drawing import visualize
from serving.video import reading, video_inference
from serving.video import results as video_results
from serving.video.sources import Source
from serving.video.video_inference import VideoOptions, VideoOutcome


def check_results(
    inputs: Inputs, names: Sequence[str], output: str, options: results.ResultOptions
) -> None:
    """Makes sure that no result of a video is written over a file that is read.

    Args:
      inputs: what is read.
      names: for each video, what the names of its results begin with.
      output: folder of the results.
      options: what is written.

    Raises:
      ValueError: one would be.
    """
    read = inputs.files()
    if options.ids_format is not None:
        # A run replaces all frames in the folder.
        frames = filter(video_results.is_frame_of_ids, list(read))
        read.update({os.path.dirname(path): read[path] for path in frames})
    for source, name in zip(inputs.videos, names, strict=True):
        for is_partial in (False, True):
            for path in (
                video_results.overlay_path(output, name, is_partial),
                video_results.ids_path(output, name, is_partial),
            ):
                shown = read.get(os.path.realpath(path))
                if shown is not None:
                    raise ValueError(
                        f"the result of {source.shown} would overwrite {shown}; choose another "
                        "--output."
                    )


def segment(
    model: DeepLabModel,
    sources: Sequence[Source],
    names: Sequence[str],
    output: str,
    written: results.ResultOptions,
    options: VideoOptions,
    budget: memory.Budget,
) -> int:
    """Segments videos one after another, and says what became of each.

    Ctrl-C or SIGTERM ends the command: a camera or a stream is complete then, a file partial.

    Args:
      model: the network.
      sources: the videos.
      names: for each, what the names of its results begin with.
      output: an existing folder for them.
      written: what is written.
      options: how they are segmented.
      budget: bounds the memory of the process.

    Returns:
      Exit status: 0 if all are complete, 1 if one has failed, 128 + the signal if the command was
      interrupted before all were complete.
    """
    status = 0
    if not all(source.is_camera for source in sources):
        _say("note: sound is not carried over to the overlays of videos")
    interruption = Interruption()
    for number, (source, name) in enumerate(zip(sources, names, strict=True)):
        with interruption.listening():
            try:
                outcome = _segment(
                    model, source, name, output, written, options, budget, interruption
                )
            except (ValueError, MemoryError) as error:
                if interruption:
                    _say(f"error: {source.shown}: interrupted ({error})")
                    return interruption.exit_status
                message = str(error) or "it takes more memory than there is."
                _say(
                    f"error: {message if source.shown in message else f'{source.shown}: {message}'}"
                )
                status = 1
                continue
        status = _report(outcome, source, model, written) or status
        if interruption:
            num_left = len(sources) - number - 1
            if num_left:
                _say(f"interrupted: {num_left} of {len(sources)} videos have not been read")
            if num_left or outcome.is_partial:
                return interruption.exit_status
    return status


def _segment(
    model: DeepLabModel,
    source: Source,
    name: str,
    output: str,
    written: results.ResultOptions,
    options: VideoOptions,
    budget: memory.Budget,
    interruption: Interruption,
) -> VideoOutcome:
    if source.is_file:
        try:
            reading.check_file(str(source.address))
        except OSError as error:
            raise ValueError(f"{source.shown}: {files.reason(error)}") from None
    with reading.VideoReader(source) as reader:
        size = (reader.height, reader.width)
        _say_size(model, source, size, options)
        if reader.is_live:
            _say(f"{source.shown}: {size[0]}x{size[1]} (height x width); Ctrl-C ends it")
        total = None
        if reader.num_frames is not None:
            share = min(1.0, (options.frames_per_second or reader.rate) / reader.rate)
            total = round(reader.num_frames * share)
        with tqdm(total=total, unit="frame", leave=False, disable=None) as bar:
            return video_inference.segment_video(
                model,
                reader,
                name,
                output,
                written,
                options,
                budget,
                lambda: bool(interruption),
                bar.update,
            )


def _report(
    outcome: VideoOutcome, source: Source, model: DeepLabModel, written: results.ResultOptions
) -> int:
    """Says what became of a video; returns 1 if its file ends early."""
    order = sorted(range(model.num_classes), key=lambda class_id: -outcome.shares[class_id])
    found = outcome.shares
    shares = ", ".join(
        f"{printable(model.class_names[class_id])} {visualize.format_share(found[class_id])}"
        for class_id in order
        if found[class_id] > 0
    )
    tqdm.write(f"{source.shown}: {shares}")
    count = f"{outcome.num_frames} frames"
    if outcome.num_frames != outcome.num_seen:
        count = f"{outcome.num_frames} of {outcome.num_seen} frames"
    paths = ", ".join(map(printable, outcome.paths))
    tqdm.write(
        f"{count} at {outcome.rate:.5g} a second, {outcome.num_frames / outcome.seconds:.1f} "
        f"frames/s: {paths}"
    )
    if written.legend and not outcome.has_legend:
        _say(f"note: {source.shown} is too small for a legend below its frames")
    if outcome.is_uneven:
        _say(
            f"note: the frames of {source.shown} are not evenly spaced in time; those of its "
            "overlay are"
        )
    if outcome.num_dropped:
        reached = outcome.num_frames / outcome.seconds
        _say(
            f"warning: {source.shown} is faster than the network: {outcome.num_dropped} frames "
            f"were dropped, so that its overlay runs too fast. --frames_per_second={reached:.2g} "
            "takes as many as the network can follow."
        )
    if outcome.is_partial:
        _say(f"interrupted: {source.shown}: the results end there, and are named so")
    if outcome.ends_early:
        _say(
            f"error: {source.shown}: truncated or damaged: it ends after {outcome.num_seen} "
            "frames, and says that it has more. The results hold those that can be read."
        )
        return 1
    return 0


def _say_size(
    model: DeepLabModel, source: Source, size: tuple[int, int], options: VideoOptions
) -> None:
    """Says what becomes of frames that are larger than the model takes."""
    planned = model.plan_tiles(*size, options.tiles.tile, options.tiles.overlap)
    seen = model.fitted_size(*size)
    if planned is None and seen == size:
        return
    larger = (
        f"frames of {source.shown} are {size[0]}x{size[1]} (height x width), and the model takes "
        f"at most {model.crop_size[0]}x{model.crop_size[1]}"
    )
    if planned is not None:
        _say(
            f"note: {larger}: each runs in {planned.num_tiles} overlapping tiles, which takes the "
            f"time of {planned.num_tiles} images. {options.tiles.advice('them')}"
        )
    else:
        _say(
            f"warning: {larger}: they are shrunk to {seen[0]}x{seen[1]}, so small objects are "
            f"lost. Run them in tiles with --tile={min(model.crop_size)}."
        )


def _say(message: str) -> None:
    tqdm.write(message, file=sys.stderr)
