"""Large images and their masks in tiles."""

import itertools
import os
import pathlib

import cv2
import numpy as np
import pytest

from datasets.segmentation import tiles
from datasets.segmentation.sources import open_source
from tests.support import command_runs

CLASSES = '{"names": ["ground", "roof"], "palette": [[0, 0, 0], [200, 60, 60]]}'


@pytest.fixture
def scenes(tmp_path):
    """A folder with a scene for training, partly unlabeled, and a small image for validation."""
    random = np.random.RandomState(0)
    folder = tmp_path / "scenes"
    pixels = {}
    for split, name, size in (("train", "town/a", (150, 260)), ("val", "b", (60, 70))):
        image = random.randint(0, 256, (*size, 3)).astype(np.uint8)
        mask = random.randint(0, 2, size).astype(np.uint8)
        if split == "train":
            mask[:100, :100] = 255
        for kind, values in (("images", image[..., ::-1]), ("masks", mask)):
            path = folder / kind / split / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), values)
        pixels[name] = image, mask
    (folder / "classes.json").write_text(CLASSES)
    return str(folder), pixels


def read(source, split):
    """Returns image and mask of each sample of a split, by name."""
    return {
        sample.name: (image.rgb, ids)
        for sample in source.splits[split]
        for image, ids in [source.read_example(sample)]
    }


@pytest.mark.parametrize(
    ("side", "expected"),
    [(64, [0]), (40, [0]), (65, [0, 1]), (128, [0, 64]), (150, [0, 43, 86]), (260, None)],
)
def test_tiles_cover_a_side_and_are_evenly_spaced(side, expected):
    found = tiles.starts(side, 64)
    assert expected is None or found == expected
    assert found[0] == 0
    assert found[-1] + 64 >= side
    assert found == sorted(found)
    assert all(later - first <= 64 for first, later in itertools.pairwise(found))
    assert max(found) + min(64, side) == side


def test_tiles_have_the_pixels_of_their_place(scenes, tmp_path):
    folder, pixels = scenes
    output = str(tmp_path / "tiles")
    source = open_source("folder", folder)
    num_tiles = tiles.cut(source, output, tile_size=100)
    cut = open_source("folder", output)
    assert not [problem for problem in cut.problems if problem.severity == "error"]
    assert cut.class_names == source.class_names
    assert cut.palette == source.palette
    found = read(cut, "train")
    # 2 x 3 tiles, of which the first has no labeled pixel.
    places = {(0, 80), (0, 160), (50, 0), (50, 80), (50, 160)}
    assert set(found) == {f"town/a_{top}_{left}" for top, left in places}
    assert num_tiles == len(places) + 1
    image, mask = pixels["town/a"]
    for top, left in places:
        part = slice(top, top + 100), slice(left, left + 100)
        np.testing.assert_array_equal(found[f"town/a_{top}_{left}"][0], image[part])
        np.testing.assert_array_equal(found[f"town/a_{top}_{left}"][1], mask[part])


def test_an_image_of_one_tile_keeps_its_name_and_file(scenes, tmp_path):
    folder, pixels = scenes
    output = str(tmp_path / "tiles")
    tiles.cut(open_source("folder", folder), output, tile_size=100)
    kept, original = (
        pathlib.Path(each, "images", "val", "b.png").read_bytes() for each in (output, folder)
    )
    assert kept == original
    found = read(open_source("folder", output), "val")
    np.testing.assert_array_equal(found["b"][1], pixels["b"][1])


def test_a_folder_that_holds_something_is_left_alone(scenes, tmp_path):
    folder, _ = scenes
    (tmp_path / "tiles").mkdir()
    (tmp_path / "tiles" / "mine.txt").write_text("mine")
    with pytest.raises(ValueError, match=r"tiles is not empty\. Remove it, or choose another"):
        tiles.cut(open_source("folder", folder), str(tmp_path / "tiles"), tile_size=100)
    assert os.listdir(tmp_path / "tiles") == ["mine.txt"]


def test_a_wrong_id_or_a_damaged_image_leaves_nothing(scenes, tmp_path):
    folder, _ = scenes
    mask = os.path.join(folder, "masks", "val", "b.png")
    values = cv2.imread(mask, cv2.IMREAD_UNCHANGED)
    cv2.imwrite(mask, values + np.uint8(7))
    with pytest.raises(ValueError, match=r"b\.png: ids 7, 8 have no class"):
        tiles.cut(open_source("folder", folder), str(tmp_path / "tiles"), tile_size=100)
    cv2.imwrite(mask, values)
    image = os.path.join(folder, "images", "train", "town", "a.png")
    os.truncate(image, 500)
    with pytest.raises(ValueError, match=r"a\.png"):
        tiles.cut(open_source("folder", folder), str(tmp_path / "tiles"), tile_size=100)
    assert sorted(os.listdir(tmp_path)) == ["scenes"]


def test_the_command_cuts_and_says_what_is_next(scenes, tmp_path):
    folder, _ = scenes
    output = str(tmp_path / "cut tiles")
    run = command_runs.run(
        "datasets/cut_tiles.py",
        f"--data_dir={folder}",
        f"--output_dir={output}",
        "--tile_size=100",
        cwd=tmp_path,
    )
    assert run.returncode == 0, run.stderr
    assert f"6 tiles of 2 images are in {output}." in run.stdout
    assert f"make tfrecords DATA_DIR='{output}'" in run.stdout
    assert sorted(os.listdir(output)) == ["classes.json", "images", "masks"]
