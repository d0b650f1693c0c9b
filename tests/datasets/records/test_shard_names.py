"""Shards are found by their names, and sets that are not whole are refused."""

import pytest

from datasets.records import shard_names


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["train-00001-of-00002", "train-00000-of-00002"], {"train": [1, 0]}),
        (["val-0-of-1.tfrecords", "train-0-of-1.tfrecord"], {"val": [0], "train": [1]}),
        (["train.record-00000-of-00001"], {"train": [0]}),
        (["a_b-10.tfrecord", "a_b-9.tfrecord"], {"a_b": [1, 0]}),
        (["train_001.tfrec", "train_000.tfrec"], {"train": [1, 0]}),
        (["train.tfrecord", "val.record", "notes.txt", ".x.tfrecord"], {"train": [0], "val": [1]}),
    ],
)
def test_shards_are_found_by_the_names_that_programs_give(tmp_path, names, expected):
    for name in names:
        (tmp_path / name).touch()
    expected = {split: [names[index] for index in order] for split, order in expected.items()}
    assert shard_names.find_any(str(tmp_path)) == expected


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "holds no shards: they are called SPLIT-00000-of-00010"),
        (["train-0-of-3", "train-2-of-3"], "2 'train' shards of 3: number 1 is missing"),
        (["train-0-of-1", "train-0-of-1.record"], "2 'train' shards of 1: a number occurs twice"),
        (["train-0-of-1", "train.record"], "shards of several sets, such as train-0-of-1 and"),
    ],
)
def test_shards_that_do_not_fit_together_are_refused(tmp_path, names, message):
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(ValueError, match=message):
        shard_names.find_any(str(tmp_path))


def touch(directory, *names):
    for name in names:
        (directory / name).touch()


def test_our_shards_are_found_by_split(tmp_path):
    touch(
        tmp_path,
        "train_fine-00001-of-00002.tfrecord",
        "train_fine-00000-of-00002.tfrecord",
        "val-00000-of-00001.tfrecord",
        ".val-00000-of-00001.tfrecord.12.tmp",
        "dataset.json",
    )
    listed = shard_names.find_ours(str(tmp_path))
    assert listed == {
        "train_fine": ["train_fine-00000-of-00002.tfrecord", "train_fine-00001-of-00002.tfrecord"],
        "val": ["val-00000-of-00001.tfrecord"],
    }
    assert shard_names.find_ours(str(tmp_path / "missing")) == {}


def test_missing_and_mixed_shards_of_ours_are_refused(tmp_path):
    touch(tmp_path, "train-00000-of-00003.tfrecord", "train-00002-of-00003.tfrecord")
    with pytest.raises(ValueError, match="2 'train' shards of 3: number 1 is missing"):
        shard_names.find_ours(str(tmp_path))
    touch(tmp_path, "train-00000-of-00001.tfrecord")
    with pytest.raises(
        ValueError, match="'train' shards of several sets, such as train-00000-of-00001"
    ):
        shard_names.find_ours(str(tmp_path))
