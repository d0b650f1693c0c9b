"""Windows of an image, in which a network runs with less memory than the whole image needs.

Each window has an inner part, and around it the pixels on which the features of that part depend.
The inner parts tile the image. They begin at multiples of the coarsest stride, where poolings of
the whole image have their corners, so the features of all inner parts are those of the whole image,
to the rounding of float32.
"""

from collections.abc import Iterator
from typing import NamedTuple


class Window(NamedTuple):
    """A window; all in pixels of the image.

    Attributes:
      top, left, bottom, right: the window.
      inner: top, left, bottom and right of its inner part, relative to the window.
    """

    top: int
    left: int
    bottom: int
    right: int
    inner: tuple[int, int, int, int]

    @property
    def slices(self) -> tuple[slice, slice]:
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def inner_of(self, stride: int) -> tuple[slice, slice]:
        """Returns where the inner part lies in features of a stride, relative to the window's."""
        top, left, bottom, right = self.inner
        return (
            slice(top // stride, -(-bottom // stride)),
            slice(left // stride, -(-right // stride)),
        )

    def features_of(self, stride: int) -> tuple[slice, slice]:
        """Returns where the inner part lies in features of a stride of the whole image."""
        rows, columns = self.inner_of(stride)
        top, left = self.top // stride, self.left // stride
        return (
            slice(top + rows.start, top + rows.stop),
            slice(left + columns.start, left + columns.stop),
        )


def split(height: int, width: int, side: int | None, margin: int, stride: int) -> list[Window]:
    """Splits an image into windows.

    Args:
      side: largest side of a window; None for one window that is the image.
      margin: pixels around an inner part.
      stride: the coarsest.

    Raises:
      ValueError: windows of that side would have no inner part.
    """
    if side is None or max(height, width) <= side:
        return [Window(0, 0, height, width, (0, 0, height, width))]
    if side < smallest_side(margin, stride):
        raise ValueError(
            f"windows have {side} pixels to a side; expected {smallest_side(margin, stride)} or "
            f"more, as features depend on {margin} pixels to each side."
        )
    margin = -(-margin // stride) * stride
    inner = side - 2 * margin
    return [
        Window(
            rows[0],
            columns[0],
            rows[1],
            columns[1],
            (
                rows[2] - rows[0],
                columns[2] - columns[0],
                rows[3] - rows[0],
                columns[3] - columns[0],
            ),
        )
        for rows in _parts(height, side, inner, margin, stride)
        for columns in _parts(width, side, inner, margin, stride)
    ]


def smallest_side(margin: int, stride: int) -> int:
    """Returns the side of windows whose inner part is one pixel of the coarsest features."""
    return 2 * (-(-margin // stride) * stride) + stride


def _parts(
    size: int, side: int, inner: int, margin: int, stride: int
) -> Iterator[tuple[int, int, int, int]]:
    """Yields start and end of windows, and start and end of their inner parts, of like sizes."""
    if size <= side:
        yield 0, size, 0, size
        return
    count = -(-size // (inner // stride * stride))
    inner = -(-size // (count * stride)) * stride
    for start in range(0, size, inner):
        end = min(start + inner, size)
        yield max(start - margin, 0), min(end + margin, size), start, end
