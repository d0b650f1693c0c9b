"""Videos of coarse blobs that move, in which the toy graph sees known classes."""

import pathlib
import struct
from collections.abc import Sequence

import cv2
import numpy as np

from tests.support import toy_export

# Without loss: the class ids of frames that were read are those of frames that were drawn.
LOSSLESS = ("FFV1", ".mkv")
MPEG4 = ("mp4v", ".mp4")
MOTION_JPEG = ("MJPG", ".avi")


def frames(number: int, size: tuple[int, int] = (40, 60), seed: int = 0) -> list[np.ndarray]:
    """Draws frames, each uint8 [height, width, 3], RGB."""
    height, width = size
    scene = toy_export.image(height, 2 * width, seed)
    return [
        np.ascontiguousarray(scene[:, index % width : index % width + width])
        for index in range(number)
    ]


def write(
    path: pathlib.Path,
    drawn: Sequence[np.ndarray],
    rate: float = 10.0,
    codec: tuple[str, str] = LOSSLESS,
) -> pathlib.Path:
    """Writes frames of even sides as a video, whose container the codec's ending chooses."""
    height, width = drawn[0].shape[:2]
    made = path.with_name(f"made{codec[1]}")  # Whatever the name of the video is.
    fourcc = cv2.VideoWriter.fourcc(*codec[0])
    writer = cv2.VideoWriter(str(made), cv2.CAP_FFMPEG, fourcc, rate, (width, height))
    assert writer.isOpened()
    for frame in drawn:
        writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    writer.release()
    return made.rename(path)


def read(path: pathlib.Path) -> tuple[list[np.ndarray], float]:
    """Returns the frames of a video, RGB, and how many a second it has."""
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    found = []
    while True:
        is_there, frame = capture.read()
        if not is_there:
            break
        found.append(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))
    rate = capture.get(cv2.CAP_PROP_FPS)
    capture.release()
    return found, rate


def turn(path: pathlib.Path) -> None:
    """Marks an MP4 as one that is to be turned by 90 degrees clockwise, as phones do."""
    data = bytearray(path.read_bytes())
    start = data.index(b"tkhd") + 44
    assert struct.unpack(">9i", data[start : start + 36])[0] == 1 << 16
    matrix = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    data[start : start + 36] = matrix
    path.write_bytes(data)


def space_unevenly(path: pathlib.Path, ticks: Sequence[int]) -> None:
    """Has the frames of an MP4 last as many ticks each as given, as of a varying frame rate."""
    # Without the edit list, which ends the video where it ended before.
    data = bytearray(path.read_bytes().replace(b"edts", b"free"))
    start = data.index(b"stts") - 4
    (size,) = struct.unpack(">I", data[start : start + 4])
    entries = b"".join(struct.pack(">II", 1, each) for each in ticks)
    box = struct.pack(">I4sII", 16 + len(entries), b"stts", 0, len(ticks)) + entries
    data[start : start + size] = box
    for name in (b"stbl", b"minf", b"mdia", b"trak", b"moov"):
        place = data.index(name) - 4
        (before,) = struct.unpack(">I", data[place : place + 4])
        data[place : place + 4] = struct.pack(">I", before + len(box) - size)
    path.write_bytes(data)
