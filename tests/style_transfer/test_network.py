"""style_transfer.network: features and Gram matrices, as a whole and in windows."""

import numpy as np
import pytest

from style_transfer import windows
from style_transfer.network import Network
from tests.support import tiny_vgg

LAYERS = ("conv1_1", "conv3_1", "conv5_1")


@pytest.fixture(scope="module", params=["average", "max"])
def network(request):
    network = Network(tiny_vgg.weights(), request.param, ["conv1_2", "conv4_2"], LAYERS)
    yield network
    network.close()


def test_windows_have_the_features_of_the_whole_image(network):
    image = np.random.RandomState(0).uniform(0, 255, (261, 330, 3)).astype(np.float32)
    whole = windows.split(261, 330, None, network.reach, network.stride)
    parts = windows.split(261, 330, 256, network.reach, network.stride)
    assert len(parts) > 3
    expected, found = network.features(image, whole), network.features(image, parts)
    assert {name: values.shape for name, values in found.items()} == {
        "conv1_2": (261, 330, 4),
        "conv4_2": (33, 42, 8),
    }
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, atol=1e-4 * values.max())
    grams = network.grams(image, parts)
    for name, gram in network.grams(image, whole).items():
        np.testing.assert_allclose(grams[name], gram, atol=1e-4 * gram.max())
        np.testing.assert_allclose(gram, gram.T, rtol=1e-5)


def test_the_first_layer_is_a_convolution_behind_a_relu(network):
    image = np.random.RandomState(0).uniform(0, 255, (20, 17, 3)).astype(np.float32)
    whole = windows.split(20, 17, None, network.reach, network.stride)
    kernel, biases = tiny_vgg.layers()["conv1_1"]
    centered = np.pad(image - np.float32(network.mean_color), [(1, 1), (1, 1), (0, 0)])
    sums = np.zeros((20, 17, 4))
    for row in range(3):
        for column in range(3):
            sums += centered[row : row + 20, column : column + 17] @ kernel[row, column]
    matrix = np.maximum(sums + biases, 0.0).reshape(-1, 4)
    gram = network.grams(image, whole)["conv1_1"]
    np.testing.assert_allclose(gram, matrix.T @ matrix / (20 * 17), rtol=1e-4)


def test_places_of_the_layers_are_known(network):
    assert (network.stride, network.style_layers) == (16, LAYERS)
    assert network.reach == 2 + 1 + 4 + 2 + 12 + 4 + 24 + 8 + 16
    # The outputs of all layers up to the last one, in float32, and some of the largest.
    kept = 2 * 4 + 2 * 6 / 4 + 3 * 8 / 16 + 3 * 8 / 64 + 8 / 256
    assert network.bytes_per_pixel > 4 * kept


def test_layers_that_the_weights_lack_are_named():
    with pytest.raises(ValueError, match=r"tiny\.npz has no layer conv3_4; it has conv1_1, "):
        Network(tiny_vgg.weights(), "max", ["conv3_4"], LAYERS)
