"""The moving average of probabilities."""

import numpy as np
import pytest

from serving import tiling
from serving.deeplab_model import DeepLabModel
from serving.video.smoothing import CUT_DIFFERENCE, Smoother
from tests.support import drawn_videos, toy_export


@pytest.fixture
def model(tmp_path):
    with DeepLabModel(toy_export.write(tmp_path, metadata={"crop_size": [40, 60]})) as model:
        yield model


def frames(number: int, size=(40, 60)) -> list[np.ndarray]:
    """Scenes that flicker, with a softmax that is not flat."""
    noise = np.random.RandomState(1)
    return [
        np.clip(frame // 4 + 90 + noise.normal(0, 12, frame.shape), 0, 255).astype(np.uint8)
        for frame in drawn_videos.frames(number, size)
    ]


def expected(model, drawn, share, **how):
    mean = None
    for frame in drawn:
        now = model.predict_batch([frame], True, **how)[0].probabilities
        mean = now if mean is None else share * mean + (1 - share) * now
        yield mean.argmax(axis=2)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.8])
def test_it_is_the_average_by_its_formula(model, share):
    drawn = frames(6)
    smoother = Smoother(model, share, tiling.TileOptions())
    # In two calls, as of two batches.
    found = [*smoother.segment(drawn[:4]), *smoother.segment(drawn[4:])]
    for ids, wanted in zip(found, expected(model, drawn, share), strict=True):
        np.testing.assert_array_equal(ids, wanted)
    assert found[0].dtype == np.uint8
    if share == 0:
        np.testing.assert_array_equal(found[5], model.segment(drawn[5]))
    else:
        assert (found[5] != model.segment(drawn[5])).any()


@pytest.mark.filterwarnings("ignore::serving.deeplab_model.ImageShrunkWarning")
def test_shrunk_frames_are_averaged_at_the_size_of_the_network(model):
    drawn = frames(3, (60, 80))
    smoother = Smoother(model, 0.5, tiling.TileOptions(tiling.OFF))
    found = list(smoother.segment(drawn))
    for ids, wanted in zip(found, expected(model, drawn, 0.5, tile="off"), strict=True):
        assert ids.shape == (60, 80)
        assert np.mean(ids == wanted) > 0.99
    assert smoother.num_bytes(60, 80) == smoother.num_bytes(120, 160)


def test_frames_in_tiles_are_averaged_at_their_own_size(model):
    drawn = frames(3, (90, 130))
    how = tiling.TileOptions(40, 0.25)
    found = list(Smoother(model, 0.5, how).segment(drawn))
    for ids, wanted in zip(found, expected(model, drawn, 0.5, tile=40, overlap=0.25), strict=True):
        np.testing.assert_array_equal(ids, wanted)


def test_a_cut_and_another_size_begin_again(model):
    dark, light = (np.full([40, 60, 3], level, np.uint8) for level in (40, 200))
    dark[..., 1] += 4
    light[..., 2] += 4
    smoother = Smoother(model, 0.9, tiling.TileOptions())
    found = list(smoother.segment([dark, light, dark, dark]))
    assert [ids[0, 0] for ids in found] == [1, 2, 1, 1]
    assert smoother.num_cuts == 2
    slightly = dark.copy()
    slightly[..., 2] += 8
    assert np.abs(slightly.astype(int) - dark).mean() < CUT_DIFFERENCE
    assert next(smoother.segment([slightly]))[0, 0] == 1
    assert next(smoother.segment([slightly[:30]]))[0, 0] == 2


def test_a_graph_without_probabilities_is_refused(tmp_path):
    path = toy_export.write(tmp_path / "old.pb", published=True)
    with (
        DeepLabModel(path) as model,
        pytest.raises(ValueError, match=r"old\.pb gives no probabilities, which --temporal_smooth"),
    ):
        Smoother(model, 0.5, tiling.TileOptions())
