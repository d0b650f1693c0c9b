"""The index of a checkpoint, checked before TensorFlow reads it.

    PREFIX.index                 a sorted table: variable name -> type, shape, place of the bytes
    PREFIX.data-00000-of-00001   the bytes

TensorFlow's reader believes what an index says: of one with absurd sizes it asks the system for as
much memory, and ends the process when that fails. Here every number is compared with the files.

The table's format is LevelDB's, the entries are TensorFlow's `BundleEntryProto`.
"""

import math
import os
import struct
from collections.abc import Iterator

import tensorflow.compat.v1 as tf
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import tensor_bundle_pb2

_FOOTER_BYTES = 48
_MAGIC = 0xDB4775248B80FB57
# After each block: a byte for its compression, and a checksum, which TensorFlow compares.
_TRAILER_BYTES = 5
_UNCOMPRESSED = 0
# That of a network of thousands of layers has some megabytes.
_MAX_BYTES = 1 << 29
# TensorFlow's own limits; beyond them it ends the process.
_MAX_RANK = 254
_MAX_ELEMENTS = 1 << 60
# Dimensions of a shape that a message shows.
_MOST_SHOWN = 8
_OF_ANY_LENGTH = (tf.string, tf.variant)
# Of the numbers of types: that of a reference to a variable is this much more than its own.
_REFERENCE = 100


class DamagedIndexError(ValueError):
    """An index, or a data file that it speaks of, is not whole; the message says what is wrong."""


def check(prefix: str) -> None:
    """Makes sure that the index of a checkpoint is sound and fits the data files beside it.

    The values are not read: TensorFlow compares each with its checksum when it reads it.

    Raises:
      DamagedIndexError: it is not, or a data file is missing or too short; names the file.
      OSError: a file cannot be read.
    """
    path = f"{prefix}.index"
    if os.path.getsize(path) > _MAX_BYTES:
        raise DamagedIndexError(f"{path} has {os.path.getsize(path)} bytes, which no index has")
    with open(path, "rb") as file:
        content = file.read()
    try:
        entries = dict(_entries(content))
        header = tensor_bundle_pb2.BundleHeaderProto.FromString(entries.pop(b""))
        parsed = {
            name.decode(errors="replace"): tensor_bundle_pb2.BundleEntryProto.FromString(value)
            for name, value in entries.items()
        }
    except _CompressedError:
        return
    except DamagedIndexError as error:
        raise DamagedIndexError(f"{path}: {error}") from None
    except Exception as error:  # Bytes without sense make the parsers raise many types.
        raise DamagedIndexError(f"{path} is damaged") from error
    for name, entry in parsed.items():
        problem = _problem(entry, prefix, header.num_shards)
        if problem:
            raise DamagedIndexError(f"{name} cannot be read: {problem}")


def _problem(entry: tensor_bundle_pb2.BundleEntryProto, prefix: str, num_shards: int) -> str | None:
    """Says what is wrong with an entry of a checkpoint, or returns None."""
    if entry.dtype not in types_pb2.DataType.values() or not 0 < entry.dtype < _REFERENCE:
        return f"its type is {entry.dtype}, which no variable has"
    dtype = tf.as_dtype(entry.dtype)
    sizes = [dimension.size for dimension in entry.shape.dim]
    # Of what has no elements the other dimensions are bounded, too.
    elements = math.prod(max(size, 1) for size in sizes)
    if min(sizes, default=0) < 0 or len(sizes) > _MAX_RANK or elements > _MAX_ELEMENTS:
        return f"its shape is {sizes[:_MOST_SHOWN]}" + ("…" if len(sizes) > _MOST_SHOWN else "")
    if entry.slices:  # A variable in parts, which have entries of their own.
        available = sum(_data_file(prefix, shard, num_shards)[1] for shard in range(num_shards))
        too_large = math.prod(sizes) * dtype.size > available
        return f"its shape is {sizes}, in {available} bytes" if too_large else None
    if not 0 <= entry.shard_id < num_shards:
        return f"it is said to be in data file {entry.shard_id} of {num_shards}"
    if dtype in _OF_ANY_LENGTH:
        # Each element has a length, of a byte or more.
        is_wrong = math.prod(sizes) > entry.size
    else:
        is_wrong = math.prod(sizes) * dtype.size != entry.size
    if is_wrong:
        return f"its shape is {sizes}, in {entry.size} bytes"
    path, available = _data_file(prefix, entry.shard_id, num_shards)
    end = entry.offset + entry.size
    if entry.offset < 0 or entry.size < 0 or end > available:
        return f"it is said to end at byte {end} of {path}, which has {available}"
    return None


def _data_file(prefix: str, shard: int, num_shards: int) -> tuple[str, int]:
    """Returns the path and size of a data file."""
    path = f"{prefix}.data-{shard:05d}-of-{num_shards:05d}"
    if not os.path.exists(path):
        raise DamagedIndexError(f"the file {path} is missing")
    return path, os.path.getsize(path)


class _CompressedError(Exception):
    """A block is compressed, as TensorFlow does not write it but can read it."""


def _entries(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yields keys and values of a table."""
    if len(content) < _FOOTER_BYTES:
        raise DamagedIndexError(f"it has {len(content)} bytes; it is truncated or another file")
    footer = content[-_FOOTER_BYTES:]
    if struct.unpack("<Q", footer[-8:])[0] != _MAGIC:
        raise DamagedIndexError("its end is not that of an index; it is truncated or another file")
    handle, _ = _handle(footer, _handle(footer, 0)[1])
    for _, value in _block(content, handle):
        yield from _block(content, _handle(value, 0)[0])


def _block(content: bytes, handle: tuple[int, int]) -> Iterator[tuple[bytes, bytes]]:
    """Yields keys and values of a block, given its offset and size."""
    start, size = handle
    if start + size + _TRAILER_BYTES > len(content):
        raise DamagedIndexError("its blocks lie outside of it; it is truncated or damaged")
    if content[start + size] != _UNCOMPRESSED:
        raise _CompressedError
    block = content[start : start + size]
    (num_restarts,) = struct.unpack("<I", block[-4:])
    end = size - 4 - 4 * num_restarts
    if end < 0:
        raise DamagedIndexError("a block of it is damaged")
    key, place = b"", 0
    while place < end:
        shared, place = _varint(block, place)
        rest, place = _varint(block, place)
        length, place = _varint(block, place)
        if shared > len(key) or place + rest + length > end:
            raise DamagedIndexError("a block of it is damaged")
        key = key[:shared] + block[place : place + rest]
        yield key, block[place + rest : place + rest + length]
        place += rest + length


def _handle(content: bytes, place: int) -> tuple[tuple[int, int], int]:
    """Returns (offset, size) of a block, and the place after them."""
    offset, place = _varint(content, place)
    size, place = _varint(content, place)
    return (offset, size), place


def _varint(content: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = content[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
        shift += 7
        if shift > 63:
            raise DamagedIndexError("it holds a number that is too large")
