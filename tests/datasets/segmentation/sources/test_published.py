"""datasets.segmentation.sources of published datasets: camvid, voc2012, cityscapes and ade20k."""

import numpy as np
import pytest

from datasets.segmentation import sources
from datasets.segmentation.sources import ade20k, camvid, cityscapes, voc2012
from tests.support.sample_images import save, save_palette_mask, smooth_rgb, write

IDS = np.array([[0, 1, 2, 3], [4, 5, 11, 255]], np.uint8)


def names_of(source) -> dict[str, list[str]]:
    return {split: [sample.name for sample in samples] for split, samples in source.splits.items()}


@pytest.mark.parametrize("module", [camvid, voc2012, cityscapes, ade20k])
def test_names_and_colors_fit(module):
    num_classes = {camvid: 11, voc2012: 21, cityscapes: 19, ade20k: 151}[module]
    assert len(set(module.CLASS_NAMES)) == len(module.PALETTE) == num_classes
    assert all(len(color) == 3 and 0 <= min(color) <= max(color) <= 255
               for color in module.PALETTE)  # fmt: skip


# --- camvid


def save_segnet(root, split, *names):
    for name in names:
        save(root / split / f"{name}.png", smooth_rgb(*IDS.shape))
        save(root / f"{split}annot" / f"{name}.png", IDS)


def test_camvid_as_segnet_has_it(tmp_path):
    save_segnet(tmp_path, "train", "a", "b")
    save_segnet(tmp_path, "val", "c")
    save_segnet(tmp_path, "test", "d")
    write(tmp_path / "val.txt", "/SegNet/CamVid/val/c.png /SegNet/CamVid/valannot/c.png;\n")
    source = sources.open_source("camvid", str(tmp_path))
    assert names_of(source) == {"train": ["a", "b"], "val": ["c"], "test": ["d"]}
    np.testing.assert_array_equal(
        source.read_mask(source.splits["train"][0]), [[0, 1, 2, 3], [4, 5, 255, 255]]
    )


def test_camvid_lists_choose(tmp_path):
    save_segnet(tmp_path, "train", "a", "b", "c")
    write(tmp_path / "train.txt", "/x/train/c.png /x/trainannot/c.png\n/x/train/a.png y\n")
    assert names_of(camvid.open_source(str(tmp_path))) == {"train": ["a", "c"]}


@pytest.mark.parametrize("masks_folder", ["labels", "masks"])
def test_camvid_with_a_folder_a_split(tmp_path, masks_folder):
    save(tmp_path / "camvid" / "train" / "images" / "a.jpg", smooth_rgb(*IDS.shape))
    save(tmp_path / "camvid" / "train" / masks_folder / "a.png", IDS)
    source = camvid.open_source(str(tmp_path))
    assert source.splits["train"][0].mask_path.endswith(f"{masks_folder}/a.png")
    assert source.read_mask(source.splits["train"][0])[1, 2] == 255


def test_camvid_in_the_colors_of_its_32_labels(tmp_path):
    save_segnet(tmp_path, "train", "a")
    colors = [(128, 128, 128), (0, 128, 64), (192, 0, 64), (0, 0, 0), (192, 0, 192), (0, 64, 64)]
    save(tmp_path / "trainannot" / "a.png", np.array([colors[:3], colors[3:]], np.uint8))
    save(tmp_path / "train" / "a.png", smooth_rgb(2, 3))
    source = camvid.open_source(str(tmp_path))
    # Sky, a bridge, a marking of the road; void, a scooter, a traffic light.
    np.testing.assert_array_equal(
        source.read_mask(source.splits["train"][0]), [[0, 1, 3], [255, 10, 6]]
    )
    assert len(source.mask_format.colors) == 32


def test_camvid_of_another_layout_is_named(tmp_path):
    write(tmp_path / "train" / "a.txt", "")
    with pytest.raises(ValueError, match=r"train is neither layout of CamVid; expected"):
        camvid.open_source(str(tmp_path))
    with pytest.raises(ValueError, match=r"holds a\.txt; expected CamVid"):
        camvid.open_source(str(tmp_path / "train"))


def test_camvid_itself(shared):
    source = camvid.open_source(str(shared / "camvid"))
    assert {split: len(samples) for split, samples in source.splits.items()} == {
        "train": 367,
        "val": 101,
    }
    ids = np.unique(source.read_mask(source.splits["val"][0]))
    assert set(ids.tolist()) <= {*range(11), 255}


# --- voc2012


def save_voc(root, *names, folder="SegmentationClass"):
    ids = np.array([[0, 20, 255]], np.uint8)
    for name in names:
        save(root / "JPEGImages" / f"{name}.jpg", smooth_rgb(*ids.shape))
        save_palette_mask(root / folder / f"{name}.png", ids, voc2012.palettes.voc_palette(256))


@pytest.mark.parametrize("upper", ["", "VOC2012", "VOCdevkit/VOC2012"])
def test_voc_is_found_at_any_level(tmp_path, upper):
    root = tmp_path / upper
    save_voc(root, "2007_a", "2007_b", "2007_c")
    write(root / "ImageSets/Segmentation/train.txt", "2007_b\n2007_a\n")
    write(root / "ImageSets/Segmentation/val.txt", "2007_c\n")
    write(root / "ImageSets/Segmentation/test.txt", "2008_d\n")
    source = voc2012.open_source(str(tmp_path))
    assert names_of(source) == {"train": ["2007_a", "2007_b"], "val": ["2007_c"]}
    np.testing.assert_array_equal(source.read_mask(source.splits["val"][0]), [[0, 20, 255]])
    assert source.class_names[20] == "tvmonitor"


def test_voc_raw_masks_are_taken_without_the_colored_ones(tmp_path):
    save_voc(tmp_path, "a", folder="SegmentationClassRaw")
    write(tmp_path / "ImageSets/Segmentation/train.txt", "a\n")
    source = voc2012.open_source(str(tmp_path))
    assert "SegmentationClassRaw" in source.splits["train"][0].mask_path


@pytest.mark.parametrize("list_name", ["train_aug", "trainaug", None])
def test_voc_augmented_masks_make_a_split(tmp_path, list_name):
    save_voc(tmp_path, "a", "b")
    save_voc(tmp_path, "a", "b", "c", folder="SegmentationClassAug")
    write(tmp_path / "ImageSets/Segmentation/train.txt", "a\n")
    write(tmp_path / "ImageSets/Segmentation/val.txt", "b\n")
    if list_name:
        write(tmp_path / f"ImageSets/Segmentation/{list_name}.txt", "a\nc\n")
    source = voc2012.open_source(str(tmp_path))
    assert names_of(source) == {"train": ["a"], "val": ["b"], "train_aug": ["a", "c"]}
    assert all("SegmentationClassAug" in sample.mask_path for sample in source.splits["train_aug"])


def test_voc_masks_that_were_saved_as_rgb_are_read(tmp_path):
    save_voc(tmp_path, "a")
    rgb = np.array([[(0, 0, 0), (0, 64, 128), (224, 224, 192)]], np.uint8)
    save(tmp_path / "SegmentationClass" / "a.png", rgb)
    write(tmp_path / "ImageSets/Segmentation/train.txt", "a\n")
    source = voc2012.open_source(str(tmp_path))
    np.testing.assert_array_equal(source.read_mask(source.splits["train"][0]), [[0, 20, 255]])


def test_voc_of_another_layout_is_named(tmp_path):
    (tmp_path / "ImageSets" / "Segmentation").mkdir(parents=True)
    with pytest.raises(ValueError, match="JPEGImages does not exist; expected a folder of image"):
        voc2012.open_source(str(tmp_path))
    save_voc(tmp_path, "a")
    with pytest.raises(ValueError, match=r"Segmentation holds nothing; expected lists like"):
        voc2012.open_source(str(tmp_path))
    write(tmp_path / "ImageSets/Segmentation/train.txt", "b\n")
    with pytest.raises(ValueError, match=r"no list .* names an image that has a mask"):
        voc2012.open_source(str(tmp_path))


# --- cityscapes


def save_cityscapes(root, split, name, kind, ids=None):
    city = name.split("_")[0]
    ids = np.zeros((2, 4), np.uint8) if ids is None else ids
    save(root / "leftImg8bit" / split / city / f"{name}_leftImg8bit.png", smooth_rgb(*ids.shape))
    if kind:
        save(root / "gtFine" / split / city / f"{name}_gtFine_{kind}.png", ids)


def test_cityscapes_label_ids_become_train_ids(tmp_path):
    save_cityscapes(
        tmp_path, "train", "aachen_0_1", "labelIds", np.arange(35, dtype=np.uint8)[None]
    )
    save_cityscapes(tmp_path, "val", "lindau_0_1", "labelIds")
    save_cityscapes(tmp_path, "test", "berlin_0_1", "labelIds")
    source = sources.open_source("cityscapes", str(tmp_path))
    assert names_of(source) == {"train": ["aachen_0_1"], "val": ["lindau_0_1"]}
    # From the label table of cityscapesScripts: name, id, trainId.
    table = {
        "road": 7, "sidewalk": 8, "building": 11, "wall": 12, "fence": 13, "pole": 17,
        "traffic light": 19, "traffic sign": 20, "vegetation": 21, "terrain": 22, "sky": 23,
        "person": 24, "rider": 25, "car": 26, "truck": 27, "bus": 28, "train": 31,
        "motorcycle": 32, "bicycle": 33,
    }  # fmt: skip
    expected = np.full(35, 255)
    for train_id, (name, label_id) in enumerate(table.items()):
        expected[label_id] = train_id
        assert source.class_names[train_id] == name
    expected[34] = 34  # No label has it, so the check will say so.
    np.testing.assert_array_equal(source.read_mask(source.splits["train"][0])[0], expected)


def test_cityscapes_train_ids_are_taken_when_they_are_complete(tmp_path):
    ids = np.array([[0, 18, 255]], np.uint8)
    for kind in ("labelIds", "labelTrainIds"):
        save_cityscapes(tmp_path, "train", "aachen_0_1", kind, ids)
    source = cityscapes.open_source(str(tmp_path))
    np.testing.assert_array_equal(source.read_mask(source.splits["train"][0]), ids)
    save_cityscapes(tmp_path, "train", "aachen_0_2", "labelIds", ids)
    source = cityscapes.open_source(str(tmp_path))
    assert all(sample.mask_path.endswith("_labelIds.png") for sample in source.splits["train"])


def test_cityscapes_without_masks_is_named(tmp_path):
    save_cityscapes(tmp_path, "train", "aachen_0_1", None)
    with pytest.raises(ValueError, match=r"aachen_0_1_gtFine_labelIds\.png\. Unpack gtFine"):
        cityscapes.open_source(str(tmp_path))


def test_cityscapes_without_cities_is_named(tmp_path):
    write(tmp_path / "leftImg8bit" / "train" / "a.png", "")
    with pytest.raises(ValueError, match=r"train holds a\.png; expected folders of cities"):
        cityscapes.open_source(str(tmp_path))
    with pytest.raises(ValueError, match="expected Cityscapes with leftImg8bit"):
        cityscapes.open_source(str(tmp_path / "leftImg8bit"))


# --- ade20k


@pytest.mark.parametrize("upper", ["", "ADEChallengeData2016"])
def test_ade20k(tmp_path, upper):
    root = tmp_path / upper
    ids = np.array([[0, 1, 150]], np.uint8)
    for folder, name in (("training", "ADE_train_00000001"), ("validation", "ADE_val_00000001")):
        save(root / "images" / folder / f"{name}.jpg", smooth_rgb(*ids.shape))
        save(root / "annotations" / folder / f"{name}.png", ids)
    source = sources.open_source("ade20k", str(tmp_path))
    assert names_of(source) == {"train": ["ADE_train_00000001"], "val": ["ADE_val_00000001"]}
    np.testing.assert_array_equal(source.read_mask(source.splits["train"][0]), ids)
    assert source.ignore_label == 0
    assert source.class_names[0] == "background"
    assert source.class_names[1] == "wall"
    assert source.class_names[13] == "person"
    assert source.class_names[150] == "flag"


def test_ade20k_of_another_layout_is_named(tmp_path):
    with pytest.raises(ValueError, match="holds nothing; expected ADEChallengeData2016"):
        ade20k.open_source(str(tmp_path))


# --- splits without masks, in each of them


def only_warning(source):
    (problem,) = source.problems
    assert (problem.severity, problem.kind, problem.split) == ("warning", "split", None)
    assert problem.message.endswith("has no masks and is left out.")
    return problem


@pytest.mark.parametrize("layout", ["segnet", "folders"])
def test_camvid_without_masks_of_test(tmp_path, layout):
    if layout == "segnet":
        save_segnet(tmp_path, "train", "a")
        save(tmp_path / "test" / "b.png", smooth_rgb(*IDS.shape))
    else:
        save(tmp_path / "train" / "images" / "a.jpg", smooth_rgb(*IDS.shape))
        save(tmp_path / "train" / "labels" / "a.png", IDS)
        save(tmp_path / "test" / "images" / "b.jpg", smooth_rgb(*IDS.shape))
    source = camvid.open_source(str(tmp_path))
    assert names_of(source) == {"train": ["a"]}
    assert only_warning(source).path == str(
        tmp_path / ("testannot" if layout == "segnet" else "test/labels")
    )


def test_voc_without_masks_of_test(tmp_path):
    save_voc(tmp_path, "a")
    save(tmp_path / "JPEGImages" / "b.jpg", smooth_rgb(1, 3))
    write(tmp_path / "ImageSets/Segmentation/train.txt", "a\n")
    write(tmp_path / "ImageSets/Segmentation/test.txt", "b\nc\n")
    source = voc2012.open_source(str(tmp_path))
    assert names_of(source) == {"train": ["a"]}
    assert "test.txt" in only_warning(source).message


def test_cityscapes_without_masks_of_val(tmp_path):
    save_cityscapes(tmp_path, "train", "aachen_0_1", "labelIds")
    save_cityscapes(tmp_path, "val", "lindau_0_1", None)
    source = cityscapes.open_source(str(tmp_path))
    assert names_of(source) == {"train": ["aachen_0_1"]}
    assert only_warning(source).path == str(tmp_path / "gtFine" / "val")


def test_ade20k_without_masks_of_validation(tmp_path):
    save(tmp_path / "images" / "training" / "a.jpg", smooth_rgb(*IDS.shape))
    save(tmp_path / "annotations" / "training" / "a.png", IDS)
    save(tmp_path / "images" / "validation" / "b.jpg", smooth_rgb(*IDS.shape))
    source = ade20k.open_source(str(tmp_path))
    assert names_of(source) == {"train": ["a"]}
    assert only_warning(source).path == str(tmp_path / "annotations" / "validation")


def test_names_with_spaces_in_lists_of_voc_and_camvid(tmp_path):
    save_voc(tmp_path / "voc", "IMG 001", "IMG 002")
    write(tmp_path / "voc/ImageSets/Segmentation/train.txt", "IMG 001\n")
    write(tmp_path / "voc/ImageSets/Segmentation/val.txt", "IMG 002\nIMG 003\n")
    source = voc2012.open_source(str(tmp_path / "voc"))
    assert names_of(source) == {"train": ["IMG 001"], "val": ["IMG 002"]}
    (problem,) = source.problems
    assert (problem.kind, problem.split) == ("list", "val")
    assert "line 2 names 'IMG 003': no image and no mask is called so" in problem.message
    save_segnet(tmp_path, "train", "IMG 001", "IMG 002")
    write(tmp_path / "train.txt", "/x y/train/IMG 002.png /x y/trainannot/IMG 002.png\n")
    assert names_of(camvid.open_source(str(tmp_path))) == {"train": ["IMG 002"]}


def test_the_full_ade20k_is_named(tmp_path):
    for split in ("training", "validation"):
        for ending in (".jpg", "_seg.png", "_parts_1.png"):
            save(tmp_path / split / "street" / f"1{ending}", np.zeros((2, 3, 3), np.uint8))
    assert sources.find_source(str(tmp_path)) == "ade20k"
    with pytest.raises(ValueError, match=r"is the full ADE20K, .* expected ADEChallengeData2016"):
        sources.open_source("ade20k", str(tmp_path))
