"""datasets.classification.sources.class_folders: layouts, splits by chance, and what is told."""

import os

import pytest

from datasets.classification import sources
from datasets.classification.sources import class_folders
from tests.support import class_images, sample_images


def names(source, split: str) -> list[str]:
    return [sample.name for sample in source.splits[split]]


def messages(source) -> list[str]:
    return [f"{problem.severity} {problem.kind} {problem.message}" for problem in source.problems]


def touch(folder, *files: str) -> None:
    """Makes empty files: opening a source reads no image."""
    for file in files:
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_a_folder_per_class_becomes_two_splits(tmp_path):
    for index in range(20):
        touch(tmp_path / "pets", f"dog/{index:02d}.jpg", f"cat/sub/{index:02d}.PNG")
    source = sources.open_source("class_folders", str(tmp_path / "pets"))
    assert (source.name, source.class_names) == ("pets", ("cat", "dog"))
    assert source.problems == ()
    assert {split: len(samples) for split, samples in source.splits.items()} == {
        "train": 32,
        "val": 8,
    }
    for samples in source.splits.values():
        assert sum(sample.label for sample in samples) * 2 == len(samples)  # Of each class.
        assert names(source, "val") == sorted(names(source, "val"))
        for sample in samples:
            assert sample.name == os.path.relpath(sample.path, tmp_path / "pets")
            assert source.class_names[sample.label] == sample.name.split("/")[0]


def test_chance_depends_on_names_and_seed_only(tmp_path):
    for folder in ("one", "two"):
        touch(tmp_path / folder, *(f"{name}/{i}.jpg" for name in "ab" for i in range(30)))
    one = class_folders.open_source(str(tmp_path / "one"), val_fraction=0.3)
    two = class_folders.open_source(str(tmp_path / "two"), val_fraction=0.3)
    other = class_folders.open_source(str(tmp_path / "one"), val_fraction=0.3, seed=1)
    assert names(one, "val") == names(two, "val")
    assert len(names(one, "val")) == len(names(other, "val")) == 18
    assert names(one, "val") != names(other, "val")
    touch(tmp_path / "two", "a/new.jpg")
    more = class_folders.open_source(str(tmp_path / "two"), val_fraction=0.3)
    assert len(set(names(one, "val")) ^ set(names(more, "val"))) <= 2
    # Nobody may notice another drawing: scores of earlier runs would no longer compare.
    assert names(one, "val")[:4] == ["a/10.jpg", "a/12.jpg", "a/23.jpg", "a/24.jpg"]


def test_a_class_of_one_image_stays_in_train(tmp_path):
    touch(tmp_path, "a/0.jpg", "b/0.jpg", "b/1.jpg")
    source = class_folders.open_source(str(tmp_path))
    assert "a/0.jpg" in names(source, "train")
    assert [sample.label for sample in source.splits["val"]] == [1]


@pytest.mark.parametrize("val", ["val", "Valid", "validation", "dev"])
def test_splits_under_the_names_that_people_have(tmp_path, val):
    touch(tmp_path, "Training/a/0.jpg", "Training/b/0.jpg", f"{val}/a/1.jpg", "testing/b/2.jpg")
    touch(tmp_path, "labels.csv", "demo/x.jpg", "stray.jpg")
    source = class_folders.open_source(str(tmp_path))
    assert {split: names(source, split) for split in source.splits} == {
        "train": ["Training/a/0.jpg", "Training/b/0.jpg"],
        "val": [f"{val}/a/1.jpg"],
        "test": ["testing/b/2.jpg"],
    }
    assert messages(source) == [
        "warning unused 2 files are left out, in no folder of a split: demo, stray.jpg."
    ]


def test_val_is_drawn_beside_test_only_when_asked_for(tmp_path):
    touch(tmp_path, *(f"train/{name}/{i}.jpg" for name in "ab" for i in range(10)))
    touch(tmp_path, "test/a/0.jpg")
    plain = class_folders.open_source(str(tmp_path))
    assert list(plain.splits) == ["train", "test"]
    assert "there is no split 'val', only train, test" in messages(plain)[0]
    drawn = class_folders.open_source(str(tmp_path), val_fraction=0.1)
    assert {split: len(samples) for split, samples in drawn.splits.items()} == {
        "train": 18,
        "val": 2,
        "test": 1,
    }
    touch(tmp_path, "val/a/0.jpg")
    with pytest.raises(ValueError, match=r"val_fraction is 0\.1, but .* train, val, test"):
        class_folders.open_source(str(tmp_path), val_fraction=0.1)


def test_classes_called_train_are_classes(tmp_path):
    touch(tmp_path, "train/0.jpg", "bus/0.jpg")
    assert class_folders.open_source(str(tmp_path)).class_names == ("bus", "train")


def test_a_class_that_train_has_not_is_named(tmp_path):
    touch(tmp_path, "train/cat/0.jpg", "train/dog/0.jpg", "val/Cat/0.jpg")
    with pytest.raises(ValueError, match=r"val has the classes 'Cat', which .*mean 'cat'\?"):
        class_folders.open_source(str(tmp_path))


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ((), "holds nothing; expected a folder of images per class"),
        (("a.jpg",), r"holds a\.jpg; expected a folder of images per class"),
        (("val/a/0.jpg", "test/a/0.jpg"), "holds test, val and no train/"),
        (("train/0.jpg", "val/0.jpg"), r"train holds 0\.jpg; expected"),
        (("train/a/0.jpg", "valid/a/0.jpg", "dev/a/0.jpg"), "'dev' and 'valid', and both mean"),
    ],
)
def test_other_layouts_are_told(tmp_path, files, message):
    touch(tmp_path, *files)
    with pytest.raises(ValueError, match=message):
        class_folders.open_source(str(tmp_path))


def test_other_files_are_counted(tmp_path):
    touch(tmp_path, "a/0.jpg", "b/0.jpg", "a/x.heic", "a/notes.txt", "a/.hidden", "a/Thumbs.db")
    (message,) = messages(class_folders.open_source(str(tmp_path), val_fraction=0))[:1]
    assert "2 files are left out" in message
    assert "x.heic (a HEIC file, as phones take them)" in message


def test_a_name_that_is_not_utf8_is_an_error_of_that_file(tmp_path):
    touch(tmp_path, "a/0.jpg", "b/0.jpg")
    os.rename(tmp_path / "a/0.jpg", os.fsencode(tmp_path) + b"/a/caf\xe9.jpg")
    source = class_folders.open_source(str(tmp_path), val_fraction=0)
    (problem,) = (each for each in source.problems if each.kind == "name")
    assert (problem.severity, problem.name) == ("error", r"a/caf\udce9.jpg")
    os.rename(tmp_path / "b", os.fsencode(tmp_path) + b"/caf\xe9")
    with pytest.raises(ValueError, match=r"caf\\udce9: the name is not UTF-8"):
        class_folders.open_source(str(tmp_path))


@pytest.mark.parametrize("fraction", [-0.1, 1.0, float("nan")])
def test_impossible_shares_are_refused(tmp_path, fraction):
    touch(tmp_path, "a/0.jpg", "b/0.jpg")
    with pytest.raises(ValueError, match="expected 0 <= val_fraction < 1"):
        class_folders.open_source(str(tmp_path), val_fraction=fraction)


def test_sources_take_their_own_options_only(tmp_path):
    with pytest.raises(ValueError, match="expected one of class_folders, class_demo, csv_labels"):
        sources.open_source("folder", str(tmp_path))
    with pytest.raises(ValueError, match=r"labels_csv is 'x'.* it works with csv_labels"):
        sources.open_source("class_folders", str(tmp_path), labels_csv="x")


def test_real_images(shared):
    folder = shared / "siblings" / "imagenette160"
    if not folder.is_dir():
        pytest.skip(f"needs {folder}, which is not there")
    source = class_folders.open_source(str(folder))
    assert len(source.class_names) == 10
    assert source.class_names[0] == "n01440764_tench"
    assert list(source.splits) == ["train", "val"]
    assert source.problems == ()


def test_records_of_a_folder_named_by_a_relative_path(tmp_path, monkeypatch):
    class_images.save_pets(tmp_path / "pets", 2)
    sample_images.save(tmp_path / "pets/cat/é.jpg", sample_images.smooth_rgb())
    monkeypatch.chdir(tmp_path / "pets")
    source = class_folders.open_source(".", val_fraction=0)
    assert source.name == "pets"
    assert "cat/é.jpg" in names(source, "train")
