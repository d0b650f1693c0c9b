"""Shards: features, names, whole or not at all, and damage that is told by file name."""

import gzip
import os
import textwrap
import zlib

import pytest
import tensorflow.compat.v1 as tf

from datasets.records import tfrecords
from tests.support import command_runs

RECORDS = [b"first", b"", b"third" * 50]


@pytest.fixture
def shard(tmp_path):
    path = tfrecords.shard_path(str(tmp_path), "train", 0, 1)
    with tfrecords.write_shard(path) as writer:
        for record in RECORDS:
            writer.write(record)
    return path


def test_features_hold_their_values():
    example = tf.train.Example()
    tfrecords.put_int64(example, "number", -(2**40))
    tfrecords.put_bytes(example, "text", "é")
    tfrecords.put_bytes(example, "bytes", b"\xff\x00")
    features = tf.train.Example.FromString(example.SerializeToString()).features.feature
    assert list(features["number"].int64_list.value) == [-(2**40)]
    assert list(features["text"].bytes_list.value) == ["é".encode()]
    assert list(features["bytes"].bytes_list.value) == [b"\xff\x00"]


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
    result = command_runs.run_program(textwrap.dedent(program), cwd=tmp_path)
    assert result.returncode == 0, result.stderr
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
    command_runs.run_program(textwrap.dedent(program), cwd=tmp_path)
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
        with pytest.raises(ValueError, match=f"{shard} is truncated .* after record {num_good}"):
            read(shard)


def test_a_changed_byte_is_found_by_its_checksum(shard):
    with open(shard, "r+b") as file:
        file.seek(-100, os.SEEK_END)
        file.write(b"#")
    with pytest.raises(ValueError, match=f"{shard} is truncated or damaged after record 2"):
        list(tfrecords.read_records(shard))


def test_a_file_of_another_kind_is_named(tmp_path):
    path = tmp_path / "train-00000-of-00001.tfrecord"
    path.write_text("This is not a record, but it is long enough to be taken for one.")
    for read in (tfrecords.count_records, lambda path: list(tfrecords.read_records(path))):
        with pytest.raises(ValueError, match=f"{path} .* is not a TFRecord file"):
            read(str(path))


def test_a_missing_shard_is_an_os_error(tmp_path):
    path = str(tmp_path / "none.tfrecord")
    with pytest.raises(FileNotFoundError, match=r"none\.tfrecord"):
        list(tfrecords.read_records(path))


@pytest.mark.parametrize(
    ("compression", "compress"), [("GZIP", gzip.compress), ("ZLIB", zlib.compress)]
)
def test_compressed_files_are_recognized_and_read_up_to_the_damage(
    shard, tmp_path, compression, compress
):
    assert tfrecords.compression_of(shard) == ""
    with open(shard, "rb") as file:
        content = file.read()
    path = str(tmp_path / "whole")
    for name, stored in (("whole", content), ("cut", content[:-3])):
        (tmp_path / name).write_bytes(compress(stored))
    assert tfrecords.compression_of(path) == compression
    assert list(tfrecords.read_records(path, compression)) == RECORDS
    reader = tfrecords.read_records(str(tmp_path / "cut"), compression)
    assert [next(reader), next(reader)] == RECORDS[:2]
    with pytest.raises(ValueError, match="cut is truncated or damaged after record 2"):
        next(reader)


@pytest.mark.parametrize("length", [0x8B1F, 0x9C78])
def test_a_first_record_whose_length_looks_like_compression_is_none(tmp_path, length):
    path = str(tmp_path / "a")
    with tfrecords.write_shard(path) as writer:
        writer.write(bytes(length))
    assert tfrecords.compression_of(path) == ""
