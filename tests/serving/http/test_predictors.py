"""Exports of all tasks behind one method."""

import numpy as np
import pytest

from serving import tiling
from serving.http import predictors
from tests.support import toy_export, toy_service

TILES = tiling.TileOptions()


@pytest.fixture(scope="module")
def exports(tmp_path_factory) -> dict[str, str]:
    return toy_service.write_exports(tmp_path_factory.mktemp("exports"))


def test_each_task_answers_with_what_its_model_says(exports):
    image = toy_export.image(20, 30)
    segmenter = predictors.load(exports["toy"], 1, 2, False, TILES)
    [ids] = segmenter.predict([image])
    np.testing.assert_array_equal(ids, image.argmax(axis=2))
    classifier = predictors.load(exports["color"], 3, 2, False, TILES)
    [probabilities] = classifier.predict([image])
    assert (probabilities.shape, classifier.version) == ((3,), 3)
    assert classifier.plan(10_000, 10_000) is None


def test_tiles_are_those_of_the_server_or_of_the_request(exports):
    half = tiling.TileOptions(tile=32, overlap=0.0)
    segmenter = predictors.load(exports["toy"], 1, 1, False, half)
    planned = segmenter.plan(96, 96)
    assert (planned.tile, planned.num_tiles) == ((32, 32), 9)
    assert segmenter.cost(planned)[0] == 9
    assert segmenter.plan(96, 96, tiling.AUTO).tile == toy_export.CROP
    assert segmenter.plan(96, 96, tiling.OFF) is None


def test_tiles_that_the_model_does_not_take_are_refused_at_the_start(exports):
    with pytest.raises(ValueError, match="tile is 900; expected 16 to 64 pixels"):
        predictors.load(exports["toy"], 1, 1, False, tiling.TileOptions(tile=900))
