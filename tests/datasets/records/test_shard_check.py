"""Shards that hold other examples than `dataset.json` counts are refused, with both numbers."""

import dataclasses
import os
import shutil

import pytest

from datasets.records import shard_check, tfrecords
from datasets.segmentation import specs
from tests.support import tiny_dataset


@pytest.fixture
def spec(tmp_path):
    """A split of six records in shards of three, as a build describes it."""
    images = [
        (f"image{index}", *tiny_dataset.random_image(index, 5 + index, 6)) for index in range(6)
    ]
    spec = tiny_dataset.write(tmp_path, images, num_shards=2)
    return describe(spec)


def describe(spec: specs.DatasetSpec) -> specs.DatasetSpec:
    paths = spec.shard_paths("train")
    split = dataclasses.replace(
        spec.split("train"),
        shard_examples=tuple(map(tfrecords.count_records, paths)),
        shard_bytes=tuple(map(os.path.getsize, paths)),
    )
    return dataclasses.replace(spec, splits={"train": split})


def undescribed(spec: specs.DatasetSpec) -> specs.DatasetSpec:
    """The same as an earlier version has described it."""
    split = dataclasses.replace(spec.split("train"), shard_examples=(), shard_bytes=())
    return dataclasses.replace(spec, splits={"train": split})


def rewrite(path: str, records: list[bytes]) -> None:
    with tfrecords.write_shard(path) as writer:
        for record in records:
            writer.write(record)


def test_whole_shards_pass_without_a_word(spec, capsys):
    for each in (spec, undescribed(spec)):
        assert shard_check.complete_shards(each, "train") == spec.shard_paths("train")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("in_header", [0, 1, 7, 11])
def test_a_shard_cut_at_the_end_of_a_record_or_in_a_header_is_refused(spec, in_header):
    first, second = spec.shard_paths("train")
    sizes = [tfrecords.stored_size(record) for record in tfrecords.read_records(second)]
    os.truncate(second, sizes[0] + in_header)
    for each in (spec, undescribed(spec)):
        with pytest.raises(ValueError, match=os.path.basename(second)) as caught:
            shard_check.complete_shards(each, "train")
        message = str(caught.value)
        if in_header:
            assert "truncated or damaged after record 1" in message
        else:
            assert "has 4 examples, but dataset.json says 6" in message
            of = "" if each.split("train").shard_examples == () else " of 3"
            assert f"train-00001-of-00002.tfrecord holds 1{of}" in message
            is_named = os.path.basename(first) in message
            assert is_named == (each.split("train").shard_examples == ())


def test_no_record_left_more_records_and_missing_shards_are_refused(spec):
    first, second = spec.shard_paths("train")
    records = list(tfrecords.read_records(second))
    rewrite(second, [*records, records[0]])
    for each in (spec, undescribed(spec)):
        with pytest.raises(
            ValueError, match=r"has 7 examples, but dataset\.json says 6: .*holds 4"
        ):
            shard_check.complete_shards(each, "train")
    for path in (first, second):
        os.truncate(path, 0)
    with pytest.raises(ValueError, match=r"holds no images, but dataset\.json says 6"):
        shard_check.complete_shards(spec, "train")
    os.remove(first)
    with pytest.raises(ValueError, match=f"{first} is missing"):
        shard_check.complete_shards(spec, "train")


def test_swapped_shards_of_a_split_are_warned_of(spec, capsys):
    """They hold what they should, in another order; a foreign shard of as many records looks so."""
    first, second = spec.shard_paths("train")
    shutil.move(first, f"{first}.moved")
    shutil.move(second, first)
    shutil.move(f"{first}.moved", second)
    assert shard_check.complete_shards(spec, "train") == [first, second]
    message = capsys.readouterr().err
    assert "warning: train-00000-of-00002.tfrecord, train-00001-of-00002.tfrecord" in message
    assert message.count("\n") == 1


def test_a_shard_of_another_dataset_is_refused_or_warned_of(spec, tmp_path, capsys):
    (tmp_path / "other").mkdir()
    other = tiny_dataset.write(
        tmp_path / "other", [(f"x{i}", *tiny_dataset.random_image(9 + i, 9, 9)) for i in range(4)]
    )
    (foreign,) = other.shard_paths("train")
    second = spec.shard_paths("train")[1]
    shutil.copy(foreign, second)
    with pytest.raises(ValueError, match=r"has 7 examples, but dataset\.json says 6"):
        shard_check.complete_shards(spec, "train")
    rewrite(second, list(tfrecords.read_records(foreign))[:3])
    shard_check.complete_shards(spec, "train")
    assert "warning: train-00001-of-00002.tfrecord" in capsys.readouterr().err


def test_a_count_that_was_edited_is_refused(spec):
    split = dataclasses.replace(spec.split("train"), num_examples=600)
    edited = dataclasses.replace(spec, splits={"train": split})
    with pytest.raises(ValueError, match=r"has 6 examples, but dataset\.json says 600"):
        shard_check.complete_shards(edited, "train")


@pytest.mark.parametrize("length", [2**63, 2**64 - 1, 2**40, 2**31])
def test_an_enormous_length_is_not_believed(spec, length):
    path = spec.shard_paths("train")[0]
    with open(path, "r+b") as file:
        file.write(length.to_bytes(8, "little"))
    for read in (tfrecords.count_records, lambda path: list(tfrecords.read_records(path))):
        with pytest.raises(ValueError, match="damaged after record 0"):
            read(path)


def test_a_compressed_shard_is_called_so(spec):
    path = spec.shard_paths("train")[0]
    with open(path, "r+b") as file:
        file.write(b"\x1f\x8b")
    with pytest.raises(ValueError, match="is compressed with gzip"):
        tfrecords.count_records(path)
