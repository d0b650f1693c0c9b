"""A video in, its overlay out: reading, the network and writing overlap, in constant memory."""

import dataclasses
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from serving import memory, tiling
from serving.results import ResultOptions
from serving.video.channel import Channel
from serving.video.reading import Frame, VideoReader
from serving.video.results import DrawnFrame, ResultWriter
from serving.video.sampling import Sampler
from serving.video.smoothing import Smoother

if TYPE_CHECKING:
    from serving.deeplab_model import DeepLabModel

# How often the network's thread looks whether it is to end while no frame comes.
_POLL_SECS = 0.2
# A reader that waits for a server is left behind after this.
_PATIENCE_SECS = 3.0

# Threads that draw overlays, which for large frames takes longer than a small network.
_NUM_PAINTERS = min(4, os.cpu_count() or 1)

# Bytes per pixel of a frame: what a decoder keeps (some 16 frames of 1.5 bytes, and one as it is
# converted), a frame that waits for the network, one that waits to be drawn, and what each painter
# and the encoder take.
_DECODER_BYTES = 30
_READ_BYTES = 3
_SEGMENTED_BYTES = 4
_PAINTER_BYTES = 30
_ENCODER_BYTES = 20


@dataclasses.dataclass(frozen=True)
class VideoOptions:
    """How a video is segmented.

    Attributes:
      frames_per_second: how many frames are taken, evenly spaced in time; None for all.
      smoothing: weight of the past in an average of probabilities over time; 0 for none.
      batch_size: frames that run through the network together, at most.
      tiles: what becomes of frames larger than the network takes.
      max_pixels: a video with larger frames is refused; None for no limit.
    """

    frames_per_second: float | None = None
    smoothing: float = 0.0
    batch_size: int = 4
    tiles: tiling.TileOptions = dataclasses.field(default_factory=tiling.TileOptions)
    max_pixels: int | None = None


@dataclasses.dataclass(frozen=True)
class VideoOutcome:
    """What became of a video.

    Attributes:
      paths: what was written.
      num_frames: frames that were written.
      num_seen: frames that were read, those that were not taken included; of a partial video, how
        many it has.
      num_dropped: frames of a live source that were not waited for.
      rate: frames a second of what was written.
      seconds: how long it took.
      shares: float64 [num_classes], each class's share of the pixels of all frames.
      is_partial: whether it was interrupted before its end.
      ends_early: whether the file has fewer frames than it says.
      is_uneven: whether its frames were not evenly spaced in time.
      has_legend: whether the overlay has one.
    """

    paths: Sequence[str]
    num_frames: int
    num_seen: int
    num_dropped: int
    rate: float
    seconds: float
    shares: np.ndarray
    is_partial: bool
    ends_early: bool
    is_uneven: bool
    has_legend: bool


def segment_video(
    model: "DeepLabModel",
    reader: VideoReader,
    name: str,
    directory: str,
    results: ResultOptions,
    options: VideoOptions,
    budget: memory.Budget,
    is_interrupted: Callable[[], bool] = lambda: False,
    progress: Callable[[int], object] = lambda _: None,
) -> VideoOutcome:
    """Segments the frames of a video and writes them as one.

    Args:
      model: the network.
      reader: the video, whose frames have not been read.
      name: what the names of its results begin with.
      directory: an existing folder for them.
      results: what to write.
      options: how.
      budget: bounds the memory that this process takes.
      is_interrupted: whether to end now. What a live source has shown by then is complete, a file
        partial.
      progress: called with a number of frames that are through the network.

    Raises:
      ValueError: it cannot be read to its end, takes too much memory, or has no frames.
      OSError: the results cannot be written.
    """
    smoother = None
    if options.smoothing:
        smoother = Smoother(model, options.smoothing, options.tiles)
    batch_size = _fit_batch(model, reader, options, smoother, budget)
    sampler = Sampler(options.frames_per_second, reader.rate)
    rate = min(reader.rate, options.frames_per_second or reader.rate)
    unsegmented: Channel[Frame] = Channel(batch_size, keeps_newest=reader.is_live)
    segmented: Channel[tuple[np.ndarray, np.ndarray]] = Channel(batch_size)
    size = (reader.height, reader.width)
    start = time.monotonic()
    with ResultWriter(
        directory, name, size, rate, model.class_names, model.palette, results
    ) as writer:
        reading = _start(_read, reader.frames(sampler), unsegmented)
        writing = _start(_write, segmented, writer)
        try:
            for batch in _batches(unsegmented, batch_size, is_interrupted):
                frames = [frame.pixels for frame in batch]
                segmentations = _segment(model, smoother, frames, options.tiles)
                for item in zip(frames, segmentations, strict=True):
                    segmented.put(item)
                progress(len(batch))
            has_ended = unsegmented.is_over
            segmented.close()
            writing.join()
            segmented.raise_error()
        finally:
            unsegmented.abandon()
            segmented.abandon()
            writing.join()
            reading.join(_PATIENCE_SECS)
        if not writer.num_frames:
            raise ValueError(f"{reader.source.shown}: interrupted before its first frame was done.")
    is_partial = not has_ended and not reader.is_live
    return VideoOutcome(
        writer.partial_paths() if is_partial else writer.complete(),
        writer.num_frames,
        (reader.num_frames or reader.num_seen) if is_partial else reader.num_seen,
        unsegmented.num_dropped,
        rate,
        time.monotonic() - start,
        writer.shares,
        is_partial,
        reader.ends_early() and not is_partial,
        reader.is_uneven and not reader.is_live,
        writer.has_legend,
    )


def _fit_batch(
    model: "DeepLabModel",
    reader: VideoReader,
    options: VideoOptions,
    smoother: Smoother | None,
    budget: memory.Budget,
) -> int:
    """Returns how many frames run together, so that all that is held fits into memory.

    Raises:
      ValueError: not even one does, or frames have more pixels than allowed.
    """
    height, width = reader.height, reader.width
    num_pixels = height * width
    what = f"{reader.source.shown}: frames of {height}x{width} (height x width)"
    if options.max_pixels is not None and num_pixels > options.max_pixels:
        raise ValueError(
            f"{what} have {num_pixels} pixels, more than --max_pixels={options.max_pixels}. Raise "
            "that if you trust the file."
        )
    planned = model.plan_tiles(height, width, options.tiles.tile, options.tiles.overlap)
    fixed = num_pixels * (_DECODER_BYTES + _NUM_PAINTERS * _PAINTER_BYTES + _ENCODER_BYTES)
    if smoother is not None:
        fixed += smoother.num_bytes(height, width)
    elif planned is not None:
        fixed += planned.num_bytes(model.num_blended)
    # Frames wait before the network, are in it, and wait behind it.
    per_frame = num_pixels * (2 * _READ_BYTES + 2 * _SEGMENTED_BYTES)
    if model.resizes_inside and planned is None:
        per_frame += memory.GRAPH_BYTES * num_pixels
    batch_size = (budget.for_images - fixed) // per_frame
    if batch_size < 1:
        needed = -(-(fixed + per_frame) // memory.MIB)
        total = -(-(budget.for_others + fixed + per_frame) // memory.MIB)
        raise ValueError(
            f"{what} take about {needed} MB, and the limit of {budget.limit // memory.MIB} MB "
            f"leaves {budget.for_images // memory.MIB} MB for them. Allow more with "
            f"--memory_limit_mb={total}, or scale the video down."
        )
    return min(options.batch_size, batch_size)


def _start(function: Callable, *arguments) -> threading.Thread:
    # Of no use to a process that ends: a reader may wait for a server meanwhile.
    thread = threading.Thread(target=function, args=arguments, daemon=True)
    thread.start()
    return thread


def _read(frames: Iterator[Frame], unsegmented: Channel[Frame]) -> None:
    """Sends frames until they end, or nobody wants any more."""
    error = None
    try:
        for frame in frames:
            if not unsegmented.put(frame):
                break
    except BaseException as caught:
        error = caught
    unsegmented.close(error)


def _write(segmented: Channel[tuple[np.ndarray, np.ndarray]], writer: ResultWriter) -> None:
    """Draws and writes results until they end, or that fails."""
    drawing: deque[Future[DrawnFrame]] = deque()
    try:
        with ThreadPoolExecutor(_NUM_PAINTERS) as painters:
            while (item := segmented.get()) is not None:
                drawing.append(painters.submit(writer.draw, *item))
                del item  # Otherwise it stays until the next one comes.
                if len(drawing) == _NUM_PAINTERS:
                    writer.write(drawing.popleft().result())
            while drawing:
                writer.write(drawing.popleft().result())
    except BaseException as caught:
        segmented.abandon(caught)


def _batches(
    frames: Channel[Frame], batch_size: int, is_interrupted: Callable[[], bool]
) -> Iterator[list[Frame]]:
    """Yields frames together, until they end or the command is interrupted."""
    batch: list[Frame] = []
    while not is_interrupted():
        frame = frames.get(_POLL_SECS)
        if frame is None and frames.is_over:
            break
        if frame is not None:
            batch.append(frame)
        if len(batch) == batch_size:
            yield batch
            batch = []
    if batch:
        yield batch


def _segment(
    model: "DeepLabModel",
    smoother: Smoother | None,
    frames: Sequence[np.ndarray],
    tiles: tiling.TileOptions,
) -> Iterator[np.ndarray]:
    """Yields the class ids of frames, uint8 [height, width]."""
    if smoother is not None:
        yield from smoother.segment(frames)
        return
    predictions = model.predict_batch(
        frames, ids_type=np.uint8, tile=tiles.tile, overlap=tiles.overlap
    )
    for prediction in predictions:
        yield prediction.ids
