"""Shapes as CVAT, Label Studio and Supervisely write them down, decoded when they are drawn."""

import base64
import binascii
import dataclasses
import io
import zlib
from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image

from datasets.segmentation.annotations.shapes import Bitmap, Point, Size, require_near

_CHANNELS = 4
_SIZE_CODES = 4
_OPAQUE = 128


@dataclasses.dataclass(frozen=True)
class Unreadable:
    """What should have been a shape; the image that has it gets an error."""

    reason: str

    def cover(self, size: Size) -> np.ndarray:
        raise ValueError(self.reason)


@dataclasses.dataclass(frozen=True)
class RoundedEllipse:
    """An ellipse of whole pixels, turned clockwise by degrees, as CVAT draws it with OpenCV."""

    center: Point
    radii: tuple[float, float]  # along x and y
    degrees: float = 0.0

    def cover(self, size: Size) -> np.ndarray:
        points = _whole([self.center, self.radii], size)
        center, radii = points.tolist()
        covered = np.zeros(size, np.uint8)
        cv2.ellipse(covered, center, np.abs(radii).tolist(), self.degrees, 0, 360, (1,), -1)
        return covered.astype(bool)


@dataclasses.dataclass(frozen=True)
class ExactEllipse:
    """The pixels whose centers lie in an ellipse that is turned clockwise by degrees.

    The center of the first pixel is at (0.5, 0.5).
    """

    center: Point
    radii: tuple[float, float]  # along x and y
    degrees: float = 0.0

    def cover(self, size: Size) -> np.ndarray:
        turn = np.deg2rad(self.degrees)
        y, x = np.ogrid[: size[0], : size[1]]
        right, down = x + 0.5 - self.center[0], y + 0.5 - self.center[1]
        along = (right * np.cos(turn) + down * np.sin(turn)) / max(self.radii[0], 1e-9)
        across = (down * np.cos(turn) - right * np.sin(turn)) / max(self.radii[1], 1e-9)
        return along**2 + across**2 <= 1


@dataclasses.dataclass(frozen=True)
class PolygonWithHoles:
    """A polygon with its outline, without holes and theirs, as Supervisely fills it with OpenCV."""

    exterior: tuple[Point, ...]
    interiors: tuple[tuple[Point, ...], ...] = ()

    def cover(self, size: Size) -> np.ndarray:
        if len(self.exterior) < 3:
            raise ValueError(f"a polygon has {len(self.exterior)} points; expected 3 or more.")
        covered = np.zeros(size, np.uint8)
        cv2.fillPoly(covered, [_whole(self.exterior, size)], (1,))
        for interior in self.interiors:
            if interior:
                cv2.fillPoly(covered, [_whole(interior, size)], (0,))
        return covered.astype(bool)


@dataclasses.dataclass(frozen=True)
class BoxRuns:
    """CVAT's run lengths along the rows of a box, which begin outside: "3, 2, 5"."""

    text: str
    left: int
    top: int
    box_size: Size

    def cover(self, size: Size) -> np.ndarray:
        height, width = self.box_size
        try:
            counts = np.array(self.text.split(","), np.int64)
        except (ValueError, OverflowError):
            raise ValueError("its run lengths are not numbers with commas between.") from None
        is_within = counts.min() >= 0 and counts.max() <= height * width
        if not is_within or counts.sum() != height * width:
            raise ValueError(
                f"its run lengths do not fill its box of {width}x{height} (width x height)."
            )
        pixels = np.repeat(np.arange(len(counts)) % 2 == 1, counts).reshape(height, width)
        return Bitmap(pixels, self.left, self.top).cover(size)


@dataclasses.dataclass(frozen=True)
class BrushRuns:
    """Label Studio's runs of the red, green, blue and alpha of all pixels, packed into bits.

    32 bits are the number of values, 5 the bits of each value less 1, and 4 times 4 the bits less 1
    of four kinds of numbers. Then come blocks: 1 bit that says whether one value repeats, 2 bits
    that choose the kind of the number that follows, the number of values less 1, and the value or
    the values. A pixel is covered if its alpha is half or more.
    """

    data: bytes

    def cover(self, size: Size) -> np.ndarray:
        count = size[0] * size[1] * _CHANNELS
        if int.from_bytes(self.data[:4], "big") != count:
            raise ValueError(
                f"a brush stroke of {int.from_bytes(self.data[:4], 'big') // _CHANNELS} pixels for "
                f"an image of {size[1]}x{size[0]} (width x height)."
            )
        values = _unpack(self.data, count)
        return values.reshape(*size, _CHANNELS)[..., -1] >= _OPAQUE


@dataclasses.dataclass(frozen=True)
class EncodedBitmap:
    """The base64 of a PNG file, whose first pixel lies at `left`, `top`.

    Supervisely compresses the file, labelme does not. A pixel is covered if its alpha, or its value
    where there is no alpha, is not 0. One that is whole has the size of its image.
    """

    text: str
    left: int
    top: int
    is_compressed: bool = True
    is_whole: bool = False

    def cover(self, size: Size) -> np.ndarray:
        try:
            # A PNG file of so many pixels is not larger.
            limit = size[0] * size[1] * 8 + (1 << 16)
            data = base64.b64decode(self.text)
            if self.is_compressed:
                data = zlib.decompressobj().decompress(data, limit)
            image: Image.Image = Image.open(io.BytesIO(data), formats=("PNG",))
            is_larger = image.width > size[1] or image.height > size[0]
            if is_larger or (self.is_whole and image.size != size[::-1]):
                raise ValueError(
                    f"a bitmap of {image.width}x{image.height} in an image of "
                    f"{size[1]}x{size[0]} (width x height)."
                )
            if "transparency" in image.info:
                image = image.convert("RGBA")
            channel = "A" if "A" in image.getbands() else 0
            pixels = np.asarray(image.getchannel(channel)) > 0
        except (binascii.Error, zlib.error, OSError, SyntaxError) as error:
            raise ValueError(f"its bitmap is damaged: {error}.") from None
        return Bitmap(pixels, self.left, self.top).cover(size)


def _whole(points: Sequence[Point], size: Size) -> np.ndarray:
    """Returns points as int32 [count, 2], rounded half to even."""
    require_near(points, size)
    return np.rint(np.array(points, np.float64)).astype(np.int32)


def _unpack(data: bytes, count: int) -> np.ndarray:
    """Decodes packed runs; returns uint8 [count]."""
    bits = np.unpackbits(np.frombuffer(data, np.uint8))
    text = (bits + ord("0")).tobytes().decode("ascii")
    place = 32

    def take(length: int) -> int:
        nonlocal place
        place += length
        if place > len(text):
            raise ValueError("its brush stroke is cut off.")
        return int(text[place - length : place], 2)

    if take(5) != 7:
        raise ValueError("its brush stroke has values that are not bytes.")
    lengths = [take(4) + 1 for _ in range(_SIZE_CODES)]
    values = np.empty(count, np.uint8)
    filled = 0
    while filled < count:
        is_run = take(1)
        number = take(lengths[take(2)]) + 1
        if filled + number > count:
            raise ValueError("its brush stroke has more values than its image.")
        if is_run:
            values[filled : filled + number] = take(8)
        else:
            take(8 * number)
            values[filled : filled + number] = np.packbits(bits[place - 8 * number : place])
        filled += number
    return values
