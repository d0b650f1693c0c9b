"""The package sources: its table, which source a folder holds, and options that a source takes."""

import importlib
import inspect

import numpy as np
import pytest

from datasets.segmentation import sources
from tests.support.sample_images import save, save_pair, smooth_rgb


@pytest.mark.parametrize("name", sources.SOURCES)
def test_each_source_takes_the_options_of_the_table(name):
    module = importlib.import_module(f"datasets.segmentation.sources.{name}")
    taken = sources.SOURCES[name]
    expected = {"data_dir", *taken, *(("seed",) if "val_fraction" in taken else ())}
    parameters = inspect.signature(module.open_source).parameters
    # What others take besides is for callers inside.
    assert expected <= {*parameters}
    assert all(
        each.default is not inspect.Parameter.empty
        for option, each in parameters.items()
        if option not in expected
    )


def test_what_no_source_knows_is_a_folder_of_images_and_masks(tmp_path):
    save_pair(tmp_path, "a", np.zeros((2, 4), np.uint8))
    assert sources.find_source(str(tmp_path)) == "folder"
    with pytest.raises(ValueError, match="does not exist"):
        sources.find_source(str(tmp_path / "nothing"))


def test_two_that_match_are_named(tmp_path):
    for folder in ("leftImg8bit", "gtFine", "trainannot"):
        (tmp_path / folder).mkdir()
    with pytest.raises(ValueError, match="looks like camvid and like cityscapes: say which with"):
        sources.find_source(str(tmp_path))


def test_unknown_sources_and_options_are_refused(tmp_path):
    with pytest.raises(ValueError, match="there is no source 'x'; expected one of folder, demo"):
        sources.open_source("x", str(tmp_path))
    message = r"val_fraction is 0\.1, which source 'loveda' does not take; val_fraction works with "
    with pytest.raises(ValueError, match=message):
        sources.open_source("loveda", str(tmp_path), val_fraction=0.1)


def test_the_seed_reaches_sources_that_draw(tmp_path):
    for number in range(12):
        save(tmp_path / "training/image_2" / f"{number}.png", smooth_rgb(1, 2))
        save(tmp_path / "training/semantic" / f"{number}.png", np.zeros((1, 2), np.uint8))
    drawn = {
        tuple(sample.name for sample in source.splits["val"])
        for seed in range(4)
        for source in [sources.open_source("kitti", str(tmp_path), seed=seed)]
    }
    assert len(drawn) > 1
