"""sources of published images from above: loveda, potsdam, vaihingen and others."""

import itertools

import numpy as np
import pytest

from datasets.segmentation import sources
from datasets.segmentation.sources import (
    deepglobe,
    inria,
    isprs,
    landcover_ai,
    loveda,
    potsdam,
    vaihingen,
)
from tests.support.sample_images import save, smooth_rgb, write

TOWN = np.array(
    [[(255, 255, 255), (0, 0, 255), (0, 255, 255), (0, 255, 0), (252, 255, 0), (255, 0, 0)]],
    np.uint8,
)


def names_of(source) -> dict[str, list[str]]:
    return {split: [sample.name for sample in samples] for split, samples in source.splits.items()}


def mask_of(source, split="train") -> np.ndarray:
    return source.read_mask(source.splits[split][0])


@pytest.mark.parametrize(("module", "count"), [(loveda, 7), (isprs, 6), (inria, 2), (deepglobe, 6)])
def test_names_and_colors_fit(module, count):
    assert len(set(module.CLASS_NAMES)) == len(set(module.PALETTE)) == count


# --- loveda


def test_loveda(tmp_path):
    ids = np.arange(8, dtype=np.uint8)[None]
    for folder in ("Train/Urban", "Train/Rural", "Val/Rural"):
        save(tmp_path / folder / "images_png" / "1.png", smooth_rgb(*ids.shape))
        save(tmp_path / folder / "masks_png" / "1.png", ids)
    save(tmp_path / "Test" / "Urban" / "images_png" / "2.png", smooth_rgb(*ids.shape))
    assert sources.find_source(str(tmp_path)) == "loveda"
    source = sources.open_source("loveda", str(tmp_path))
    assert names_of(source) == {"train": ["Rural/1", "Urban/1"], "val": ["Rural/1"]}
    np.testing.assert_array_equal(mask_of(source), [[255, 0, 1, 2, 3, 4, 5, 6]])
    assert source.class_names[6] == "agriculture"
    with pytest.raises(ValueError, match="expected LoveDA with Train/Urban"):
        loveda.open_source(str(tmp_path / "Val"))


# --- potsdam and vaihingen


def save_potsdam(root, tile: str, masks="5_Labels_all", ending="label") -> None:
    save(root / "2_Ortho_RGB" / f"top_potsdam_{tile}_RGB.tif", smooth_rgb(*TOWN.shape[:2]))
    save(root / masks / f"top_potsdam_{tile}_{ending}.tif", TOWN)


def test_potsdam(tmp_path):
    for tile in ("2_10", "2_11", "2_13"):
        save_potsdam(tmp_path, tile)
    (tmp_path / "2_Ortho_RGB" / "top_potsdam_2_10_RGB.tfw").write_text("0.05")
    assert sources.find_source(str(tmp_path)) == "potsdam"
    source = sources.open_source("potsdam", str(tmp_path), val_fraction=0.5)
    assert {split: len(names) for split, names in names_of(source).items()} == {
        "train": 1,
        "val": 1,
        "test": 1,
    }
    assert names_of(source)["test"] == ["2_13"]
    np.testing.assert_array_equal(mask_of(source), [[0, 1, 2, 3, 4, 5]])
    assert len(potsdam.TEST_TILES) == 14


def test_potsdam_without_boundaries(tmp_path):
    save_potsdam(tmp_path / "Potsdam", "2_10", "5_Labels_all_noBoundary", "label_noBoundary")
    path = tmp_path / "Potsdam/5_Labels_all_noBoundary/top_potsdam_2_10_label_noBoundary.tif"
    save(path, TOWN * np.array([[[0], [1], [1], [1], [1], [1]]], np.uint8))
    source = potsdam.open_source(str(tmp_path))
    np.testing.assert_array_equal(mask_of(source), [[255, 1, 2, 3, 4, 5]])


def test_potsdam_of_another_layout_is_named(tmp_path):
    with pytest.raises(ValueError, match="holds nothing; expected Potsdam with 2_Ortho_RGB"):
        potsdam.open_source(str(tmp_path))
    save_potsdam(tmp_path, "2_13")
    with pytest.raises(ValueError, match="has no masks of the tiles for training"):
        potsdam.open_source(str(tmp_path))
    save(tmp_path / "x" / "2_Ortho_RGB" / "a.tif", TOWN)
    save(tmp_path / "x" / "5_Labels_all" / "a.tif", TOWN)
    with pytest.raises(ValueError, match=r"no tile has an image in .* and a mask in"):
        potsdam.open_source(str(tmp_path / "x"))


@pytest.mark.parametrize(
    ("folder", "ending"),
    [
        ("gts_for_participants", ""),
        ("ISPRS_semantic_labeling_Vaihingen_ground_truth_COMPLETE", ""),
        ("ISPRS_semantic_labeling_Vaihingen_ground_truth_eroded_COMPLETE", "_noBoundary"),
    ],
)
def test_vaihingen(tmp_path, folder, ending):
    for area in ("1", "2", "3"):
        image = smooth_rgb(*TOWN.shape[:2])
        save(tmp_path / "top" / f"top_mosaic_09cm_area{area}.tif", image)
        save(tmp_path / folder / f"top_mosaic_09cm_area{area}{ending}.tif", TOWN)
    assert sources.find_source(str(tmp_path)) == "vaihingen"
    source = sources.open_source("vaihingen", str(tmp_path))
    assert {*names_of(source)["train"], *names_of(source)["val"]} == {"1", "3"}
    assert names_of(source)["test"] == ["2"]
    np.testing.assert_array_equal(mask_of(source, "test"), [[0, 1, 2, 3, 4, 5]])
    assert len(vaihingen.TEST_TILES) == 17


def test_vaihingen_of_another_layout_is_named(tmp_path):
    with pytest.raises(ValueError, match="holds nothing; expected Vaihingen with top"):
        vaihingen.open_source(str(tmp_path))


# --- landcover_ai


def test_landcover_ai_in_the_tiles_of_its_lists(tmp_path):
    save(tmp_path / "masks" / "M-33-20-D-c-4-2.tif", np.zeros((2, 2), np.uint8))
    write(tmp_path / "train.txt", "M-33-20-D-c-4-2_1\nM-33-20-D-c-4-2_0\n")
    write(tmp_path / "val.txt", "N-34-61-B-a-1-1_0\n")
    assert sources.find_source(str(tmp_path)) == "landcover_ai"
    with pytest.raises(ValueError, match=r"has no folder 'output' of tiles\. Run python split\.py"):
        sources.open_source("landcover_ai", str(tmp_path))
    for name in ("M-33-20-D-c-4-2_0", "M-33-20-D-c-4-2_1", "N-34-61-B-a-1-1_0"):
        save(tmp_path / "output" / f"{name}.jpg", smooth_rgb(1, 5))
        save(tmp_path / "output" / f"{name}_m.png", np.arange(5, dtype=np.uint8)[None])
    source = landcover_ai.open_source(str(tmp_path))
    assert names_of(source) == {
        "train": ["M-33-20-D-c-4-2_0", "M-33-20-D-c-4-2_1"],
        "val": ["N-34-61-B-a-1-1_0"],
    }
    np.testing.assert_array_equal(mask_of(source), [[0, 1, 2, 3, 4]])
    with pytest.raises(ValueError, match=r"expected LandCover\.ai with images"):
        landcover_ai.open_source(str(tmp_path / "output"))


# --- inria


def test_inria_validates_on_the_first_images_of_each_city(tmp_path):
    root = tmp_path / "AerialImageDataset"
    mask = np.array([[0, 255]], np.uint8)
    for name in ("austin1", "austin5", "austin6", "tyrol-w12"):
        save(root / "train" / "images" / f"{name}.tif", smooth_rgb(*mask.shape))
        save(root / "train" / "gt" / f"{name}.tif", mask)
    assert sources.find_source(str(tmp_path)) == sources.find_source(str(root)) == "inria"
    source = sources.open_source("inria", str(tmp_path))
    assert names_of(source) == {"train": ["austin6", "tyrol-w12"], "val": ["austin1", "austin5"]}
    np.testing.assert_array_equal(mask_of(source), [[0, 1]])
    for name in ("austin6", "tyrol-w12"):
        (root / "train" / "gt" / f"{name}.tif").unlink()
        (root / "train" / "images" / f"{name}.tif").unlink()
    with pytest.raises(ValueError, match="has only images 1 to 5 of each city"):
        inria.open_source(str(root))


# --- deepglobe


@pytest.mark.parametrize("folder", ["train", "land-train", ""])
def test_deepglobe(tmp_path, folder):
    # Channels are not pure, as in the masks that were published.
    mask = np.array([[(2, 250, 255), (255, 255, 130), (0, 0, 0), (255, 120, 255)]], np.uint8)
    for name in ("119", "606"):
        save(tmp_path / folder / f"{name}_sat.jpg", smooth_rgb(*mask.shape[:2]))
        save(tmp_path / folder / f"{name}_mask.png", mask)
    assert sources.find_source(str(tmp_path)) == "deepglobe"
    source = sources.open_source("deepglobe", str(tmp_path), val_fraction=0.5)
    assert sorted(itertools.chain(*names_of(source).values())) == ["119", "606"]
    np.testing.assert_array_equal(mask_of(source), [[0, 5, 255, 2]])


def test_deepglobe_of_another_layout_is_named(tmp_path):
    with pytest.raises(ValueError, match="holds nothing; expected DeepGlobe Land Cover"):
        deepglobe.open_source(str(tmp_path))


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("loveda", "loveda"),
        ("inria", "inria"),
        ("landcoverai", "landcover_ai"),
        ("deepglobelandcover", "deepglobe"),
    ],
)
def test_folders_laid_out_as_published(samples, folder, name):
    path = samples / "geotiff" / "torchgeo" / folder
    assert sources.find_source(str(path)) == name
