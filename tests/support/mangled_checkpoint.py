"""Writes indexes of checkpoints with right checksums and wrong contents, as no accident would."""

import struct
from collections.abc import Mapping

from tensorflow.core.protobuf import tensor_bundle_pb2

from common import checkpoint_index

_MAGIC = 0xDB4775248B80FB57


def read_entries(index: bytes) -> dict[str, tensor_bundle_pb2.BundleEntryProto]:
    """Returns the entries of an index by name."""
    return {
        name.decode(): tensor_bundle_pb2.BundleEntryProto.FromString(value)
        for name, value in checkpoint_index._entries(index)
        if name
    }


def write_entries(
    entries: Mapping[str, tensor_bundle_pb2.BundleEntryProto], num_shards: int = 1
) -> bytes:
    """Returns an index with these entries."""
    header = tensor_bundle_pb2.BundleHeaderProto(num_shards=num_shards)
    header.version.producer = 1
    table = {"": header.SerializeToString()}
    table.update((name, entries[name].SerializeToString()) for name in sorted(entries))
    content, handle = _block(table, 0)
    empty, empty_handle = _block({}, len(content))
    content += empty
    last, last_handle = _block({max(table): handle}, len(content))
    content += last
    footer = (empty_handle + last_handle).ljust(40, b"\0")
    return content + footer + struct.pack("<Q", _MAGIC)


def _block(entries: Mapping[str, bytes], offset: int) -> tuple[bytes, bytes]:
    """Returns a block with its trailer, and the handle that speaks of it."""
    body = b"".join(
        b"\0" + _varint(len(name.encode())) + _varint(len(value)) + name.encode() + value
        for name, value in entries.items()
    )
    body += struct.pack("<II", 0, 1)  # One restart, at the beginning.
    checksum = _crc32c(body + b"\0")
    masked = ((checksum >> 15 | checksum << 17) + 0xA282EAD8) & 0xFFFFFFFF
    return body + b"\0" + struct.pack("<I", masked), _varint(offset) + _varint(len(body))


def _varint(value: int) -> bytes:
    content = b""
    while value > 0x7F:
        content += bytes([value & 0x7F | 0x80])
        value >>= 7
    return content + bytes([value])


def _crc32c(content: bytes) -> int:
    value = 0xFFFFFFFF
    for byte in content:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF
