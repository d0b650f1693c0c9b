"""Frames of videos."""

import os
import subprocess
import sys

import numpy as np
import pytest

from serving.video import reading, sources
from serving.video.sampling import Sampler
from tests.support import drawn_videos
from tests.support.command_runs import ROOT


def read(path, frames_per_second=None):
    with reading.VideoReader(sources.of_file(str(path))) as reader:
        frames = list(reader.frames(Sampler(frames_per_second, reader.rate)))
        return reader, frames


def test_frames_come_upright_as_rgb_with_their_times(tmp_path):
    drawn = drawn_videos.frames(6)
    path = drawn_videos.write(tmp_path / "x.mkv", drawn, 8)
    reader, frames = read(path)
    np.testing.assert_array_equal([frame.pixels for frame in frames], drawn)
    np.testing.assert_allclose([frame.time_secs for frame in frames], np.arange(6) / 8, atol=1e-3)
    assert (reader.height, reader.width, reader.rate) == (40, 60, 8)
    assert (reader.num_frames, reader.num_seen, reader.is_live) == (6, 6, False)
    assert not reader.is_uneven
    assert not reader.ends_early()


def test_a_turned_video_is_upright(tmp_path):
    drawn = drawn_videos.frames(2)
    path = drawn_videos.write(tmp_path / "x.mp4", drawn, codec=drawn_videos.MPEG4)
    drawn_videos.turn(path)
    _, frames = read(path)
    upright = np.rot90(drawn[0], -1).astype(int)
    assert frames[0].pixels.shape == (60, 40, 3)
    assert np.abs(frames[0].pixels - upright).mean() < 12


def test_times_of_a_varying_rate_decide_which_frames_are_taken(tmp_path):
    drawn = drawn_videos.frames(8)
    path = drawn_videos.write(tmp_path / "x.mp4", drawn, 10, codec=drawn_videos.MPEG4)
    # A tick is 1/10240 s.
    drawn_videos.space_unevenly(path, [1024, 1024, 9216, 1024, 1024, 9216, 1024, 1024])
    reader, frames = read(path)
    times = [0, 0.1, 0.2, 1.1, 1.2, 1.3, 2.2, 2.3]
    np.testing.assert_allclose([frame.time_secs for frame in frames], times, atol=1e-3)
    assert reader.is_uneven
    assert not reader.ends_early()
    _, frames = read(path, 1.0)
    np.testing.assert_allclose([frame.time_secs for frame in frames], [0, 1.1, 2.2], atol=1e-3)


@pytest.mark.parametrize(
    ("codec", "share", "ends_early"),
    [
        (drawn_videos.MOTION_JPEG, 0.5, True),
        (drawn_videos.LOSSLESS, 0.5, True),
        (("VP80", ".webm"), 0.6, True),
        (drawn_videos.MOTION_JPEG, 1.0, False),
        (("VP80", ".webm"), 1.0, False),
    ],
)
def test_a_file_that_is_cut_off_is_read_as_far_as_it_goes(tmp_path, codec, share, ends_early):
    path = drawn_videos.write(tmp_path / "x", drawn_videos.frames(50), codec=codec)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    reader, frames = read(path)
    assert reader.ends_early() == ends_early
    assert len(frames) == 50 if not ends_early else 5 < len(frames) < 45


def test_names_that_other_programs_take_for_something_else(tmp_path, monkeypatch):
    drawn = drawn_videos.frames(2)
    monkeypatch.chdir(tmp_path)
    for name in ("http:x.mkv", "concat:a|b.mkv", "%03d.mkv", "-i.mkv", "a b\n.mkv", "no ending"):
        drawn_videos.write(tmp_path / "made.mkv", drawn).rename(tmp_path / name)
        reading.check_file(name)
        assert len(read(name)[1]) == 2, name
    name = os.fsdecode(b"\xff\xfe.mkv")
    drawn_videos.write(tmp_path / "made.mkv", drawn).rename(tmp_path / name)
    assert len(read(name)[1]) == 2


def test_closing_ends_reading(tmp_path):
    path = drawn_videos.write(tmp_path / "x.mkv", drawn_videos.frames(6))
    with reading.VideoReader(sources.of_file(str(path))) as reader:
        frames = reader.frames(Sampler(None, reader.rate))
        next(frames)
        next(frames)
    assert list(frames) == []


def test_what_is_no_video_is_refused_before_ffmpeg_sees_it(tmp_path):
    for content, message in (
        (b"", "x.mp4: the file is empty"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "x.mp4: not a video file that can be read"),
        (b"\x89PNG\r\n\x1a\n", "x.mp4: not a video file that can be read"),
    ):
        (tmp_path / "x.mp4").write_bytes(content)
        with pytest.raises(ValueError, match=message):
            reading.check_file(str(tmp_path / "x.mp4"))


def test_without_opencv_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(ValueError, match="need OpenCV: pip install opencv-python-headless"):
        reading.import_quietly()


def test_opencv_is_imported_with_the_first_video_and_tensorflow_never():
    code = (
        "import sys, deeplab.commands.infer\n"
        "assert not {'cv2', 'tensorflow', 'http.client'} & set(sys.modules)\n"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, timeout=60)
    assert result.returncode == 0
