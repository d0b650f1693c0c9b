"""style_transfer.stylization: where a painting begins, and what is recorded of it."""

import numpy as np
import pytest

from style_transfer import presets, scales, stylization
from style_transfer.network import Network
from style_transfer.stylization import Settings, Stylization, Watcher
from tests.support import tiny_vgg
from tests.support.sample_images import save, smooth_rgb

LOSSES = presets.PRESETS["default"].losses


@pytest.fixture(scope="module")
def network():
    network = Network(tiny_vgg.weights(), "max", LOSSES.content_layers, LOSSES.style_layers)
    yield network
    network.close()


def painted(tmp_path, network, **settings) -> tuple[np.ndarray, list[str]]:
    """Returns the image that the first step sees, and what is told."""
    content = save(tmp_path / "content.png", smooth_rgb(32, 48))
    style = save(tmp_path / "style.png", smooth_rgb(32, 48, shift=90))
    told: list[str] = []
    settings = Settings(LOSSES, scales.plan(48, 1), **settings)
    run = Stylization(network, settings, content, {style: 1.0}, str(tmp_path / "log"), {})
    state = run.run(Watcher(told.append, lambda: True, report_every=1, preview_every=0))
    return state.image, told


def test_it_begins_with_the_content_noise_both_or_another_image(tmp_path, network):
    content = smooth_rgb(32, 48).astype(np.float32)
    first, told = painted(tmp_path / "a", network)
    np.testing.assert_array_equal(first, content)
    assert told[0].startswith("48x32: ")
    noise, _ = painted(tmp_path / "b", network, start="noise")
    assert np.abs(noise - network.mean_color).max() < 2
    mixed, _ = painted(tmp_path / "c", network, start="mixed")
    rest = (mixed - 0.4 * content) / 0.6 - network.mean_color
    assert 19 < np.abs(rest).max() < 20.1
    other = save(tmp_path / "other.png", smooth_rgb(64, 96, shift=40))
    start, _ = painted(tmp_path / "d", network, start=other)
    assert start.shape == (32, 48, 3)
    assert np.abs(start - content).mean() > 20


def test_all_that_the_result_depends_on_is_recorded(tmp_path):
    recorded = Settings(LOSSES, scales.plan(48, 1)).recorded()
    assert recorded == Settings(LOSSES, scales.plan(48, 9), window_side=500).recorded()
    for changed in (
        {"style_scale": 0.5},
        {"start": stylization.NOISE},
        {"optimizer": stylization.LBFGS},
        {"learning_rate": 1.0},
        {"keeps_range": False},
        {"keeps_colors": True},
        {"frame": 8},
        {"seed": 1},
    ):
        assert recorded != Settings(LOSSES, scales.plan(48, 1), **changed).recorded()
    assert recorded != Settings(LOSSES, scales.plan(49, 1)).recorded()


@pytest.mark.parametrize("start", ["content", "noise", "mixed"])
def test_a_frame_is_painted_and_cut_off(tmp_path, network, start):
    content = save(tmp_path / "content.png", smooth_rgb(64, 90))
    style = save(tmp_path / "style.png", smooth_rgb(32, 48, shift=90))
    told: list[str] = []
    settings = Settings(LOSSES, scales.plan(90, 3, 2), frame=8, start=start)
    run = Stylization(network, settings, content, {style: 1.0}, str(tmp_path / "log"), {})
    state = run.run(Watcher(told.append, lambda: False, report_every=1, preview_every=1))
    assert told[0].startswith("45x32, with its frame 64x48: ")
    assert state.best.shape == (80, 112, 3)
    assert run.picture().shape == (64, 90, 3)
    np.testing.assert_array_equal(run.picture(), np.rint(state.best[8:72, 8:98]))
