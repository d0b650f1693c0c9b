"""Results of videos."""

import os

import numpy as np
import pytest

from serving.results import ResultOptions
from serving.video import results
from tests.support import drawn_videos, toy_export


def write(folder, number: int, name="x", **how) -> list[str]:
    options = ResultOptions(**{"legend": False, **how})
    with results.ResultWriter(
        str(folder), name, (40, 60), 10, toy_export.CLASS_NAMES, toy_export.PALETTE, options
    ) as writer:
        for frame in drawn_videos.frames(number):
            writer.write(writer.draw(frame, frame.argmax(axis=2).astype(np.uint8)))
    return writer.complete()


def listed(folder) -> list[str]:
    return sorted(os.listdir(folder))


def test_class_ids_as_npy(tmp_path):
    write(tmp_path, 2, ids_format="npy")
    assert listed(tmp_path / "x_ids") == ["000001.npy", "000002.npy"]
    ids = np.load(tmp_path / "x_ids" / "000002.npy")
    assert ids.dtype == np.int32
    np.testing.assert_array_equal(ids, drawn_videos.frames(2)[1].argmax(axis=2))


def test_frames_of_earlier_runs_go_and_other_files_stay(tmp_path):
    write(tmp_path, 5, ids_format="png")
    (tmp_path / "x_ids" / "notes.txt").write_text("mine")
    write(tmp_path, 2, ids_format="npy")
    assert listed(tmp_path / "x_ids") == ["000001.npy", "000002.npy", "notes.txt"]
    write(tmp_path, 1)
    assert listed(tmp_path) == ["x_ids", "x_overlay.mp4"]  # These were not asked for again.


def test_what_an_interrupted_run_left_goes_with_the_next_complete_one(tmp_path):
    options = ResultOptions(legend=False, ids_format="png")
    frame = drawn_videos.frames(1)[0]
    with results.ResultWriter(
        str(tmp_path), "x", (40, 60), 10, toy_export.CLASS_NAMES, toy_export.PALETTE, options
    ) as writer:
        writer.write(writer.draw(frame, frame.argmax(axis=2).astype(np.uint8)))
    assert listed(tmp_path) == ["x_partial_ids", "x_partial_overlay.mp4"]
    assert sorted(map(os.path.basename, writer.partial_paths())) == listed(tmp_path)
    write(tmp_path, 2)
    assert listed(tmp_path) == ["x_overlay.mp4"]


def test_an_error_leaves_no_overlay(tmp_path):
    options = ResultOptions(legend=False)
    with (
        pytest.raises(KeyError),
        results.ResultWriter(
            str(tmp_path), "x", (40, 60), 10, toy_export.CLASS_NAMES, toy_export.PALETTE, options
        ),
    ):
        raise KeyError
    assert listed(tmp_path) == []


def test_frames_of_class_ids_are_known_by_their_names():
    assert results.is_frame_of_ids("a/x_ids/000001.png")
    assert results.is_frame_of_ids("a/x_partial_ids/1000001.npy")
    assert not results.is_frame_of_ids("a/x/000001.png")
    assert not results.is_frame_of_ids("a/x_ids/1.png")
