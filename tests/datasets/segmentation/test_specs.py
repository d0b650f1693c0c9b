"""`dataset.json` and the folders that come without one."""

import dataclasses
import json
import os

import pytest
import tensorflow.compat.v1 as tf

from datasets.records import tfrecords
from datasets.segmentation import specs


def make_spec(directory) -> specs.DatasetSpec:
    train = specs.SplitSpec(7, 2, (100, 50), (7, 3), 4, 360, 480)
    return specs.DatasetSpec(
        name="pets",
        directory=str(directory),
        class_names=("background", "Katze, grün"),
        palette=((0, 0, 0), (128, 64, 255)),
        ignore_label=255,
        has_gradient=True,
        splits={"train": train, "val": dataclasses.replace(train, num_examples=2, num_shards=1)},
    )


def write_shards(directory, split: str, sizes: list[list[tuple[int, int]]]) -> None:
    """Writes shards of records that hold an image's size and no image."""
    for index, records in enumerate(sizes):
        path = tfrecords.shard_path(str(directory), split, index, len(sizes))
        with tfrecords.write_shard(path) as writer:
            for height, width in records:
                example = tf.train.Example()
                tfrecords.put_int64(example, "image/height", height)
                tfrecords.put_int64(example, "image/width", width)
                tfrecords.put_bytes(example, "image/encoded", b"any")
                writer.write(example.SerializeToString())


def test_a_spec_comes_back_equal(tmp_path):
    spec = make_spec(tmp_path)
    specs.write_spec(spec)
    assert os.listdir(tmp_path) == ["dataset.json"]
    read = specs.read_spec(str(tmp_path))
    assert read == spec
    assert read.num_classes == 2
    assert hash(read.palette) == hash(spec.palette)


def test_the_file_moves_with_its_folder(tmp_path):
    (tmp_path / "old").mkdir()
    specs.write_spec(make_spec(tmp_path / "old"))
    os.rename(tmp_path / "old", tmp_path / "new")
    assert specs.read_spec(str(tmp_path / "new")).directory == str(tmp_path / "new")


def test_the_file_is_json_that_people_can_read(tmp_path):
    specs.write_spec(make_spec(tmp_path))
    text = (tmp_path / "dataset.json").read_text(encoding="utf-8")
    assert "Katze, grün" in text
    assert "[ 100, 50 ]" in text
    fields = json.loads(text)
    assert fields["format_version"] == 1
    assert "directory" not in fields
    assert fields["splits"]["val"]["num_examples"] == 2


def test_a_failed_write_keeps_the_older_file(tmp_path, monkeypatch):
    specs.write_spec(make_spec(tmp_path))
    before = (tmp_path / "dataset.json").read_bytes()

    def fail(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="No space left"):
        specs.write_spec(dataclasses.replace(make_spec(tmp_path), name="other"))
    assert (tmp_path / "dataset.json").read_bytes() == before
    assert os.listdir(tmp_path) == ["dataset.json"]


def test_an_unknown_split_is_named_with_those_there_are(tmp_path):
    with pytest.raises(ValueError, match=r"no split 'test'; it has train, val\."):
        make_spec(tmp_path).split("test")


def test_shards_of_a_split(tmp_path):
    (tmp_path / "a[1]").mkdir()
    spec = make_spec(tmp_path / "a[1]")
    for name in ("train", "train_extra", "train-00000-of-00002.tfrecord-b"):
        write_shards(spec.directory, name, [[(1, 1)], [(1, 1)]])
    expected = [
        os.path.join(spec.directory, f"train-0000{index}-of-00002.tfrecord") for index in (0, 1)
    ]
    assert spec.shard_paths("train") == expected
    os.remove(expected[1])
    with pytest.raises(ValueError, match=r"train-00001-of-00002\.tfrecord is missing"):
        spec.shard_paths("train")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format_version": 2}, "format_version is 2; this program reads 1"),
        ({"palette": [[0, 0, 0]]}, "2 class_names and 1 palette colors"),
        ({"palette": [[0, 0, 0], [0, 0, 256]]}, r"the color \[0, 0, 256\]"),
        ({"palette": [[0, 0, 0], [0, 0]]}, r"\'palette\[1\]\' is \[0, 0\]; expected a list of 3"),
        ({"ignore_label": 256}, "ignore_label is 256"),
        ({"classes": 2}, "classes"),
        ({"splits": {"train": {"num_examples": 1}}}, "num_shards"),
        ({"splits": []}, "is not a description"),
    ],
)
def test_a_wrong_description_is_named(tmp_path, change, message):
    specs.write_spec(make_spec(tmp_path))
    path = tmp_path / "dataset.json"
    fields = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**fields, **change}))
    with pytest.raises(ValueError, match=message) as error:
        specs.read_spec(str(tmp_path))
    assert f"{path} is not a description of a dataset" in str(error.value)
    assert "build the dataset again" in str(error.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "null"])
def test_a_file_that_is_no_json_object_is_named(tmp_path, text):
    (tmp_path / "dataset.json").write_text(text)
    with pytest.raises(ValueError, match="json is not a description of a dataset"):
        specs.read_spec(str(tmp_path))


def test_a_missing_dataset_says_how_to_build_it(tmp_path):
    with pytest.raises(ValueError, match=r"no dataset in .*missing: .*make tfrecords"):
        specs.read_spec(str(tmp_path / "missing"))
    with pytest.raises(
        ValueError, match=r"holds neither dataset\.json nor shards .*make tfrecords"
    ):
        specs.read_spec(str(tmp_path))


def test_records_of_research_deeplab_are_described(tmp_path):
    write_shards(tmp_path, "train", [[(375, 500), (500, 334)], [(281, 400)]])
    write_shards(tmp_path, "val", [[(366, 500)]])
    spec = specs.read_spec(str(tmp_path), "pascal_voc_seg")
    assert (spec.num_classes, spec.ignore_label, spec.has_gradient) == (21, 255, False)
    assert spec.class_names[0] == "background"
    assert spec.class_names[15] == "person"
    assert spec.palette[1] == (128, 0, 0)
    assert spec.splits == {
        "train": specs.SplitSpec(3, 2, (), (), 0, 500, 500),
        "val": specs.SplitSpec(1, 1, (), (), 0, 366, 500),
    }


@pytest.mark.parametrize(
    ("dataset", "num_classes", "ignore_label"), [("cityscapes", 19, 255), ("ade20k", 151, 0)]
)
def test_the_other_datasets_of_research_deeplab(tmp_path, dataset, num_classes, ignore_label):
    write_shards(tmp_path, "train_fine", [[(4, 8)]])
    spec = specs.read_spec(str(tmp_path), dataset)
    assert (spec.num_classes, spec.ignore_label) == (num_classes, ignore_label)
    assert len(spec.palette) == num_classes


def test_shards_of_an_unfinished_build_or_unknown_dataset_are_refused(tmp_path):
    write_shards(tmp_path, "train", [[(4, 8)]])
    with pytest.raises(ValueError, match=r"shards without dataset\.json: .*pascal_voc_seg"):
        specs.read_spec(str(tmp_path))
    with pytest.raises(ValueError, match="not 'voc'"):
        specs.read_spec(str(tmp_path), "voc")


def test_a_damaged_shard_of_research_deeplab_is_named(tmp_path):
    write_shards(tmp_path, "train", [[(4, 8)], [(4, 8)]])
    damaged = tmp_path / "train-00001-of-00002.tfrecord"
    os.truncate(damaged, damaged.stat().st_size - 1)
    with pytest.raises(ValueError, match=f"{damaged} is truncated"):
        specs.read_spec(str(tmp_path), "ade20k")


def test_the_last_dataset_is_the_newest(tmp_path):
    for age, name in enumerate(["b", "c", "a"]):
        (tmp_path / name).mkdir()
        specs.write_spec(make_spec(tmp_path / name))
        os.utime(tmp_path / name / "dataset.json", (1000 - age, 1000 - age))
    (tmp_path / "unfinished").mkdir()
    assert specs.find_last_dataset(str(tmp_path)) == str(tmp_path / "b")


def test_no_dataset_at_all_says_how_to_build_one(tmp_path):
    with pytest.raises(ValueError, match=r"no dataset in .*: build one with `make tfrecords`"):
        specs.find_last_dataset(str(tmp_path / "missing"))
