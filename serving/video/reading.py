"""Frames of video files, cameras and streams, read by OpenCV's FFmpeg.

OpenCV is imported when the first video is opened.
"""

import contextlib
import math
import os
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from common import video_files
from common.texts import printable
from serving.video.sampling import Sampler
from serving.video.sources import SILENCE_SECS, Source

if TYPE_CHECKING:
    import cv2

# What is believed of a container; others are wrong, or say the clock's ticks.
_MAX_RATE = 1000.0
_UNKNOWN_RATE = 25.0
# Each thread of a decoder holds frames of its own: as many as the machine has cores would make
# memory depend on the machine.
_MAX_THREADS = 4
_MAX_NUM_FRAMES = 1 << 40
# A file ends early if this share of its length is missing, and some frames.
_MISSING_SHARE = 0.05
_MISSING_FRAMES = 2
# Frames follow each other evenly if their distances differ by no more than this factor.
_UNEVEN = 1.5
_FFMPEG_QUIET = "-8"
# A server that is silent is waited for no longer when the video is closed.
_PATIENCE_SECS = 3.0


class Frame(NamedTuple):
    """A frame of a video.

    Attributes:
      pixels: uint8 [height, width, 3], RGB.
      time_secs: since the first frame.
    """

    pixels: np.ndarray
    time_secs: float


def import_quietly():
    """Returns OpenCV, which reports what goes wrong by results only, and not on stderr."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", _FFMPEG_QUIET)
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")  # It is read at the import.
    try:
        import cv2
    except ModuleNotFoundError:
        raise ValueError(
            "videos, cameras and streams need OpenCV: pip install opencv-python-headless"
        ) from None
    with contextlib.suppress(AttributeError):
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    return cv2


class VideoReader:
    """A video that is being read; close it, or use it as a context.

    Frames are upright, and all have the size of the first: a stream that changes its size is scaled
    to that.

    Attributes:
      source: what is read.
      height, width: of its frames.
      rate: frames a second.
      num_frames: how many the container says it has, more or less; None if unknown.
      is_live: whether it goes on without an end.
      num_seen: frames that have been read so far, those that were not taken included.
      is_uneven: whether frames have come that are not evenly spaced in time.

    Raises:
      ValueError: it cannot be read; the message names it.
    """

    def __init__(self, source: Source):
        self.source = source
        self.num_seen = 0
        self.is_uneven = False
        self._cv2 = import_quietly()
        self._busy = threading.Lock()
        self._is_closed = False
        with contextlib.ExitStack() as stack:
            try:
                self._capture = self._open(stack)
                first = self._decode() if self._capture.grab() else None
            except self._cv2.error as error:
                raise ValueError(f"{source.shown}: {_one_line(error)}") from None
            if first is None:
                raise ValueError(f"{source.shown}: {self._explain()}")
            self._stack = stack.pop_all()
        self._first: np.ndarray | None = first
        self.height, self.width = first.shape[:2]
        rate = self._get(self._cv2.CAP_PROP_FPS)
        self.rate = rate if 0 < rate <= _MAX_RATE else _UNKNOWN_RATE
        count = self._get(self._cv2.CAP_PROP_FRAME_COUNT)
        is_known = not source.is_live and 0 < count < _MAX_NUM_FRAMES
        self.num_frames = round(count) if is_known else None
        self.is_live = source.is_live or (source.may_be_live and self.num_frames is None)
        self._last_secs = 0.0

    def __enter__(self) -> "VideoReader":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        """Ends reading, also while another thread reads."""
        self._is_closed = True
        if self._busy.acquire(timeout=_PATIENCE_SECS):
            self._stack.close()
            self._busy.release()

    def frames(self, sampler: Sampler) -> Iterator[Frame]:
        """Yields the frames that a sampler takes, to the end; can be called once."""
        assert self._first is not None, "the frames have been read"
        pixels, self._first = self._first, None
        began = self._clock()
        self.num_seen = 1
        if sampler.takes(0.0):
            yield Frame(pixels, 0.0)
        del pixels
        while self._grab():
            time_secs = self._clock() - began
            if time_secs <= self._last_secs:  # Some containers do not know.
                time_secs = self._last_secs + 1 / self.rate
            distance = (time_secs - self._last_secs) * self.rate
            self.is_uneven |= not 1 / _UNEVEN < distance < _UNEVEN
            self._last_secs = time_secs
            self.num_seen += 1
            if sampler.takes(time_secs):
                with self._busy:
                    frame = None if self._is_closed else self._decode()
                if frame is not None:
                    yield Frame(frame, time_secs)

    def ends_early(self) -> bool:
        """Returns whether the frames read so far are clearly fewer than the container says."""
        if self.num_frames is None or self.is_live:
            return False
        # By number and by time: for a rate that varies, either alone may mislead.
        missing = self.num_frames - max(self.num_seen, self._last_secs * self.rate + 1)
        return missing > max(_MISSING_FRAMES, _MISSING_SHARE * self.num_frames)

    def _open(self, stack: contextlib.ExitStack) -> "cv2.VideoCapture":
        cv2 = self._cv2
        address = self.source.address
        if isinstance(address, int):
            capture = cv2.VideoCapture(address)
        else:
            how = [cv2.CAP_PROP_N_THREADS, min(_MAX_THREADS, os.cpu_count() or 1)]
            if self.source.is_file:
                # Absolute, since what stands before a colon would be taken for a protocol.
                address = _encodable(os.path.abspath(address), stack)
            else:
                secs = 1000 * SILENCE_SECS
                how += [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, secs, cv2.CAP_PROP_READ_TIMEOUT_MSEC, secs]
            capture = cv2.VideoCapture(address, cv2.CAP_FFMPEG, how)
        stack.callback(capture.release)
        return capture

    def _explain(self) -> str:
        """Returns why no frame comes."""
        if self.source.is_camera:
            return (
                "the camera cannot be read: there is none of that number, another program uses it, "
                "or you may not (on Linux, its users are in the group video)."
            )
        if self.source.is_file:
            return (
                "the video cannot be read: it is truncated or damaged, holds no frames, or has a "
                "codec that OpenCV does not know."
            )
        return "no video can be read from this address."

    def _get(self, what: int) -> float:
        value = self._capture.get(what)
        return value if math.isfinite(value) else 0.0

    def _grab(self) -> bool:
        try:
            with self._busy:
                return not self._is_closed and self._capture.grab()
        except self._cv2.error as error:
            raise ValueError(f"{self.source.shown}: {_one_line(error)}") from None

    def _decode(self) -> np.ndarray | None:
        """Returns the frame that was grabbed as RGB; None if it is damaged."""
        is_there, pixels = self._capture.retrieve()
        if not is_there or pixels is None or not pixels.size:
            return None
        cv2 = self._cv2
        if self.num_seen and pixels.shape[:2] != (self.height, self.width):
            pixels = cv2.resize(pixels, (self.width, self.height), interpolation=cv2.INTER_AREA)
        is_gray = pixels.ndim == 2 or pixels.shape[2] == 1
        return cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB if is_gray else cv2.COLOR_BGR2RGB)

    def _clock(self) -> float:
        """Returns the time of the frame that was grabbed, in seconds."""
        if self.is_live:
            return time.monotonic()
        return self._get(self._cv2.CAP_PROP_POS_MSEC) / 1000


def check_file(path: str) -> None:
    """Refuses (ValueError) a file that does not begin as a video does.

    FFmpeg itself would read playlists, which lead to other files and to addresses.
    """
    with open(path, "rb") as file:
        head = file.read(video_files.HEAD_BYTES)
    if not head:
        raise ValueError(f"{printable(path)}: the file is empty. Copy it again, or remove it.")
    if not video_files.is_video(head):
        raise ValueError(f"{printable(path)}: not a video file that can be read.")


def _encodable(path: str, stack: contextlib.ExitStack) -> str:
    """Returns a path for a program that takes only names in UTF-8."""
    try:
        path.encode()
    except UnicodeEncodeError:
        descriptor = os.open(path, os.O_RDONLY)
        stack.callback(os.close, descriptor)
        return f"/dev/fd/{descriptor}"
    return path


def _one_line(error: Exception) -> str:
    return printable(" ".join(str(error).split()))
