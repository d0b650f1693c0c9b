"""sources.source, and opening a source by its name."""

import pickle

import numpy as np
import pytest
from PIL import Image

from datasets.segmentation import sources
from datasets.segmentation.masks.mask_format import MaskFormat
from datasets.segmentation.sources.source import Sample, Source
from tests.support.sample_images import exif, save, smooth_rgb

HEIGHT, WIDTH = 24, 40
COLORS = {(0, 0, 0): 0, (255, 0, 0): 1}


def test_example_of_a_source_has_the_turned_size_of_its_mask(tmp_path):
    image_path = save(tmp_path / "a.jpg", smooth_rgb(), exif=exif(6))
    mask_path = save(tmp_path / "a.png", np.zeros((WIDTH, HEIGHT), np.uint8))
    source = Source("own", ("a",), ((0, 0, 0),), 255, {"train": ()})
    image, mask = source.read_example(Sample("a", image_path, mask_path))
    assert image.rgb.shape[:2] == mask.shape == (WIDTH, HEIGHT)


@pytest.mark.parametrize(
    ("mask_size", "fix"),
    [
        ((WIDTH, HEIGHT), "turned by 90 degrees"),
        ((HEIGHT // 2, WIDTH // 2), r"Resize the mask to 40x24 with nearest"),
        ((HEIGHT, HEIGHT), "may not belong together"),
    ],
)
def test_example_of_two_sizes_is_refused(tmp_path, mask_size, fix):
    image_path = save(tmp_path / "a.jpg", smooth_rgb())
    mask_path = save(tmp_path / "a.png", np.zeros(mask_size, np.uint8))
    source = Source("own", ("a",), ((0, 0, 0),), 255, {"train": ()})
    with pytest.raises(ValueError, match=rf"a\.png: the mask is .*a\.jpg is 40x24\. .*{fix}"):
        source.read_example(Sample("a", image_path, mask_path))


def test_sources_can_be_sent_to_other_processes(tmp_path):
    source = Source("own", ("a",), ((0, 0, 0),), 255, {"train": ()}, MaskFormat({1: 2}, COLORS))
    assert pickle.loads(pickle.dumps(source)) == source


def test_unknown_source_is_named(tmp_path):
    with pytest.raises(ValueError, match="no source 'coco'; expected one of folder, demo, camvid"):
        sources.open_source("coco", str(tmp_path))


def test_published_sources_take_no_options(tmp_path):
    with pytest.raises(ValueError, match=r"val_fraction is 0\.1, which source 'camvid' does not"):
        sources.open_source("camvid", str(tmp_path), val_fraction=0.1)


@pytest.mark.parametrize("mode", ["L", "P"])
@pytest.mark.parametrize("id_map", [{}, {2: 255}])
def test_an_example_has_the_ids_that_the_format_gives(tmp_path, mode, id_map):
    image_path = save(tmp_path / "a.jpg", smooth_rgb())
    ids = (np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH) % 3).astype(np.uint8)
    mask_path = save(tmp_path / "a.png", Image.fromarray(ids).convert(mode))
    mask_format = MaskFormat(id_map=id_map)
    source = Source("own", ("a", "b", "c"), ((0, 0, 0),) * 3, 255, {}, mask_format)
    _, mask = source.read_example(Sample("a", image_path, mask_path))
    np.testing.assert_array_equal(mask, np.where(ids == 2, id_map.get(2, 2), ids))
