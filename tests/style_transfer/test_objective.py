"""style_transfer.objective and .network: losses of published programs, and their gradient."""

import dataclasses
import json
import zlib

import numpy as np
import pytest

from nets import vgg
from style_transfer import objective, presets, windows
from style_transfer.network import Network
from style_transfer.objective import Objective, Style
from style_transfer.options import LossOptions
from style_transfer.weights import vgg_weights
from style_transfer.weights.vgg_weights import MEAN_COLOR, VggWeights
from tests.support import tiny_vgg

LAYERS = ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")


@pytest.fixture(scope="module")
def network():
    network = Network(tiny_vgg.weights(), "average", ["conv2_2", "conv4_2"], LAYERS)
    yield network
    network.close()


def random_image(height: int, width: int, seed: int) -> np.ndarray:
    return np.random.RandomState(seed).uniform(0, 255, (height, width, 3)).astype(np.float32)


def options_of(**changed) -> LossOptions:
    return LossOptions(
        content_layers={"conv2_2": 0.3, "conv4_2": 0.7},
        style_layers=dict(zip(LAYERS, (0.1, 0.2, 0.3, 0.2, 0.2), strict=True)),
        **{"content_weight": 2.0, "style_weight": 3.0, "tv_weight": 0.5, **changed},
    )


@pytest.mark.parametrize("preset", presets.PRESETS)
def test_the_gradient_is_that_of_the_loss(network, preset):
    losses = dataclasses.replace(
        presets.PRESETS[preset].losses, content_layers={"conv2_2": 0.3, "conv4_2": 0.7}
    )
    target = Objective(network, losses, random_image(37, 50, 0), [Style(random_image(40, 33, 1))])
    image = random_image(37, 50, 2)
    gradient = target.evaluate(image).gradient
    direction = gradient / np.linalg.norm(gradient)
    step = 0.5
    ahead, behind = (target.evaluate(image + sign * step * direction).total for sign in (1, -1))
    slope = float(np.sum(gradient * direction, dtype=np.float64))
    assert (ahead - behind) / (2 * step) == pytest.approx(slope, rel=0.02)


def test_relative_losses_are_one_where_they_begin(network):
    content = random_image(48, 40, 0)
    target = Objective(network, options_of(tv_weight=0.0), content, [Style(random_image(9, 60, 1))])
    start = target.evaluate(content)
    assert start.sum_of("content") == pytest.approx(0.0, abs=1e-9)
    for name, weight in options_of().style_layers.items():
        assert start.losses[f"style/{name}"] == pytest.approx(3.0 * weight, rel=1e-4)
    # The style of an image is its own, whatever its content.
    same = Objective(network, options_of(tv_weight=0.0), content, [Style(content)])
    assert same.evaluate(content).total == pytest.approx(0.0, abs=1e-6)


def test_losses_are_those_of_their_formulas(network):
    content, style, image = (random_image(33, 35, seed) for seed in range(3))
    whole = windows.split(33, 35, None, network.reach, network.stride)
    features = {n: network.features(each, whole) for n, each in enumerate((content, image))}
    grams = {n: network.grams(each, whole) for n, each in enumerate((content, style, image))}
    for scale, factor in (
        ("relative", lambda of_content, gram: 1 / np.sum((of_content - gram) ** 2)),
        ("gatys", lambda of_content, gram: 1 / (4 * len(gram) ** 2)),
        ("mean", lambda of_content, gram: 1 / len(gram) ** 4),
    ):
        target = Objective(network, options_of(style_scale=scale), content, [Style(style)])
        found = target.evaluate(image).losses
        for name, weight in options_of().style_layers.items():
            squared = np.sum((grams[2][name] - grams[1][name]) ** 2)
            expected = 3.0 * weight * squared * factor(grams[0][name], grams[1][name])
            assert found[f"style/{name}"] == pytest.approx(expected, rel=1e-4), (scale, name)
    for scale, factor in (
        ("relative", lambda values: 1 / np.sum(values**2)),
        ("half", lambda values: 0.5),
        ("quarter_mean", lambda values: 0.25 / values.size),
        ("mean", lambda values: 1 / values.size),
    ):
        target = Objective(network, options_of(content_scale=scale), content, [Style(style)])
        found = target.evaluate(image).losses
        for name, weight in options_of().content_layers.items():
            squared = np.sum((features[1][name] - features[0][name]) ** 2)
            expected = 2.0 * weight * squared * factor(features[0][name])
            assert found[f"content/{name}"] == pytest.approx(expected, rel=1e-4), (scale, name)


def test_windows_have_the_losses_and_the_gradient_of_the_whole_image(network):
    content, style = random_image(330, 291, 0), random_image(150, 260, 1)
    image = random_image(330, 291, 2)
    whole = Objective(network, options_of(), content, [Style(style)])
    parts = Objective(network, options_of(), content, [Style(style)], window_side=240)
    expected, found = whole.evaluate(image), parts.evaluate(image)
    for name, loss in expected.losses.items():
        assert found.losses[name] == pytest.approx(loss, rel=1e-4), name
    largest = np.abs(expected.gradient).max()
    np.testing.assert_allclose(found.gradient, expected.gradient, atol=1e-4 * largest)


def test_a_mix_of_styles_has_the_sum_of_their_losses(network):
    content, one, two, image = (random_image(40, 40, seed) for seed in range(4))
    options = options_of(style_scale="mean", tv_weight=0.0)
    both = Objective(network, options, content, [Style(one, 0.3), Style(two, 0.7)]).evaluate(image)
    single = [
        Objective(network, options, content, [Style(style)]).evaluate(image) for style in (one, two)
    ]
    expected = 0.3 * single[0].sum_of("style") + 0.7 * single[1].sum_of("style")
    assert both.sum_of("style") == pytest.approx(expected, rel=1e-4)
    gradient = 0.3 * single[0].gradient + 0.7 * single[1].gradient
    np.testing.assert_allclose(both.gradient, gradient, atol=1e-4 * np.abs(gradient).max())


def test_total_variation():
    image = np.zeros((2, 3, 3), np.float32)
    image[0, 1, 2] = 6.0
    value, gradient = objective.total_variation(image)
    # 9 differences down, of which one is 6; 12 to the right, of which two are.
    assert value == pytest.approx(36 / 9 + 72 / 12)
    assert gradient[0, 1, 2] == pytest.approx(2 * 6 / 9 + 4 * 6 / 12)
    assert gradient[1, 1, 2] == pytest.approx(-2 * 6 / 9)
    assert gradient[0, 0, 2] == gradient[0, 2, 2] == pytest.approx(-2 * 6 / 12)
    assert np.count_nonzero(gradient) == 4


# --- the originals' own code


def reference(shared):
    folder = shared / "conformance-siblings"
    if not (folder / "style.npz").is_file():
        pytest.skip("the reference outputs are not here")
    figures = json.loads((folder / "index.json").read_text())["style"]
    return folder, figures, dict(np.load(folder / "style.npz"))


def full_weights() -> VggWeights:
    """Returns VGG-19 with the references' weights, drawn from the names of variables."""
    layers, depth = {}, 3
    for name in vgg.layer_names("vgg_19"):
        filters = (64, 128, 256, 512, 512)[int(name[len("conv")]) - 1]
        scope = f"vgg_19/{name[:5]}/{name}"
        draws = [
            np.random.RandomState(zlib.crc32(f"{scope}/{kind}".encode()))
            for kind in ("weights", "biases")
        ]
        kernel = draws[0].normal(0, np.sqrt(1.3 / (9 * depth)), (3, 3, depth, filters))
        kernel = kernel.astype(np.float32) * np.float32(np.sqrt(2.0 / 1.3))
        layers[name] = (kernel, draws[1].normal(0, 0.1, filters).astype(np.float32))
        depth = filters
    return VggWeights("vgg_19", layers, MEAN_COLOR, "drawn")


def objective_of(weights, preset, pooling, images) -> Objective:
    losses = presets.PRESETS[preset].losses
    network = Network(weights, pooling, losses.content_layers, losses.style_layers)
    content, style = (images[name].astype(np.float32) for name in ("content", "style"))
    return Objective(network, losses, content, [Style(style)])


@pytest.mark.parametrize("size", ["tiny", pytest.param("full", marks=pytest.mark.slow)])
def test_losses_equal_those_of_cs20(shared, size):
    folder, figures, images = reference(shared)
    weights = full_weights() if size == "full" else vgg_weights.read(str(folder / "vgg19_tiny.mat"))
    found = objective_of(weights, "cs20", "average", images).evaluate(
        # Its start is not centered, which its network takes for an image that is.
        images["initial"] + np.float32(MEAN_COLOR)
    )
    expected = figures[f"vgg19_{size}_cs20"]
    content, style, total = expected["curve_content_style_total"][0]
    assert found.sum_of("content") == pytest.approx(0.01 * content, rel=1e-5)
    assert found.sum_of("style") == pytest.approx(style, rel=1e-5)
    assert found.total == pytest.approx(total, rel=1e-5)
    weights_of_layers = presets.PRESETS["cs20"].losses.style_layers
    for number, (name, weight) in enumerate(weights_of_layers.items(), start=1):
        loss = weight * expected["sums_in_graph_order"][f"losses/Sum_{number}"]
        assert found.losses[f"style/{name}"] == pytest.approx(loss, rel=1e-5)


@pytest.mark.slow
def test_losses_equal_those_of_neural_style(shared):
    _, figures, images = reference(shared)
    found = objective_of(full_weights(), "neural_style", "average", images).evaluate(
        images["initial"]
    )
    expected = figures["vgg19_full_neural_style_avg"]["losses_before_first_step"]
    for kind in ("content", "style", "tv"):
        assert found.sum_of(kind) == pytest.approx(expected[kind], rel=1e-5), kind
    assert found.total == pytest.approx(expected["total"], rel=1e-5)
