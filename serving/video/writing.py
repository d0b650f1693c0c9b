"""A video that is written frame by frame, by OpenCV's FFmpeg.

OpenCV does not say that a frame did not reach the disk, so the frames of the finished file are
counted before it takes its name.
"""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from common import files
from common.texts import printable
from serving.video.reading import import_quietly

ENDING = ".mp4"
# H.264 plays everywhere, but OpenCV's own packages cannot write it; MPEG-4 part 2 can be always.
_H264 = "avc1"
_MPEG4 = "mp4v"
_NUM_TRIAL_FRAMES = 4
# How often, in frames, there is a look at what room the disk has, and how much there has to be.
_ROOM_INTERVAL = 64
_MIN_ROOM_BYTES = 8 << 20


class VideoWriter:
    """A video that is being written.

    Attributes:
      num_frames: frames that have been written.
    """

    def __init__(self, path: str, shown: str, size: tuple[int, int], rate: float):
        """Opens a video.

        Args:
          path: the file, which ends in `ENDING`.
          shown: its name in messages.
          size: (height, width) of the frames, both even: `even`.
          rate: frames a second.
        """
        _check_encodable(path, shown)
        self.num_frames = 0
        self._path = path
        self._shown = shown
        self._size = size
        self._cv2 = import_quietly()
        codec = _H264 if _can_write(_H264, size, rate) else _MPEG4
        self._writer = _open(path, codec, size, rate)
        if not self._writer.isOpened():
            raise ValueError(
                f"{shown}: OpenCV cannot write a video of {size[0]}x{size[1]} (height x width) "
                f"with {rate:g} frames a second."
            )

    def write(self, pixels: np.ndarray) -> None:
        """Writes a frame, uint8 [height, width, 3], RGB.

        Raises:
          OSError: the disk is full.
        """
        assert pixels.shape == (*self._size, 3), pixels.shape
        self._writer.write(self._cv2.cvtColor(pixels, self._cv2.COLOR_RGB2BGR))
        if self.num_frames % _ROOM_INTERVAL == 0:
            self._check_room()
        self.num_frames += 1

    def finish(self) -> None:
        """Completes the file.

        Raises:
          OSError: frames are missing in it.
        """
        self.close()
        num_arrived = _count_frames(self._path)
        if self.num_frames and num_arrived != self.num_frames:
            self._check_room()
            raise OSError(
                f"{self._shown} cannot be written: {num_arrived} of {self.num_frames} frames "
                "have arrived in the file. Is the disk full?"
            )

    def close(self) -> None:
        self._writer.release()

    def _check_room(self) -> None:
        folder = os.path.dirname(self._path) or "."
        if shutil.disk_usage(folder).free < _MIN_ROOM_BYTES:
            error = OSError(f"{self._shown} cannot be written: {os.strerror(errno.ENOSPC)}")
            error.errno = errno.ENOSPC
            raise error


@contextmanager
def writing(path: str, size: tuple[int, int], rate: float) -> Iterator[VideoWriter]:
    """Opens a video that is there under its name when the block ends, and not when it raises."""
    with files.replacing(path, ENDING) as temporary:
        writer = VideoWriter(temporary, printable(path), size, rate)
        try:
            yield writer
            writer.finish()
        finally:
            writer.close()


def even(size: tuple[int, int]) -> tuple[int, int]:
    """Returns the (height, width) of a video for frames of a size: its sides are even.

    Colors are stored for two by two pixels.
    """
    return size[0] + size[0] % 2, size[1] + size[1] % 2


def pad_to_even(pixels: np.ndarray) -> np.ndarray:
    """Repeats the last row and column of an image [height, width, channels] where it needs one."""
    height, width = even((pixels.shape[0], pixels.shape[1]))
    if (height, width) == pixels.shape[:2]:
        return pixels
    padding = ((0, height - pixels.shape[0]), (0, width - pixels.shape[1]), (0, 0))
    return np.pad(pixels, padding, "edge")


def _check_encodable(path: str, shown: str) -> None:
    """Refuses (ValueError) a path that would end OpenCV, and the process with it."""
    try:
        path.encode()
    except UnicodeEncodeError:
        raise ValueError(
            f"{shown}: OpenCV writes only into folders whose names are UTF-8; choose another "
            "--output."
        ) from None


def _open(path: str, codec: str, size: tuple[int, int], rate: float):
    cv2 = import_quietly()
    fourcc = cv2.VideoWriter.fourcc(*codec)
    return cv2.VideoWriter(path, cv2.CAP_FFMPEG, fourcc, rate, (size[1], size[0]))


def _can_write(codec: str, size: tuple[int, int], rate: float) -> bool:
    """Tries a codec out: an encoder of hardware that is not there may open all the same."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, f"trial{ENDING}")
        writer = _open(path, codec, size, rate)
        if not writer.isOpened():
            return False
        for _ in range(_NUM_TRIAL_FRAMES):
            writer.write(np.zeros([*size, 3], np.uint8))
        writer.release()
        return _count_frames(path) == _NUM_TRIAL_FRAMES


def _count_frames(path: str) -> int:
    """Returns how many frames a file of ours says it has; 0 if it cannot be read."""
    cv2 = import_quietly()
    capture = cv2.VideoCapture(os.path.abspath(path), cv2.CAP_FFMPEG)
    try:
        return max(0, round(capture.get(cv2.CAP_PROP_FRAME_COUNT)))
    finally:
        capture.release()
