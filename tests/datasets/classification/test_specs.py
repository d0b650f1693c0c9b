"""datasets.classification.specs: what is written is read, and each task finds its own datasets."""

import dataclasses
import json
import os

import pytest

from datasets.classification import specs
from datasets.classification.specs import ClassificationSpec, ClassificationSplit
from datasets.records import shard_check, tfrecords
from datasets.segmentation import specs as segmentation_specs
from datasets.segmentation.specs import DatasetSpec, SplitSpec

SPLIT = ClassificationSplit(
    num_examples=3,
    num_shards=2,
    examples_per_class=(1, 2),
    max_height=10,
    max_width=20,
    shard_examples=(2, 1),
    shard_bytes=(40, 20),
)


def make_spec(directory, **changes) -> ClassificationSpec:
    spec = ClassificationSpec("pets", str(directory), ("cat", "dog"), {"train": SPLIT})
    return dataclasses.replace(spec, **changes)


def make_segmentation_spec(directory) -> DatasetSpec:
    split = SplitSpec(1, 1, (4,), (1,), 0, 2, 2)
    return DatasetSpec("town", str(directory), ("sky",), ((0, 0, 0),), 255, False, {"val": split})


def edit(directory, **changes) -> None:
    path = directory / "dataset.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_what_is_written_is_read(tmp_path):
    spec = make_spec(tmp_path)
    specs.write_spec(spec)
    read = specs.read_spec(str(tmp_path))
    assert read == spec
    assert read.split("train").shard_bytes == SPLIT.shard_bytes
    assert (read.num_classes, read.split("train").examples_per_class) == (2, (1, 2))
    content = json.loads((tmp_path / "dataset.json").read_text())
    assert (content["format_version"], content["task"]) == (1, "classification")
    assert "shard_files" not in content["splits"]["train"]
    with pytest.raises(ValueError, match=r"has no split 'test'; it has train"):
        read.split("test")


def test_each_task_refuses_the_other_and_names_the_flag(tmp_path):
    specs.write_spec(make_spec(tmp_path))
    with pytest.raises(ValueError, match=r"for classification, not for segmentation: give --task="):
        segmentation_specs.read_spec(str(tmp_path))
    segmentation_specs.write_spec(make_segmentation_spec(tmp_path))
    assert "task" not in json.loads((tmp_path / "dataset.json").read_text())
    with pytest.raises(ValueError, match=r"for segmentation, not for .*: give --task=deeplab, or"):
        specs.read_spec(str(tmp_path))


def test_each_task_finds_the_last_of_its_own(tmp_path):
    root = str(tmp_path)
    with pytest.raises(ValueError, match=r"there is no dataset for classification in .*DATASET="):
        specs.find_last_dataset(root)
    for age, name in enumerate(["new", "old"]):
        for kind, write, make in (
            ("labels", specs.write_spec, make_spec),
            ("masks", segmentation_specs.write_spec, make_segmentation_spec),
        ):
            folder = tmp_path / f"{name}_{kind}"
            folder.mkdir()
            write(make(folder))
            os.utime(folder / "dataset.json", (1000 - age, 1000 - age))
    assert os.path.basename(specs.find_last_dataset(root)) == "new_labels"
    assert os.path.basename(segmentation_specs.find_last_dataset(root)) == "new_masks"
    for name in ("new", "old"):
        os.remove(tmp_path / f"{name}_masks" / "dataset.json")
    with pytest.raises(ValueError, match=r"there is no dataset for segmentation in"):
        segmentation_specs.find_last_dataset(root)


def test_a_damaged_description_is_found_and_then_told(tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "dataset.json").write_text("{")
    assert specs.find_last_dataset(str(tmp_path)) == str(tmp_path / "x")
    with pytest.raises(ValueError, match=r"is not a description of a dataset"):
        specs.read_spec(str(tmp_path / "x"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"task": "painting"}, "task is 'painting'; expected one of segmentation, classif"),
        ({"task": ["x"]}, "task is "),
        ({"format_version": 2}, "format_version is 2; this program reads 1"),
        ({"class_names": []}, "class_names is empty"),
        ({"class_names": ["a"]}, "examples_per_class has 2 numbers for 1 classes"),
        ({"class_names": ["a", 3]}, "is 3; expected text"),
        ({"splits": {}}, "splits is empty"),
        ({"name": "a/b"}, "name is 'a/b'; expected a name without a folder"),
        ({"colour": 1}, "unknown key 'colour'"),
    ],
)
def test_impossible_descriptions_are_refused(tmp_path, changes, message):
    specs.write_spec(make_spec(tmp_path))
    edit(tmp_path, **changes)
    with pytest.raises(ValueError, match=r"dataset\.json is not a description.*build") as error:
        specs.read_spec(str(tmp_path))
    assert message in str(error.value)


def test_counts_that_do_not_add_up_are_refused(tmp_path):
    split = dataclasses.replace(SPLIT, num_examples=4)
    specs.write_spec(make_spec(tmp_path, splits={"train": split}))
    with pytest.raises(ValueError, match=r"adds up to 3, not to num_examples, 4"):
        specs.read_spec(str(tmp_path))


def test_a_folder_without_a_description(tmp_path):
    with pytest.raises(ValueError, match=r"holds no dataset\.json: .*describe_tfrecords --task="):
        specs.read_spec(str(tmp_path))
    with pytest.raises(ValueError, match=r"there is no dataset in .*build it with"):
        specs.read_spec(str(tmp_path / "none"))


def test_shards_are_counted_as_those_of_segmentation(tmp_path):
    split = dataclasses.replace(SPLIT, shard_bytes=())
    spec = make_spec(tmp_path, splits={"train": split})
    for index, count in enumerate((2, 1)):
        path = tfrecords.shard_path(str(tmp_path), "train", index, 2)
        with tfrecords.write_shard(path) as writer:
            for _ in range(count):
                writer.write(b"record")
    assert shard_check.complete_shards(spec, "train") == spec.shard_paths("train")
    with tfrecords.write_shard(spec.shard_paths("train")[0]) as writer:
        writer.write(b"record")
    with pytest.raises(ValueError, match=r"has 2 examples, but .* says 3: .*holds 1 of 2"):
        shard_check.complete_shards(spec, "train")
    os.remove(spec.shard_paths("train")[1])
    with pytest.raises(ValueError, match=r"is missing, of 2 'train' shards"):
        shard_check.complete_shards(spec, "train")
