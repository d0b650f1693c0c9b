"""datasets.segmentation.sources.folder: a user's own images and masks, in each of its layouts."""

import numpy as np
import pytest

from datasets.segmentation import sources
from datasets.segmentation.sources import folder
from tests.support.sample_images import (
    save,
    save_pair,
    save_palette_mask,
    smooth_rgb,
    write,
    write_json,
)

IDS = (np.arange(12 * 20).reshape(12, 20) % 3).astype(np.uint8)


def names_of(source) -> dict[str, list[str]]:
    return {split: [sample.name for sample in samples] for split, samples in source.splits.items()}


def test_a_folder_a_split(tmp_path):
    for split, name in (("val", "a"), ("train", "b"), ("train", "a"), ("extra", "c")):
        save_pair(tmp_path / split, name, IDS)
    source = folder.open_source(str(tmp_path))
    assert names_of(source) == {"train": ["a", "b"], "val": ["a"], "extra": ["c"]}
    assert list(source.splits) == ["train", "val", "extra"]
    sample = source.splits["val"][0]
    assert sample.image_path == str(tmp_path / "val" / "images" / "a.jpg")
    assert sample.mask_path == str(tmp_path / "val" / "masks" / "a.png")
    assert source.name == tmp_path.name


def test_a_list_a_split(tmp_path):
    for name in ("a", "b", "c"):
        save_pair(tmp_path, name, IDS)
    write(tmp_path / "splits" / "val.txt", "b.jpg\n")
    write(tmp_path / "splits" / "train.txt", "c\na\n")
    source = folder.open_source(str(tmp_path))
    assert names_of(source) == {"train": ["a", "c"], "val": ["b"]}


def save_many(tmp_path, names) -> None:
    for name in names:
        save_pair(tmp_path, name, IDS)


def test_a_fraction_is_seeded(tmp_path):
    names = [f"image{index}" for index in range(20)]
    save_many(tmp_path, names)
    first = names_of(folder.open_source(str(tmp_path), val_fraction=0.25, seed=1))
    again = names_of(folder.open_source(str(tmp_path), val_fraction=0.25, seed=1))
    other = names_of(folder.open_source(str(tmp_path), val_fraction=0.25, seed=2))
    assert first == again
    assert first != other
    for splits in (first, other):
        assert len(splits["val"]) == 5
        assert sorted(splits["train"] + splits["val"]) == sorted(names)
        assert splits["train"] == sorted(splits["train"])
    assert len(names_of(folder.open_source(str(tmp_path)))["val"]) == 4


def test_a_fraction_hardly_moves_when_images_are_added(tmp_path):
    save_many(tmp_path, [f"image{index}" for index in range(20)])
    before = names_of(folder.open_source(str(tmp_path)))
    save_many(tmp_path, ["new"])
    after = names_of(folder.open_source(str(tmp_path)))
    assert len(set(before["val"]) & set(after["val"])) >= 3


def test_the_split_of_these_names_never_changes(tmp_path):
    """Hashes do not depend on the machine or Python, so this list is the same for everybody."""
    save_many(tmp_path, "abcdefghij")
    assert names_of(folder.open_source(str(tmp_path), val_fraction=0.3)) == {
        "train": ["a", "b", "c", "d", "e", "i", "j"],
        "val": ["f", "g", "h"],
    }


def test_a_fraction_of_0_has_no_val(tmp_path):
    save_many(tmp_path, "ab")
    assert names_of(folder.open_source(str(tmp_path), val_fraction=0)) == {"train": ["a", "b"]}


def test_val_gets_a_image_and_train_keeps_one(tmp_path):
    save_many(tmp_path, "ab")
    for fraction in (0.01, 0.99):
        splits = names_of(folder.open_source(str(tmp_path), val_fraction=fraction))
        assert [len(splits["train"]), len(splits["val"])] == [1, 1]


def test_ids_are_counted_without_a_class_file(tmp_path):
    save_pair(tmp_path / "train", "a", IDS)
    save_pair(tmp_path / "val", "b", np.where(IDS == 2, 255, 3).astype(np.uint8))
    source = folder.open_source(str(tmp_path))
    assert source.class_names == ("class_0", "class_1", "class_2", "class_3")
    assert source.palette[3] == (128, 128, 0)
    assert source.ignore_label == 255


def test_unreadable_masks_do_not_stop_the_counting(tmp_path):
    save_pair(tmp_path / "train", "a", IDS)
    save_pair(tmp_path / "train", "b", IDS)
    write(tmp_path / "train" / "masks" / "b.png", "no image")
    assert folder.open_source(str(tmp_path)).num_classes == 3


def test_ids_with_large_gaps_are_refused(tmp_path):
    save_pair(tmp_path / "train", "a", (IDS // 2 * 128).astype(np.uint8))
    save_pair(tmp_path / "train", "b", (IDS // 2 * 255).astype(np.uint8))
    with pytest.raises(ValueError, match=r"ids 0, 128, 255, so most ids up to 128 never occur"):
        folder.open_source(str(tmp_path))


def test_masks_of_0_and_255_are_two_classes(tmp_path):
    save_pair(tmp_path / "train", "a", (IDS // 2 * 255).astype(np.uint8))
    source = folder.open_source(str(tmp_path))
    assert source.class_names == ("class_0", "class_1")
    (sample,) = source.splits["train"]
    np.testing.assert_array_equal(source.read_mask(sample), IDS // 2)
    assert [problem.kind for problem in source.problems] == ["values"]


def test_class_file_in_the_folder_is_taken(tmp_path):
    save_pair(tmp_path / "train", "a", IDS)
    write_json(tmp_path / "classes.json", {"names": ["x", "y", "z"], "ignore_label": 9})
    source = folder.open_source(str(tmp_path))
    assert source.class_names == ("x", "y", "z")
    assert source.ignore_label == 9
    other = write_json(tmp_path / "other.json", {"names": ["p", "q", "r", "s"]})
    assert folder.open_source(str(tmp_path), classes_file=other).class_names[0] == "p"


@pytest.mark.parametrize(
    ("lines", "names", "told"),
    [
        ("sky\n\n road \ncar\n", ("sky", "road", "car"), "names the classes, from 0 on: sky, road"),
        (
            "sky\nroad\n",
            ("class_0", "class_1", "class_2"),
            "has 2 names, and the masks have 3",
        ),
        ("sky\nroad\nsky\n", ("class_0", "class_1", "class_2"), "has a name twice, so it is not"),
    ],
)
def test_a_list_of_names_is_taken_if_it_is_of_all_classes(tmp_path, lines, names, told):
    save(tmp_path / "images" / "a.jpg", smooth_rgb(8, 8))
    save(tmp_path / "masks" / "a.png", np.arange(64, dtype=np.uint8).reshape(8, 8) % 3)
    (tmp_path / "classes.txt").write_text(lines)
    source = folder.open_source(str(tmp_path), val_fraction=0)
    assert source.class_names == names
    (message,) = [each.message for each in source.problems if each.kind == "classes"]
    assert message.startswith(f"classes.txt {told}")


def test_a_list_of_names_does_not_name_colors(tmp_path):
    save(tmp_path / "images" / "a.jpg", smooth_rgb(8, 8))
    mask = np.zeros((8, 8, 3), np.uint8)
    mask[:4] = (255, 0, 0)
    save(tmp_path / "masks" / "a.png", mask)
    (tmp_path / "labels.txt").write_text("sky\nroad\n")
    source = folder.open_source(str(tmp_path), val_fraction=0)
    assert source.class_names == ("#000000", "#ff0000")
    messages = [each.message for each in source.problems if each.kind == "classes"]
    assert messages[0].startswith("labels.txt does not say which color is which class, so")


def test_rgb_masks_are_read_by_the_class_file(tmp_path):
    palette = [[10, 20, 30], [255, 0, 0], [0, 0, 255]]
    save(tmp_path / "train" / "images" / "a.jpg", smooth_rgb(12, 20))
    rgb = np.array(palette, np.uint8)[IDS]
    rgb[0, 0] = (255, 255, 255)
    save(tmp_path / "train" / "masks" / "a.png", rgb)
    write_json(
        tmp_path / "classes.json",
        {"names": ["x", "y", "z"], "palette": palette, "ignore_palette": ["#ffffff"]},
    )
    source = folder.open_source(str(tmp_path))
    expected = IDS.copy()
    expected[0, 0] = 255
    np.testing.assert_array_equal(source.read_mask(source.splits["train"][0]), expected)


def test_palette_masks_are_read_by_their_indices(tmp_path):
    save(tmp_path / "train" / "images" / "a.jpg", smooth_rgb(12, 20))
    colors = [[200, 0, 0], [0, 200, 0], [0, 0, 200]]
    save_palette_mask(tmp_path / "train" / "masks" / "a.png", IDS, colors)
    source = folder.open_source(str(tmp_path))
    np.testing.assert_array_equal(source.read_mask(source.splits["train"][0]), IDS)


def test_rgb_masks_without_a_class_file_are_explained(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (12, 20, 3), dtype=np.uint8)
    save(tmp_path / "train" / "images" / "a.jpg", smooth_rgb(12, 20))
    save(tmp_path / "train" / "masks" / "a.png", noise)
    source = folder.open_source(str(tmp_path))
    with pytest.raises(ValueError, match=r"a\.png: RGB mask with colors .*classes\.json"):
        source.read_mask(source.splits["train"][0])


def test_files_without_a_partner_stay_samples(tmp_path):
    save_pair(tmp_path / "train", "a", IDS)
    save(tmp_path / "train" / "images" / "b.jpg", smooth_rgb())
    save(tmp_path / "train" / "masks" / "c.png", IDS)
    source = folder.open_source(str(tmp_path))
    assert names_of(source) == {"train": ["a", "b", "c"]}
    assert source.splits["train"][1].mask_path == str(tmp_path / "train" / "masks" / "b.png")


def test_doubled_stems_are_problems(tmp_path):
    save_pair(tmp_path / "train", "a", IDS)
    save(tmp_path / "train" / "images" / "a.png", smooth_rgb())
    (problem,) = folder.open_source(str(tmp_path)).problems
    assert (problem.severity, problem.kind, problem.split, problem.name) == (
        "error",
        "stem",
        "train",
        "a",
    )
    assert problem.path.endswith("a.jpg")
    assert "a.png" in problem.message


def test_hidden_files_and_other_files_are_passed_over(tmp_path):
    save_pair(tmp_path / "train", "a", IDS)
    write(tmp_path / "train" / "images" / "._a.jpg", "resource fork")
    write(tmp_path / "train" / "images" / "Thumbs.db", "")
    write(tmp_path / "train" / "masks" / "notes.txt", "")
    assert names_of(folder.open_source(str(tmp_path))) == {"train": ["a"]}


def test_images_beside_the_folders_are_counted(tmp_path):
    save_pair(tmp_path / "train", "a", IDS)
    save_pair(tmp_path / "val", "b", IDS)
    for path in ("root.jpg", "train/stray.png", "test/x.jpg", "test/y.JPG", "notes.txt"):
        write(tmp_path / path, "")
    problems = folder.open_source(str(tmp_path)).problems
    assert {(problem.severity, problem.kind) for problem in problems} == {("warning", "unused")}
    assert {problem.path: problem.message.split(" left")[0] for problem in problems} == {
        str(tmp_path): "1 file is",
        str(tmp_path / "train"): "1 file is",
        str(tmp_path / "test"): "2 files are",
    }


def test_a_folder_too_high_is_told(tmp_path):
    save_pair(tmp_path / "mine", "a", IDS)
    (problem,) = folder.open_source(str(tmp_path)).problems
    assert "there is no split 'train', only mine" in problem.message


def test_missing_folder_is_named(tmp_path):
    with pytest.raises(
        ValueError, match=r"data_dir '.*nowhere' does not exist; expected a folder with images/"
    ):
        folder.open_source(str(tmp_path / "nowhere"))


def test_empty_folder_is_named(tmp_path):
    with pytest.raises(
        ValueError, match=r"holds nothing; expected images/ and masks/, .* labelling tool"
    ):
        folder.open_source(str(tmp_path))


@pytest.mark.parametrize("name", ["cat/a.jpg", "train/cat/a.jpg"])
def test_folders_of_classes_are_told_how_to_build(tmp_path, name):
    save(tmp_path / name, smooth_rgb())
    with pytest.raises(ValueError, match="by class, give --dataset=class_folders"):
        folder.open_source(str(tmp_path))
    (tmp_path / "cat" / "masks").mkdir(parents=True)
    (tmp_path / "dog" / "labels").mkdir(parents=True)
    with pytest.raises(ValueError, match=r"lists the tools\.$"):
        folder.open_source(str(tmp_path))


def test_both_layouts_at_once_are_refused(tmp_path):
    save_pair(tmp_path, "a", IDS)
    save_pair(tmp_path / "train", "a", IDS)
    with pytest.raises(ValueError, match=r"holds images/ and also train/images/; expected images/"):
        folder.open_source(str(tmp_path))


def test_missing_masks_folder_is_named(tmp_path):
    save(tmp_path / "images" / "a.jpg", smooth_rgb())
    with pytest.raises(ValueError, match=r"masks does not exist; expected a folder of masks"):
        folder.open_source(str(tmp_path))


def test_masks_as_jpeg_are_listed_and_their_reader_refuses_them(tmp_path):
    save(tmp_path / "train" / "images" / "a.jpg", smooth_rgb())
    save(tmp_path / "train" / "masks" / "a.jpg", IDS)
    source = folder.open_source(str(tmp_path))
    (sample,) = source.splits["train"]
    with pytest.raises(ValueError, match=r"masks/a\.jpg: a mask saved as JPEG"):
        source.read_mask(sample)


def test_stems_that_never_match_are_shown(tmp_path):
    save(tmp_path / "train" / "images" / "a.jpg", smooth_rgb())
    save(tmp_path / "train" / "masks" / "b.png", IDS)
    with pytest.raises(ValueError, match=r"split 'train': .*images 'a', masks 'b'\. Give"):
        folder.open_source(str(tmp_path))


def test_list_of_other_names_is_shown(tmp_path):
    save_pair(tmp_path, "a", IDS)
    write(tmp_path / "splits" / "train.txt", "b\n")
    with pytest.raises(ValueError, match=r"split 'train': .*says 'b', and images are called 'a'"):
        folder.open_source(str(tmp_path))


def test_splits_folder_without_lists_is_named(tmp_path):
    save_pair(tmp_path, "a", IDS)
    write(tmp_path / "splits" / "train.csv", "a\n")
    with pytest.raises(ValueError, match=r"splits holds train\.csv; expected lists such as"):
        folder.open_source(str(tmp_path))


@pytest.mark.parametrize("fraction", [-0.1, 1, 20])
def test_wrong_fraction_is_named(tmp_path, fraction):
    save_many(tmp_path, "ab")
    with pytest.raises(ValueError, match=rf"val_fraction is {fraction}; expected 0 <="):
        folder.open_source(str(tmp_path), val_fraction=fraction)


def test_fraction_of_one_image_is_refused(tmp_path):
    save_many(tmp_path, "a")
    with pytest.raises(ValueError, match="only one example, so none is left for 'val'"):
        folder.open_source(str(tmp_path))


def test_fraction_beside_splits_is_refused(tmp_path):
    save_pair(tmp_path / "train", "a", IDS)
    with pytest.raises(ValueError, match=r"val_fraction is 0\.2, but .* splits of its own: train"):
        sources.open_source("folder", str(tmp_path), val_fraction=0.2)
