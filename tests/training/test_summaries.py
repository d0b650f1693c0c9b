"""Event files: when they begin, what is first in them, and what becomes of removed ones."""

import pathlib

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from training import summaries
from training.summaries import SummaryWriter


def _read(folder: pathlib.Path) -> list[tf.Event]:
    (path,) = folder.glob("events*")
    return list(tf.train.summary_iterator(str(path)))


@pytest.fixture
def writer(tmp_path):
    tf.constant(1.0, name="shown")
    folder = tmp_path / "run"
    folder.mkdir()
    made = SummaryWriter(str(folder), tf.get_default_graph(), lambda: folder.mkdir(exist_ok=True))
    yield made
    made.close()


def test_the_file_begins_with_the_first_summary_and_in_it_the_graph(writer, tmp_path):
    folder = tmp_path / "run"
    assert not list(folder.iterdir())
    writer.add_scalars({"loss": 0.5}, 3)
    writer.add_image("picture", np.full((2, 3, 3), 7, np.uint8), 4)

    version, graph, scalar, image = _read(folder)

    assert version.file_version == "brain.Event:2"
    assert [node.name for node in tf.GraphDef.FromString(graph.graph_def).node] == ["shown"]
    assert (scalar.step, scalar.summary.value[0].simple_value) == (3, 0.5)
    shown = image.summary.value[0].image
    assert (image.step, shown.height, shown.width, shown.colorspace) == (4, 2, 3, 3)


def test_a_writer_without_summaries_leaves_no_file(writer, tmp_path):
    writer.close()
    assert not list((tmp_path / "run").iterdir())


def test_where_the_folder_is_removed_another_file_is_begun(writer, tmp_path):
    folder = tmp_path / "run"
    writer.add_scalars({"loss": 0.5}, 3)
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    writer.add_serialized(tf.Summary(value=[tf.Summary.Value(tag="b")]).SerializeToString(), 4)
    _, graph, summary = _read(folder)
    assert graph.graph_def
    assert (summary.step, summary.summary.value[0].tag) == (4, "b")


def test_numbers_of_one_step_have_a_file_of_their_own(tmp_path):
    summaries.write_scalars(str(tmp_path / "scores"), {"miou": 0.25}, 8)
    version, scores = _read(tmp_path / "scores")
    assert version.file_version == "brain.Event:2"
    assert (scores.step, scores.summary.value[0].tag) == (8, "miou")
