"""How videos begin."""

import pytest

from common import video_files


@pytest.mark.parametrize(
    "head",
    [
        b"\0\0\0\x20ftypisom\0\0\2\0",
        b"\0\0\0\x14ftypqt  \0\0\2\0",
        b"\0\0\0\x1cftyp3gp5",
        b"\0\0\0\x08wide\0\0\0\0mdat",
        b"RIFF\x10\0\0\0AVI LIST",
        b"\x1a\x45\xdf\xa3\x01",
        b"FLV\x01\x05",
        b"\0\0\x01\xba\x44",
        (b"G" + bytes(187)) * 3,
        (bytes(4) + b"G" + bytes(187)) * 3,
        b"OggS\0\2",
    ],
)
def test_videos(head):
    assert video_files.is_video(head)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\0\0\0\x18ftypheic",
        b"\0\0\0\x1cftypavif",
        b"\0\0\0\x20ftypM4A ",
        b"RIFF\x10\0\0\0WEBPVP8 ",
        b"\xff\xd8\xff\xe0",
        b"GIF89a" + b"G" * 400,
        b"#EXTM3U\n",
        b"G" + bytes(187) + b"G",
    ],
)
def test_other_files(head):
    assert not video_files.is_video(head)
