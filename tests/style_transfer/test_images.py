"""style_transfer.images and .scales: sizes, colors and files."""

import os

import numpy as np
import pytest
from PIL import Image

from style_transfer import images, scales
from style_transfer.network import Network
from tests.support import tiny_vgg
from tests.support.sample_images import save, smooth_rgb


def test_images_are_read_upright_and_sized(tmp_path):
    image = Image.fromarray(smooth_rgb(40, 60))
    exif = Image.Exif()
    exif[274] = 6
    image.save(tmp_path / "a.jpg", exif=exif)
    read = images.read(str(tmp_path / "a.jpg"))
    assert read.size == (40, 60)
    assert images.fitted_size(read, 30) == (30, 20)
    values = images.resized(read, (30, 20), "a.jpg")
    assert (values.shape, values.dtype) == ((30, 20, 3), np.float32)
    with pytest.raises(ValueError, match=r"a\.jpg would be 15x30; expected 16 pixels or more"):
        images.resized(read, (30, 15), "a.jpg")


def test_floating_point_images_are_enlarged_without_rounding():
    values = np.linspace(-20, 280, 8 * 6 * 3, dtype=np.float32).reshape(8, 6, 3)
    large = images.enlarged(values, (16, 12))
    assert (large.shape, large.dtype) == ((16, 12, 3), np.float32)
    assert large.min() < -10
    assert np.abs(large - np.rint(large)).max() > 0.1
    assert images.to_bytes(large).min() == 0


def test_a_frame_mirrors_the_image_and_can_be_cut_off():
    values = smooth_rgb(30, 40).astype(np.float32)
    framed = images.framed(values, 8)
    assert framed.shape == (*images.framed_size((30, 40), 8), 3) == (48, 56, 3)
    np.testing.assert_array_equal(framed[7, 8:48], values[1])
    np.testing.assert_array_equal(framed[38, 8:48], values[28])
    np.testing.assert_array_equal(images.unframed(framed, (30, 40), 8), values)
    assert images.framed(values, 0).shape == values.shape
    np.testing.assert_array_equal(images.unframed(values, (30, 40), 0), values)


def test_colors_are_those_of_the_content_and_brightness_that_of_the_painting():
    content = np.broadcast_to(np.uint8([200, 80, 40]), (8, 8, 3)).copy()
    painting = np.repeat(np.linspace(60, 160, 64).reshape(8, 8, 1), 3, axis=2).astype(np.uint8)
    shown = images.with_colors_of(painting, content)
    luma = shown @ [0.299, 0.587, 0.114]
    np.testing.assert_allclose(luma, painting[..., 0], atol=3)
    assert (shown[..., 0].astype(int) - shown[..., 2] > 100).all()


def test_files_are_written_whole_by_their_ending(tmp_path):
    pixels = smooth_rgb(20, 30)
    for name, kind in (("a.png", "PNG"), ("b.JPG", "JPEG"), ("sub/c.webp", "WEBP")):
        images.write(str(tmp_path / name), pixels)
        assert Image.open(tmp_path / name).format == kind
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "a.png")), pixels)
    assert sorted(os.listdir(tmp_path)) == ["a.png", "b.JPG", "sub"]
    with pytest.raises(ValueError, match=r"output a\.gif ends in '\.gif'; expected one of \.png"):
        images.check_ending("a.gif")


def test_large_images_begin_at_a_size_that_suits_the_network():
    sizes = [(each.longer_side, each.num_steps) for each in scales.plan(512, 300)]
    assert sizes == [(256, 300), (512, 150)]
    sizes = [(each.longer_side, each.num_steps) for each in scales.plan(900, 300)]
    assert sizes == [(225, 300), (450, 150), (900, 75)]
    assert [each.longer_side for each in scales.plan(256, 9)] == [256]
    assert [each.longer_side for each in scales.plan(100, 9, num_scales=3)] == [25, 50, 100]
    assert [each.longer_side for each in scales.plan(3000, 9, num_scales=1)] == [3000]


def test_what_does_not_fit_into_memory_is_cut(monkeypatch):
    network = Network(tiny_vgg.weights(), "average", ["conv4_2"], ["conv5_1"])
    per_pixel = network.bytes_per_pixel
    of_image = 144 + network.kept_bytes_per_pixel
    free = {"bytes": (per_pixel * 400 * 500 + of_image * 1000 * 1000) / 0.75}
    monkeypatch.setattr(scales.memory, "available_bytes", lambda with_swap: free["bytes"])
    assert scales.window_side(network, 400, 500) is None
    side = scales.window_side(network, 1000, 1000)
    assert 400 < side < 500
    text = scales.describe(network, 1000, 1000, side)
    assert text.startswith("1000x1000: ")
    assert f" that are free, in 16 windows of {side} pixels" in text
    free["bytes"] = of_image * 1000 * 1000
    with pytest.raises(ValueError, match=r"in windows of 176, the smallest, need .* are free"):
        scales.window_side(network, 1000, 1000)
    network.close()


def test_broken_images_are_named(tmp_path):
    path = save(tmp_path / "a.png", smooth_rgb(20, 20))
    os.truncate(path, 90)
    with pytest.raises(ValueError, match=r"a\.png"):
        images.read(path)
