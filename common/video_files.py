"""Video files: how their names end, and how their bytes begin."""

import re

# Lower-case endings of the containers that OpenCV's FFmpeg reads.
ENDINGS = (
    *(".mp4", ".m4v", ".mov", ".qt", ".3gp", ".3g2", ".avi", ".mkv", ".webm", ".wmv", ".asf"),
    *(".flv", ".mpg", ".mpeg", ".m2v", ".vob", ".ts", ".mts", ".m2ts", ".ogv", ".ivf", ".y4m"),
)

# As many bytes show three packets of a transport stream.
HEAD_BYTES = 400

_HEADS = (
    # ISO files (MP4, MOV, 3GP) of other brands than images have; QuickTime's older ones have none.
    rb"....ftyp(?!hei[cmsx]|hev[cmsx]|mif1|msf1|avi[fs]|jp2 |jpx |jxl |M4[AB] )",
    rb"....(moov|mdat|wide|pnot)",
    rb"RIFF....AVI ",
    rb"\x1a\x45\xdf\xa3",  # Matroska and WebM.
    rb"FLV\x01",
    rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11",  # ASF and WMV.
    rb"\0\0\x01[\xb3\xba]",  # MPEG-1 and 2, bare and as a program stream.
    rb"G(?!IF8).{187}G.{187}G",  # A transport stream, and one with time stamps.
    rb".{4}G.{191}G.{191}G",
    rb"OggS",
    rb"DKIF",
    rb"YUV4MPEG2 ",
)


def is_video(head: bytes) -> bool:
    """Returns whether a file begins as a video does, whatever its name says.

    Args:
      head: its first `HEAD_BYTES` bytes, or all of a shorter one.
    """
    return any(re.match(pattern, head, re.DOTALL) for pattern in _HEADS)
