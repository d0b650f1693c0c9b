"""TFRecord shards and the features of their examples, for every task.

A shard is called `SPLIT-00000-of-00004.tfrecord`; a task may have another ending, or none. It is
written under a temporary name and renamed when it is complete, so a file of that name is always
whole unless it was damaged later.
"""

import contextlib
import os
import re
import struct
from collections.abc import Generator, Iterator, Mapping

import tensorflow.compat.v1 as tf
from google.protobuf.message import DecodeError

from common import files

SHARD_ENDING = ".tfrecord"
MAX_SHARDS = 99999  # The five digits of the names.

# What earlier versions called the files that they were writing.
_OLD_TEMPORARY_NAME = re.compile(r"\..*\.tfrecord\.(?P<pid>\d+)\.tmp", re.DOTALL)

# A record is its length (uint64, little endian), a checksum of the length (4 bytes), the data, and
# a checksum of the data (4 bytes): https://www.tensorflow.org/tutorials/load_data/tfrecord
_HEADER_SIZE = 12
_FOOTER_SIZE = 4

_GZIP_MAGIC = b"\x1f\x8b"
_ZLIB_MAGICS = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")  # By level.


def put_bytes(example: tf.train.Example, key: str, value: bytes | str) -> None:
    """Sets a feature of one string of bytes in place.

    A message that is put into another one is copied, so a feature that is made by itself copies
    large values four times.
    """
    value = value.encode() if isinstance(value, str) else value
    example.features.feature[key].bytes_list.value[:] = [value]


def put_int64(example: tf.train.Example, key: str, value: int) -> None:
    """Sets a feature of one whole number in place."""
    example.features.feature[key].int64_list.value[:] = [value]


def read_features(record: bytes) -> Mapping[str, tf.train.Feature]:
    """Returns the features of a serialized example by key; empty ones where it has none."""
    try:
        return tf.train.Example.FromString(record).features.feature
    except DecodeError:
        return tf.train.Features().feature


def shard_path(
    directory: str, split: str, index: int, num_shards: int, ending: str = SHARD_ENDING
) -> str:
    """Returns the path of a shard."""
    return os.path.join(directory, f"{split}-{index:05d}-of-{num_shards:05d}{ending}")


def remove_temporary_files(directory: str) -> None:
    """Removes what killed writers have left in a folder, those of earlier versions included."""
    files.remove_leftovers(directory, _OLD_TEMPORARY_NAME)


@contextlib.contextmanager
def write_shard(path: str) -> Iterator[tf.io.TFRecordWriter]:
    """Opens a shard for writing; it appears under its name when the block ends without an error.

    Raises:
      OSError: the folder cannot be written to, or the disk is full; the message names the shard.
    """
    with files.replacing(path) as temporary:
        try:
            with tf.io.TFRecordWriter(temporary) as writer:
                yield writer
        except tf.errors.OpError as error:
            # "PATH; No space left on device", and the path is the temporary one.
            raise OSError(error.message.removeprefix(temporary).lstrip("; ")) from error


def stored_size(record: bytes) -> int:
    """Returns the bytes that a serialized example takes in a shard."""
    return _HEADER_SIZE + len(record) + _FOOTER_SIZE


def count_records(path: str) -> int:
    """Counts the records of a shard by walking over their lengths, without reading their data.

    Raises:
      OSError: the file cannot be opened.
      ValueError: the file ends inside a record, or is not a TFRecord file; the message names it.
    """
    # Without a buffer: between two lengths lie the kilobytes of an image.
    with open(path, "rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        offset = count = 0
        while offset < size:
            header = os.pread(file.fileno(), _HEADER_SIZE, offset)
            if len(header) == _HEADER_SIZE:
                (length,) = struct.unpack_from("<Q", header)
                end = offset + _HEADER_SIZE + length + _FOOTER_SIZE
            if len(header) < _HEADER_SIZE or end > size:
                raise ValueError(_describe_damage(path, count))
            offset = end
            count += 1
    return count


def compression_of(path: str) -> str:
    """Returns "GZIP" or "ZLIB" of a file that is compressed as a whole, and "" of any other.

    Raises:
      OSError: the file cannot be opened.
    """
    with open(path, "rb") as file:
        header = file.read(8)
    is_zlib = header[:2] in _ZLIB_MAGICS and any(header[4:])  # No record has gigabytes.
    if header[:2] != _GZIP_MAGIC and not is_zlib:
        return ""
    try:
        count_records(path)  # The length of a first record may begin so, too.
    except ValueError:
        return "ZLIB" if is_zlib else "GZIP"
    return ""


def read_records(
    path: str, compression: str = "", is_whole: bool = True
) -> Generator[bytes, None, None]:
    """Reads the records of a shard one by one and verifies their checksums.

    Args:
      compression: see `compression_of`.
      is_whole: whether a truncated file that is not compressed is refused before its first record.

    Raises:
      OSError: the file cannot be opened.
      ValueError: a record is truncated or damaged; the message names the file and the record.
    """
    # TensorFlow does not notice a file cut within a record's header, and believes any length.
    num_records = None if compression or not is_whole else count_records(path)
    # The graph is not the default one while this generator waits: its caller may build another.
    graph = tf.Graph()
    with graph.as_default():
        records = tf.data.TFRecordDataset(path, compression_type=compression)
        next_record = tf.data.make_one_shot_iterator(records).get_next()
    count = 0
    with contextlib.closing(tf.Session(graph=graph)) as session:
        while True:
            try:
                record = session.run(next_record)
            except tf.errors.OutOfRangeError:
                break
            except tf.errors.OpError:
                raise ValueError(_describe_damage(path, count, compression)) from None
            yield record
            count += 1
    if num_records not in (None, count):  # Somebody has changed the file meanwhile.
        raise ValueError(_describe_damage(path, count))


def _describe_damage(path: str, num_good: int, compression: str = "") -> str:
    with open(path, "rb") as file:
        if not compression and file.read(2) == _GZIP_MAGIC:
            return f"{path} is compressed with gzip: write its records without compression."
    return (
        f"{path} is truncated or damaged after record {num_good}, or is not a TFRecord file. "
        "Copy it again, or build the dataset again."
    )
