"""Videos that are written."""

import os

import numpy as np
import pytest

from serving.video import writing
from tests.support import drawn_videos


@pytest.mark.parametrize("rate", [0.5, 10, 24000 / 1001, 120])
@pytest.mark.parametrize("size", [(2, 2), (48, 64), (34, 52)])
def test_a_video_has_its_frames_rate_and_size(tmp_path, rate, size):
    path = tmp_path / "日本 x.mp4"
    drawn = drawn_videos.frames(5, size)
    with writing.writing(str(path), size, rate) as writer:
        for frame in drawn:
            writer.write(frame)
    found, found_rate = drawn_videos.read(path)
    assert len(found) == 5
    assert found_rate == pytest.approx(rate, rel=1e-3)
    assert os.listdir(tmp_path) == [path.name]
    if size == (48, 64):
        for frame, read in zip(drawn, found, strict=True):
            assert np.abs(frame.astype(int) - read).mean() < 12


def test_nothing_is_there_before_the_end_or_after_an_error(tmp_path):
    path = tmp_path / "x.mp4"
    path.write_bytes(b"before")

    def fail():
        with writing.writing(str(path), (48, 64), 10) as writer:
            writer.write(np.zeros([48, 64, 3], np.uint8))
            assert path.read_bytes() == b"before"
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert os.listdir(tmp_path) == ["x.mp4"]
    assert path.read_bytes() == b"before"


def test_frames_that_do_not_arrive_are_an_error(tmp_path, monkeypatch):
    def lose_one():
        with writing.writing(str(tmp_path / "x.mp4"), (48, 64), 10) as writer:
            for _ in range(2):
                writer.write(np.zeros([48, 64, 3], np.uint8))
            writer.num_frames += 1

    with pytest.raises(OSError, match=r"x\.mp4 cannot be written: 2 of 3 frames have arrived"):
        lose_one()
    monkeypatch.setattr(writing, "_MIN_ROOM_BYTES", 1 << 62)
    with (
        pytest.raises(OSError, match=r"x\.mp4 cannot be written: No space left"),
        writing.writing(str(tmp_path / "x.mp4"), (48, 64), 10) as writer,
    ):
        writer.write(np.zeros([48, 64, 3], np.uint8))
    assert os.listdir(tmp_path) == []


def test_a_size_that_the_codec_does_not_take_is_named(tmp_path):
    with (
        pytest.raises(ValueError, match=r"x\.mp4: OpenCV cannot write a video of 2x20000"),
        writing.writing(str(tmp_path / "x.mp4"), (2, 20000), 10),
    ):
        pass


def test_names_that_are_not_utf8(tmp_path):
    path = tmp_path / os.fsdecode(b"\xff.mp4")
    with writing.writing(str(path), (48, 64), 10) as writer:
        writer.write(np.zeros([48, 64, 3], np.uint8))
    assert os.listdir(tmp_path) == [path.name]
    folder = tmp_path / os.fsdecode(b"\xfe")
    folder.mkdir()
    with (
        pytest.raises(ValueError, match=r"x\.mp4: OpenCV writes only into folders whose names are"),
        writing.writing(str(folder / "x.mp4"), (48, 64), 10),
    ):
        pass


def test_odd_sides_are_padded():
    image = np.arange(3 * 5 * 3, dtype=np.uint8).reshape([3, 5, 3])
    padded = writing.pad_to_even(image)
    assert padded.shape[:2] == writing.even((3, 5)) == (4, 6)
    np.testing.assert_array_equal(padded[:3, :5], image)
    np.testing.assert_array_equal(padded[3, :5], image[2])
    np.testing.assert_array_equal(padded[:3, 5], image[:, 4])
    assert writing.pad_to_even(padded) is padded
