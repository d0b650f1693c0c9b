"""Shards: features, names, whole or not at all, and damage that is told by file name."""

import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from datasets.records import tfrecords

RECORDS = [b"first", b"", b"third" * 50]


@pytest.fixture
def shard(tmp_path):
    path = tfrecords.shard_path(str(tmp_path), "train", 0, 1)
    with tfrecords.write_shard(path) as writer:
        for record in RECORDS:
            writer.write(record)
    return path


def test_features_hold_their_values():
    assert list(tfrecords.int64_feature(-7).int64_list.value) == [-7]
    assert list(tfrecords.int64_feature(np.int32(5)).int64_list.value) == [5]
    assert list(tfrecords.int64_feature([1, 2**40]).int64_list.value) == [1, 2**40]
    assert list(tfrecords.float_feature(0.5).float_list.value) == [0.5]
    assert list(tfrecords.float_feature([1, 2.25]).float_list.value) == [1.0, 2.25]
    assert list(tfrecords.bytes_feature("é").bytes_list.value) == ["é".encode()]
    assert list(tfrecords.bytes_feature(b"\xff\x00").bytes_list.value) == [b"\xff\x00"]


def test_shard_names_are_those_of_research_deeplab():
    expected = os.path.join("a", "train_fine-00003-of-00010.tfrecord")
    assert tfrecords.shard_path("a", "train_fine", 3, 10) == expected


def test_records_come_back_and_are_counted(shard):
    assert list(tfrecords.read_records(shard)) == RECORDS
    assert tfrecords.count_records(shard) == 3


def test_other_tensorflow_code_reads_the_records(shard):
    with tf.Graph().as_default(), tf.Session() as session:
        batch = tf.data.TFRecordDataset(shard).batch(3)
        found = session.run(tf.data.make_one_shot_iterator(batch).get_next())
    assert found.tolist() == RECORDS


def test_reading_leaves_the_callers_graph_alone(shard):
    with tf.Graph().as_default() as graph:
        for _ in tfrecords.read_records(shard):
            assert tf.get_default_graph() is graph
        assert not graph.get_operations()


def fail_in_the_middle(path):
    with tfrecords.write_shard(path) as writer:
        writer.write(b"new")
        raise RuntimeError("in the middle")


def test_a_failed_write_leaves_the_older_shard_and_nothing_else(shard, tmp_path):
    with pytest.raises(RuntimeError, match="in the middle"):
        fail_in_the_middle(shard)
    assert list(tfrecords.read_records(shard)) == RECORDS
    assert os.listdir(tmp_path) == [os.path.basename(shard)]


def test_a_shard_in_a_missing_folder_is_an_os_error_that_names_it(tmp_path):
    path = str(tmp_path / "missing" / "train-00000-of-00001.tfrecord")
    with pytest.raises(OSError, match=f"{path} cannot be written"), tfrecords.write_shard(path):
        pass


def test_a_full_disk_is_an_os_error_and_leaves_nothing(tmp_path):
    """A limit on file sizes stands in for the full disk."""
    path = tmp_path / "train-00000-of-00001.tfrecord"
    program = f"""
        import resource, signal
        from datasets.records import tfrecords
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        try:
            with tfrecords.write_shard({str(path)!r}) as writer:
                for _ in range(100):
                    writer.write(bytes(10_000))
        except OSError as error:
            print(error)
    """
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True
    )
    assert f"{path} cannot be written" in result.stdout
    assert os.listdir(tmp_path) == []


def test_temporary_files_of_killed_writers_are_removed(shard, tmp_path):
    program = f"""
        import os, signal
        from datasets.records import tfrecords
        with tfrecords.write_shard({shard!r}) as writer:
            writer.write(b"lost")
            os.kill(os.getpid(), signal.SIGKILL)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True)
    assert len(os.listdir(tmp_path)) == 2
    tfrecords.remove_temporary_files(str(tmp_path))
    assert os.listdir(tmp_path) == [os.path.basename(shard)]
    assert list(tfrecords.read_records(shard)) == RECORDS


@pytest.mark.parametrize("cut", [1, 100, 262, 270])
def test_a_truncated_shard_is_named(shard, cut):
    size = os.path.getsize(shard)
    os.truncate(shard, size - cut)
    # The third record holds 250 bytes in 266.
    num_good = 2 if cut <= 266 else 1
    for read in (tfrecords.count_records, lambda path: list(tfrecords.read_records(path))):
        with pytest.raises(ValueError, match=f"{shard} is truncated .* behind record {num_good}"):
            read(shard)
    with pytest.raises(ValueError, match=f"{shard} is truncated"):
        tfrecords.check_records([shard])


def test_a_changed_byte_is_found_by_its_checksum(shard):
    with open(shard, "r+b") as file:
        file.seek(-100, os.SEEK_END)
        file.write(b"#")
    with pytest.raises(ValueError, match=f"{shard} is truncated or damaged behind record 2"):
        list(tfrecords.read_records(shard))


def test_a_file_of_another_kind_is_named(tmp_path):
    path = tmp_path / "train-00000-of-00001.tfrecord"
    path.write_text("This is not a record, but it is long enough to be taken for one.")
    for read in (tfrecords.count_records, lambda path: list(tfrecords.read_records(path))):
        with pytest.raises(ValueError, match=f"{path} .* no TFRecord file"):
            read(str(path))


def test_a_missing_shard_is_an_os_error(tmp_path):
    path = str(tmp_path / "none.tfrecord")
    with pytest.raises(FileNotFoundError, match=r"none\.tfrecord"):
        list(tfrecords.read_records(path))


def touch(directory, *names):
    for name in names:
        (directory / name).touch()


def test_shards_are_listed_by_split(tmp_path):
    touch(
        tmp_path,
        "train_fine-00001-of-00002.tfrecord",
        "train_fine-00000-of-00002.tfrecord",
        "val-00000-of-00001.tfrecord",
        ".val-00000-of-00001.tfrecord.12.tmp",
        "dataset.json",
    )
    listed = tfrecords.list_shards(str(tmp_path))
    names = {split: [os.path.basename(p) for p in paths] for split, paths in listed.items()}
    assert names == {
        "train_fine": ["train_fine-00000-of-00002.tfrecord", "train_fine-00001-of-00002.tfrecord"],
        "val": ["val-00000-of-00001.tfrecord"],
    }
    assert tfrecords.list_shards(str(tmp_path / "missing")) == {}


def test_missing_and_mixed_shards_are_refused(tmp_path):
    touch(tmp_path, "train-00000-of-00003.tfrecord", "train-00002-of-00003.tfrecord")
    with pytest.raises(ValueError, match="holds 2 of the 3 'train' shards"):
        tfrecords.list_shards(str(tmp_path))
    touch(tmp_path, "train-00000-of-00001.tfrecord")
    with pytest.raises(ValueError, match="'train' shards of 1 and of 3"):
        tfrecords.list_shards(str(tmp_path))
