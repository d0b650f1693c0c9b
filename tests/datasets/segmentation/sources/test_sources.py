"""sources: the sources' common parts, class files, lists, and palettes."""

import pickle

import numpy as np
import pytest
from PIL import Image

from common import palettes
from datasets.segmentation import sources
from datasets.segmentation.masks.mask_format import MaskFormat
from datasets.segmentation.sources import class_file
from datasets.segmentation.sources.source import Sample, Source
from tests.support.sample_images import exif, save, smooth_rgb, write, write_json

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


def test_unknown_split_is_named():
    source = Source("own", ("a",), ((0, 0, 0),), 255, {"train": (), "val": ()})
    with pytest.raises(ValueError, match=r"no split 'trian'; it has train, val"):
        source.split("trian")


def test_sources_can_be_sent_to_other_processes(tmp_path):
    source = Source("own", ("a",), ((0, 0, 0),), 255, {"train": ()}, MaskFormat({1: 2}, COLORS))
    assert pickle.loads(pickle.dumps(source)) == source


def test_unknown_source_is_named(tmp_path):
    with pytest.raises(ValueError, match="no source 'coco'; expected one of folder, demo, camvid"):
        sources.open_source("coco", str(tmp_path))


def test_published_sources_take_no_options(tmp_path):
    with pytest.raises(ValueError, match=r"val_fraction is 0\.1, but source 'camvid' has its own"):
        sources.open_source("camvid", str(tmp_path), val_fraction=0.1)


# --- class files


def write_classes(tmp_path, content) -> str:
    save_file = write if isinstance(content, str) else write_json
    return save_file(tmp_path / "classes.json", content)


def test_class_file_with_everything(tmp_path):
    path = write_classes(
        tmp_path,
        {
            "names": ["background", "cat"],
            "palette": [[0, 0, 0], "#ff8000"],
            "ignore_label": 7,
            "ignore_palette": ["#ffffff", [1, 2, 3]],
        },
    )
    classes = class_file.read_class_file(path)
    assert classes.names == ("background", "cat")
    assert classes.display_palette == ((0, 0, 0), (255, 128, 0))
    assert classes.mask_colors == {
        (0, 0, 0): 0,
        (255, 128, 0): 1,
        (255, 255, 255): 7,
        (1, 2, 3): 7,
    }


def test_class_file_with_names_only(tmp_path):
    classes = class_file.read_class_file(write_classes(tmp_path, {"names": ["a", "b", "c"]}))
    assert classes.ignore_label == 255
    assert classes.display_palette == ((0, 0, 0), (128, 0, 0), (0, 128, 0))
    assert classes.mask_colors is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not a JSON file"),
        ([], "expected an object"),
        ({}, "'names' is not a list of names"),
        ({"names": [1]}, "'names' is not a list of names"),
        ({"names": []}, "has 0 names; expected 1 to 256"),
        ({"names": ["a", "a"]}, "has 'a' twice"),
        ({"names": ["a"], "pallete": []}, "unknown key 'pallete': did you mean 'palette'"),
        ({"names": ["a"], "palette": []}, "0 colors and 'names' 1 names"),
        ({"names": ["a"], "palette": [[0, 0, 256]]}, r"has \[0, 0, 256\]; expected"),
        ({"names": ["a"], "palette": ["#00zz00"]}, "has '#00zz00'; expected"),
        ({"names": ["a", "b"], "palette": ["#000000"] * 2}, r"color \(0, 0, 0\) twice"),
        ({"names": ["a"], "ignore_label": 256}, "'ignore_label' is 256; expected"),
        ({"names": ["a"], "ignore_label": True}, "'ignore_label' is True; expected"),
        ({"names": ["a"], "ignore_palette": ["#000000"]}, "goes with 'palette'"),
        (
            {"names": ["a"], "palette": ["#000000"], "ignore_palette": ["#000000"]},
            "in 'palette' and in 'ignore_palette'",
        ),
    ],
)
def test_wrong_class_file_is_named(tmp_path, content, message):
    with pytest.raises(ValueError, match=rf"classes\.json: .*{message}"):
        class_file.read_class_file(write_classes(tmp_path, content))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_class_file_of_another_program_is_read(tmp_path, encoding):
    path = tmp_path / "classes.json"
    path.write_bytes('{"names": ["Straße", "道路"]}'.replace(" ", "\r\n").encode(encoding))
    assert class_file.read_class_file(str(path)).names == ("Straße", "道路")


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16-le"])
def test_class_file_of_an_unknown_encoding_is_named(tmp_path, encoding):
    path = tmp_path / "classes.json"
    path.write_bytes('{"names":\n["Straße"]}'.encode(encoding))
    with pytest.raises(ValueError, match=r"classes\.json: not a text file in .*Save it as UTF-8"):
        class_file.read_class_file(str(path))


def test_missing_class_file_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"class file .*none\.json does not exist"):
        class_file.read_class_file(str(tmp_path / "none.json"))


# --- palettes


def test_voc_palette_is_the_devkits():
    palette = palettes.voc_palette(256)
    assert palette[:3] == ((0, 0, 0), (128, 0, 0), (0, 128, 0))
    assert palette[15] == (192, 128, 128)  # person
    assert palette[20] == (0, 64, 128)  # tvmonitor
    assert palette[255] == (224, 224, 192)  # void
    assert len(set(palette)) == 256


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
