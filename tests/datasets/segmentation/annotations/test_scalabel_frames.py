"""annotations.scalabel_frames: polygons with curves, run lengths, and what cannot be read."""

import numpy as np
import pytest

from datasets.segmentation.annotations import json_exports, scalabel_frames
from datasets.segmentation.annotations.shapes import CocoRuns
from tests.support.sample_images import write, write_json

SIZE = (20, 20)


def read_shapes(path, *labels):
    (frame,) = scalabel_frames.read(write_json(path, [{"name": "a.jpg", "labels": [*labels]}]))
    return [region.shape for region in frame.regions]


def polygon(vertices, types=None):
    return {"category": "car", "poly2d": [{"vertices": vertices, "types": types, "closed": True}]}


def test_frames_in_either_form(tmp_path):
    frames = [{"name": "a.jpg", "labels": None}, {"name": "b.jpg", "labels": []}]
    path = write_json(tmp_path / "a.json", {"frames": frames, "config": None})
    assert [frame.name for frame in scalabel_frames.read(path)] == ["a.jpg", "b.jpg"]
    assert [*scalabel_frames.read(write_json(path, []))] == []


def test_corners_and_curves(tmp_path):
    square = [[0, 0], [10, 0], [10, 10], [0, 10]]
    straight, curved = read_shapes(
        tmp_path / "a.json",
        polygon(square, "LLLL"),
        # From (10, 0) by a curve that bulges to the right down to (10, 10).
        polygon([[0, 0], [10, 0], [18, 0], [18, 10], [10, 10], [0, 10]], "LLCCCL"),
    )
    assert straight.cover(SIZE).sum() == 100
    covered = curved.cover(SIZE)
    assert covered[:10, :10].all()
    # The curve's largest x is 10 + 8 * 3/4, and its area beside the square 8 * 10 * 3/5.
    assert np.flatnonzero(covered.any(0)).max() == 15
    assert covered.sum() - 100 == pytest.approx(48, abs=4)


def test_a_curve_that_ends_where_the_polygon_begins(tmp_path):
    (shape,) = read_shapes(tmp_path / "a.json", polygon([[0, 0], [10, 0], [10, 8], [0, 8]], "LLCC"))
    assert shape.cover(SIZE).sum() == pytest.approx(48, abs=4)


def test_run_lengths_come_before_polygons_and_boxes_are_left_out(tmp_path):
    (shape,) = read_shapes(
        tmp_path / "a.json",
        {**polygon([[0, 0], [1, 1]]), "rle": {"size": [2, 3], "counts": [1, 2, 3]}},
        {"category": "car", "box2d": {"x1": 0}},
    )
    assert shape == CocoRuns((1, 2, 3), (2, 3))
    np.testing.assert_array_equal(shape.cover((2, 3)), [[False, True, False], [True, False, False]])


@pytest.mark.parametrize(
    "label",
    [
        polygon([[0, 0], [1]]),
        polygon([[0, 0], [1, 1], [2, 2]], "LL"),
        polygon([[0, 0], [1, 1], [2, 2]], "LLX"),
        {"category": "car", "rle": {"counts": "x"}},
        {"category": 3, "poly2d": [{"vertices": [[0, 0], [1, 1], [2, 0]]}]},
    ],
)
def test_what_cannot_be_read_fails_when_it_is_drawn(tmp_path, label):
    (shape,) = read_shapes(tmp_path / "a.json", label)
    with pytest.raises(ValueError, match="it cannot be read"):
        shape.cover(SIZE)


def test_other_files_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"a\.json is no list of frames"):
        [*scalabel_frames.read(write(tmp_path / "a.json", '{"images": []}'))]
    with pytest.raises(ValueError, match=r"a\.json: frame 0 is .*expected an object with 'name'"):
        [*scalabel_frames.read(write(tmp_path / "a.json", '[{"labels": []}]'))]


def test_polygons_of_bdd100k_agree_with_its_run_lengths(samples, tmp_path):
    (content,) = json_exports.read(str(samples / "bdd100k" / "scalabel_sem_seg_sample.json"))
    labels = content["labels"]
    only_polygons = [{**label, "rle": None} for label in labels]
    drawn = []
    for each in (labels, only_polygons):
        ids = np.zeros((720, 1280), np.uint8)
        for number, shape in enumerate(read_shapes(tmp_path / "a.json", *each), start=1):
            ids[shape.cover(ids.shape)] = number
        drawn.append(ids)
    # The authors' polygons are filled by matplotlib, ours by pycocotools.
    assert np.mean(drawn[0] == drawn[1]) > 0.99
