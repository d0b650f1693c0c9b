"""Reads and writes messages in the wire format of protocol buffers, without their definitions.

For files of other programs of which we need a few fields, where the classes that TensorFlow or ONNX
generate for them would have to be imported with all the rest. Format: protobuf.dev, "Encoding".
"""

from collections.abc import Iterator
from typing import NamedTuple

# Wire types.
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

_FIXED_SIZES = {FIXED64: 8, FIXED32: 4}
_MAX_VARINT_BYTES = 10


class Field(NamedTuple):
    """A field of a message; nothing is copied.

    Attributes:
      number: its number.
      value: an integer of 64 bits without sign, or the bytes of anything else.
      raw: the bytes that it takes, with its number.
    """

    number: int
    value: int | memoryview
    raw: memoryview

    @property
    def content(self) -> memoryview:
        """The bytes of a message or text (ValueError for an integer)."""
        if isinstance(self.value, int):
            raise ValueError(f"field {self.number} is a number instead of a message")
        return self.value

    @property
    def text(self) -> str:
        """The value as text (ValueError if it is none)."""
        return bytes(self.content).decode()


def fields(message: memoryview) -> Iterator[Field]:
    """Yields the fields of a message as they are stored.

    Raises:
      ValueError: it is truncated or no message.
    """
    position, end = 0, len(message)
    while position < end:
        start = position
        key, position = _varint(message, position)
        number, kind = key >> 3, key & 7
        value: int | memoryview
        if not number:
            raise ValueError(f"it is damaged at byte {start}")
        if kind == VARINT:
            value, position = _varint(message, position)
        else:
            if kind == BYTES:
                size, position = _varint(message, position)
            elif kind in _FIXED_SIZES:
                size = _FIXED_SIZES[kind]
            else:
                raise ValueError(f"it is damaged at byte {start}")
            if size > end - position:
                raise ValueError("it is truncated")
            value = message[position : position + size]
            position += size
        yield Field(number, value, message[start:position])


def select(message: memoryview, number: int) -> Iterator[Field]:
    """Yields the fields of a number."""
    return (field for field in fields(message) if field.number == number)


def first(message: memoryview, number: int) -> Field | None:
    """Returns the first field of a number; None where there is none."""
    return next(select(message, number), None)


def text(message: memoryview, number: int) -> str:
    """Returns the first text of a number; "" where there is none."""
    field = first(message, number)
    return "" if field is None else field.text


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
    raise ValueError("it is truncated or damaged")


def _encoded(value: int) -> bytes:
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)
