"""style_transfer.windows: inner parts tile the image."""

import numpy as np
import pytest

from style_transfer import layers, windows


@pytest.mark.parametrize("size", [(300, 410), (513, 97), (230, 231)])
def test_inner_parts_tile_the_image_and_its_features(size):
    found = windows.split(*size, 256, 85, 16)
    for stride in (1, 4, 16):
        counts = np.zeros([-(-side // stride) for side in size], int)
        for window in found:
            counts[window.features_of(stride)] += 1
        assert (counts == 1).all()
    for window in found:
        rows, columns = window.slices
        assert rows.stop - rows.start <= 256 and columns.stop - columns.start <= 256  # noqa: PT018
        assert window.top % 16 == window.left % 16 == 0
        top, left, bottom, right = window.inner
        assert (window.top == 0 or top >= 85) and (window.left == 0 or left >= 85)  # noqa: PT018
        assert window.bottom == size[0] or window.bottom - window.top - bottom >= 85
        assert window.right == size[1] or window.right - window.left - right >= 85


def test_a_small_image_is_one_window_and_windows_have_an_inner_part():
    assert windows.split(100, 90, None, 85, 16) == windows.split(100, 90, 200, 85, 16)
    assert windows.smallest_side(85, 16) == 208
    assert len(windows.split(300, 30, 208, 85, 16)) == 19
    with pytest.raises(ValueError, match="windows have 207 pixels to a side; expected 208 or more"):
        windows.split(300, 300, 207, 85, 16)


@pytest.mark.parametrize(
    ("name", "variant", "stride", "reach"),
    [
        ("conv1_1", "vgg_16", 1, 1),
        ("conv1_2", "vgg_16", 1, 2),
        ("conv2_1", "vgg_16", 2, 2 + 1 + 2),
        ("conv5_1", "vgg_19", 16, 2 + 1 + 4 + 2 + 16 + 4 + 32 + 8 + 16),
    ],
)
def test_places_of_layers(name, variant, stride, reach):
    assert (layers.stride(name), layers.reach(name, variant)) == (stride, reach)


def test_names_of_layers():
    assert layers.canonical("relu4_2") == layers.canonical("conv4_2") == "conv4_2"
    with pytest.raises(ValueError, match="'conv6_1' is no layer of a VGG"):
        layers.canonical("conv6_1")
