"""Curves from event files: those of a real writer, of resumed runs, and damaged ones."""

import math
import os

import tensorflow.compat.v1 as tf

from training import event_curves
from training.summaries import SummaryWriter

TAGS = ("progress/loss", "progress/learning_rate")


def write(folder, points, tag="progress/loss") -> str:
    writer = SummaryWriter(str(folder), tf.Graph(), lambda: None)
    for step, value in points.items():
        writer.add_scalars({tag: value, "other": 1.0}, step)
    writer.close()
    return max(str(path) for path in folder.glob("events*"))


def test_numbers_come_back_by_tag_and_step(tmp_path):
    write(tmp_path, {10: 2.0, 20: math.nan, 30: 0.5})
    curves = event_curves.read(str(tmp_path), TAGS)
    assert curves["progress/loss"].steps == (10, 20, 30)
    assert curves["progress/loss"].values[::2] == (2.0, 0.5)
    assert math.isnan(curves["progress/loss"].values[1])
    assert curves["progress/learning_rate"] == event_curves.Curve()


def test_what_a_resumed_run_repeats_counts(tmp_path):
    write(tmp_path, {10: 1.0, 20: 2.0, 30: 3.0, 40: 4.0})
    write(tmp_path, {25: 7.0, 30: 8.0})
    curve = event_curves.read(str(tmp_path), TAGS)["progress/loss"]
    assert (curve.steps, curve.values) == ((10, 20, 25, 30), (1.0, 2.0, 7.0, 8.0))


def test_a_file_that_ends_within_an_event_is_read_as_far_as_it_goes(tmp_path):
    path = write(tmp_path, {10: 1.0, 20: 2.0})
    os.truncate(path, os.path.getsize(path) - 5)
    curve = event_curves.read(str(tmp_path), TAGS)["progress/loss"]
    assert (curve.steps, curve.values) == ((10,), (1.0,))


def test_a_folder_without_events_has_empty_curves(tmp_path):
    assert event_curves.read(str(tmp_path / "[none]"), TAGS[:1]) == {TAGS[0]: event_curves.Curve()}
