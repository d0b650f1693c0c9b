"""Says what the records of any TFRecord file hold, in words and numbers.

A record is usually a `tf.train.Example`, or a `tf.train.SequenceExample`, whose context has the
same place in its bytes: both are read as the latter. A file need not be of this project.
"""

import dataclasses
import math
from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow.compat.v1 as tf
from google.protobuf.message import DecodeError
from PIL import Image

from common import image_files
from common.texts import printable, shorten
from datasets.records import raw_pixels

_KINDS = {"bytes_list": "bytes", "int64_list": "int64", "float_list": "float"}
_SHOWN_VALUES, _SHOWN_CHARACTERS, _SHOWN_BYTES = 8, 60, 16
_ENDINGS = {"JPEG": ".jpg", "MPO": ".jpg"}


@dataclasses.dataclass(frozen=True)
class StoredImage:
    """An image that a record holds.

    Attributes:
      key: of its feature, and the number of the value where that has several.
      content: an image file.
      ending: that suits it, such as ".png".
    """

    key: str
    content: bytes
    ending: str


def describe(record: bytes) -> list[str]:
    """Returns a line for each feature of a record, sorted by key: its kind and its first values."""
    example = _parse(record)
    if example is None:
        return [f"no tf.train.Example; it begins with {_hex(record)}"]
    shape = raw_pixels.shape_of(example.context.feature)
    rows = [
        (printable(key), *_describe(feature, shape if key == raw_pixels.IMAGE else None))
        for key, feature in sorted(example.context.feature.items())
    ]
    for key, steps in sorted(example.feature_lists.feature_list.items()):
        kinds = {_kind(step) for step in steps.feature} - {""}
        values = [value for step in steps.feature for value in _values(step)]
        text = f"{len(steps.feature)} steps: {_describe_values(values)}"
        rows.append((printable(key), f"{' or '.join(sorted(kinds))} list", text))
    if not rows:
        return ["no features"]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    return [f"{key:{widths[0]}}  {kind:{widths[1]}}  {text}".rstrip() for key, kind, text in rows]


def images(record: bytes) -> Iterator[StoredImage]:
    """Yields the images of a record: values that are image files, and raw pixels as PNG files."""
    example = _parse(record)
    if example is None:
        return
    features = example.context.feature
    shape = raw_pixels.shape_of(features)
    if shape is not None and shape[-1] in (1, 3, 4):
        pixels = np.frombuffer(features[raw_pixels.IMAGE].bytes_list.value[0], np.uint8)
        encoded = image_files.encode_png(pixels.reshape(shape if shape[-1] > 1 else shape[:-1]))
        yield StoredImage(raw_pixels.IMAGE, encoded, ".png")
    found: list[tuple[str, Sequence[bytes]]] = [
        (key, feature.bytes_list.value) for key, feature in sorted(features.items())
    ]
    found += [
        (key, [value for step in steps.feature for value in step.bytes_list.value])
        for key, steps in sorted(example.feature_lists.feature_list.items())
    ]
    for key, values in found:
        for number, value in enumerate(values):
            image = _open(value)
            if image is not None:
                name = key if len(values) == 1 else f"{key}_{number}"
                image_format = image.format or ""
                ending = _ENDINGS.get(image_format, f".{image_format.lower()}")
                yield StoredImage(name, value, ending)


def _parse(record: bytes) -> tf.train.SequenceExample | None:
    try:
        return tf.train.SequenceExample.FromString(record)
    except DecodeError:
        return None


def _kind(feature: tf.train.Feature) -> str:
    return _KINDS.get(feature.WhichOneof("kind") or "", "")


def _values(feature: tf.train.Feature) -> Sequence[bytes | int | float]:
    kind = feature.WhichOneof("kind")
    return getattr(feature, kind).value if kind else ()


def _describe(feature: tf.train.Feature, raw_shape: tuple[int, ...] | None) -> tuple[str, str]:
    values = _values(feature)
    if raw_shape is not None:
        text = f"raw pixels, {_size(raw_shape[1], raw_shape[0])}, channels: {raw_shape[2]}"
    else:
        text = _describe_values(values)
    return _kind(feature) or "empty", text


def _describe_values(values: Sequence[bytes | int | float]) -> str:
    """Shows the first values, and between which all lie where there are more."""
    if not values:
        return "no value"
    texts = [_describe_value(value) for value in values[:_SHOWN_VALUES]]
    separator = "; " if any(", " in text for text in texts) else ", "
    shown = separator.join(texts)
    if len(values) == 1:
        return shown
    if len(values) <= _SHOWN_VALUES:
        return f"{len(values)} values: {shown}"
    numbers = [value for value in values if not isinstance(value, bytes) and not math.isnan(value)]
    extent = f", {min(numbers):.6g} to {max(numbers):.6g}" if numbers else ""
    return f"{len(values)} values{extent}: {shown}{separator}…"


def _describe_value(value: bytes | int | float) -> str:
    if isinstance(value, bytes):
        return _describe_bytes(value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _describe_bytes(value: bytes) -> str:
    image = _open(value)
    if image is not None:
        size = _size(image.width, image.height)
        return f"{image.format} image, {size}, {image.mode}, {len(value):,} bytes"
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return f"{len(value):,} bytes: {_hex(value)}"
    if any(ord(character) < 32 and character not in "\t\n\r" for character in text):
        return f"{len(value):,} bytes: {_hex(value)}"
    return repr(shorten(text, _SHOWN_CHARACTERS))


def _open(value: bytes) -> Image.Image | None:
    try:
        return image_files.open_image(value, "")
    except ValueError:
        return None


def _size(width: int, height: int) -> str:
    return f"{width}x{height}"


def _hex(value: bytes) -> str:
    return value[:_SHOWN_BYTES].hex(" ") + (" …" if len(value) > _SHOWN_BYTES else "")
