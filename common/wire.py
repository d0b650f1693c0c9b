"""Reads and writes messages in the wire format of protocol buffers, without their definitions.

For files of other programs of which we need a few fields, where the classes that TensorFlow or ONNX
generate for them would have to be imported with all the rest. Format: protobuf.dev, "Encoding".
"""

from collections.abc import Iterator

# Wire types.
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

_FIXED_SIZES = {FIXED64: 8, FIXED32: 4}
_MAX_VARINT_BYTES = 10


def fields(message: memoryview) -> Iterator[tuple[int, int, memoryview | int]]:
    """Yields the fields of a message as they are stored.

    Yields:
      (number, wire type, value): the value of a varint is an integer of 64 bits without sign, of
      every other type its bytes, which are not copied.

    Raises:
      ValueError: the message is truncated or no such message.
    """
    position, end = 0, len(message)
    while position < end:
        key, position = _varint(message, position)
        number, kind = key >> 3, key & 7
        if not number:
            raise ValueError("a field has the number 0")
        if kind == VARINT:
            value, position = _varint(message, position)
            yield number, kind, value
            continue
        if kind == BYTES:
            size, position = _varint(message, position)
        elif kind in _FIXED_SIZES:
            size = _FIXED_SIZES[kind]
        else:
            raise ValueError(f"field {number} has the wire type {kind}")
        if size > end - position:
            raise ValueError(f"field {number} is truncated")
        yield number, kind, message[position : position + size]
        position += size


def messages(message: memoryview, wanted: int) -> Iterator[memoryview]:
    """Yields the contents of all fields of a number that are messages, texts or bytes."""
    for number, kind, value in fields(message):
        if number == wanted and kind == BYTES:
            assert isinstance(value, memoryview)
            yield value


def first_message(message: memoryview, wanted: int) -> memoryview | None:
    """Returns the content of the first such field; None where there is none."""
    return next(messages(message, wanted), None)


def text(value: memoryview) -> str:
    """Returns a text (ValueError if it is not UTF-8)."""
    return bytes(value).decode()


def encode_varint(number: int, value: int) -> bytes:
    """Returns a field that holds an integer; negative ones take ten bytes."""
    return _encoded(number << 3 | VARINT) + _encoded(value % (1 << 64))


def encode_bytes(number: int, value: bytes | memoryview | str) -> bytes:
    """Returns a field that holds a message, bytes or text."""
    content = value.encode() if isinstance(value, str) else value
    return b"".join((_encoded(number << 3 | BYTES), _encoded(len(content)), content))


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    """Returns the integer that begins at a position, and the position behind it."""
    value = 0
    for index, byte in enumerate(message[position : position + _MAX_VARINT_BYTES]):
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value % (1 << 64), position + index + 1
    raise ValueError("a number is truncated")


def _encoded(value: int) -> bytes:
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)
