"""sources.mapillary: classes of the config file, versions, splits."""

import numpy as np
import pytest

from datasets.segmentation import sources
from datasets.segmentation.sources import mapillary
from tests.support.sample_images import save, smooth_rgb, write, write_json

LABELS = [
    {"name": "animal--bird", "color": [165, 42, 42], "evaluate": True},
    {"name": "void--dynamic", "color": [111, 74, 0], "evaluate": False},
    {"name": "nature--sky", "color": [70, 130, 180], "evaluate": True},
]
IDS = np.array([[0, 1, 2]], np.uint8)


def write_vistas(root, *versions, train="training", val="validation") -> None:
    for split in (train, val):
        save(root / split / "images" / "a.jpg", smooth_rgb(*IDS.shape))
        for version in versions:
            save(root / split / version / "labels" / "a.png", IDS)
    for version in filter(None, versions):
        write_json(root / f"config_{version}.json", {"labels": LABELS})


@pytest.mark.parametrize("names", [("training", "validation"), ("train", "val")])
def test_the_newest_version_is_taken(tmp_path, names):
    write_vistas(tmp_path, "v1.2", "v2.0", train=names[0], val=names[1])
    save(tmp_path / "testing" / "images" / "t.jpg", smooth_rgb(1, 3))
    assert sources.find_source(str(tmp_path)) == "mapillary"
    source = sources.open_source("mapillary", str(tmp_path))
    assert source.name == "mapillary_v2.0"
    assert source.class_names == ("animal--bird", "nature--sky")
    assert source.palette == ((165, 42, 42), (70, 130, 180))
    assert [*source.splits] == ["train", "val"]
    sample = source.splits["train"][0]
    assert f"v2.0{'/'}labels" in sample.mask_path
    np.testing.assert_array_equal(source.read_mask(sample), [[0, 255, 1]])
    assert [each.kind for each in source.problems] == ["split"]
    old = sources.open_source("mapillary_v1_2", str(tmp_path))
    assert old.name == "mapillary_v1.2"
    assert "v1.2/labels" in old.splits["val"][0].mask_path


def test_the_layout_before_there_were_versions(tmp_path):
    write_vistas(tmp_path / "mapillary", "")
    write_json(tmp_path / "mapillary" / "config.json", {"labels": LABELS})
    source = mapillary.open_source(str(tmp_path))
    assert source.name == "mapillary_v1.2"
    assert source.splits["train"][0].mask_path.endswith("training/labels/a.png")


def test_a_config_that_is_missing_or_wrong_is_named(tmp_path):
    with pytest.raises(ValueError, match="holds nothing; expected Mapillary Vistas"):
        mapillary.open_source(str(tmp_path))
    write_vistas(tmp_path, "v2.0")
    path = tmp_path / "config_v2.0.json"
    path.unlink()
    with pytest.raises(ValueError, match=r"has no config_v2\.0\.json, which names the classes"):
        mapillary.open_source(str(tmp_path))
    write(path, '{"labels": [{"name": "a", "color": [0, 0]}]}')
    with pytest.raises(ValueError, match=r"config_v2\.0\.json: label 0 is .*; expected an object"):
        mapillary.open_source(str(tmp_path))
    write(path, '{"labels": []}')
    with pytest.raises(ValueError, match="has no list 'labels' of 1 to 255"):
        mapillary.open_source(str(tmp_path))
    write_json(path, {"labels": [{**LABELS[0], "evaluate": False}]})
    with pytest.raises(ValueError, match="has no label that is evaluated"):
        mapillary.open_source(str(tmp_path))


@pytest.mark.parametrize("version", ["v1.2", "v2.0"])
def test_mapillary_itself(samples, version):
    source = mapillary.open_source(str(samples / "mapillary"), version)
    assert source.class_names[0] == "animal--bird"
    assert {split: len(found) for split, found in source.splits.items()} == {"train": 1, "val": 2}
    assert np.unique(source.read_mask(source.splits["val"][1])).tolist() == [1, 2]
