"""How much memory images take from reading to writing, and how much there is."""

import contextlib
import ctypes
import dataclasses
import os

from common import image_files, texts

MIB = 1 << 20

# Bytes a pixel takes while its file is decoded (measured; docs/serving.md): Pillow's four, the same
# once more for a conversion, and what a decoder keeps beside them.
_READ_BYTES = {"WEBP": 17, "AVIF": 12}
_READ_BYTES_OF_OTHERS = 9
# A progressive JPEG's decoder holds the coefficients of the whole image, two bytes each.
_PROGRESSIVE_BYTES = 2
# While results are written: the image, its ids, the overlay with a legend of up to half its height,
# and the encoded JPEG.
_PANEL_BYTES = 6
_WRITE_BYTES = 4 + 1 + _PANEL_BYTES + 3
_LEGEND_WIDTH = 500
# Further bytes for pixels that are painted, or brought to size, at once.
_BAND_BYTES = 30
_BAND_PIXELS = 3_000_000
# A graph that resizes images itself holds them as 32-bit numbers, several times.
_GRAPH_BYTES = 64
# Probabilities: float32, and as float16 once more while they are written.
_PROBABILITY_BYTES = 6
# Kept free beside what is counted.
_MARGIN_BYTES = 100 * MIB
# Of what the machine has free: programs beside us go on, and figures above are not exact.
_DEFAULT_SHARE = 0.7
# Decoders that hold the whole file, or strips of any size, beside the pixels.
_FORMATS_READ_WHOLE = ("WEBP", "AVIF", "TIFF")


@dataclasses.dataclass(frozen=True)
class Head:
    """What the first bytes of an image file tell.

    Attributes:
      height: pixels, as they are stored: images may be shown turned.
      width: pixels.
      read_bytes: memory that decoding takes.
    """

    height: int
    width: int
    read_bytes: int


def read_head(path: str) -> Head:
    """Reads the size of an image without decoding it.

    Raises:
      OSError: the file cannot be opened.
      ValueError: it is damaged or no image; the message names it.
    """
    with open(path, "rb") as file:
        image = image_files.open_image(file, path)
        per_pixel = _READ_BYTES.get(image.format, _READ_BYTES_OF_OTHERS)
        if image.info.get("progressive"):
            num_channels = len(image.getbands())
            pixel_bytes = 1 if num_channels == 1 else 4
            per_pixel = max(per_pixel, pixel_bytes + _PROGRESSIVE_BYTES * num_channels)
        num_bytes = per_pixel * image.width * image.height
        if image.format in _FORMATS_READ_WHOLE:
            num_bytes += os.fstat(file.fileno()).st_size
        return Head(image.height, image.width, num_bytes)


def image_bytes(head: Head, num_probabilities: int, resizes_inside: bool) -> int:
    """Returns the memory that an image takes at most, from reading to writing.

    Args:
      head: the image.
      num_probabilities: classes whose probabilities are written; 0 for none.
      resizes_inside: whether the graph is given the image at its own size, whatever that is.
    """
    num_pixels = head.height * head.width
    per_pixel = _WRITE_BYTES + _PROBABILITY_BYTES * num_probabilities
    per_pixel += _GRAPH_BYTES if resizes_inside else 0
    bands = _BAND_BYTES * min(num_pixels, _BAND_PIXELS)
    # The legend of a narrow image widens the whole overlay.
    legend = _PANEL_BYTES * head.height * max(0, _LEGEND_WIDTH - head.width)
    return max(head.read_bytes, per_pixel * num_pixels + bands + legend)


class Budget:
    """Bounds the memory of a process by bounding the images that it holds.

    Attributes:
      limit: bytes that the process may take.
      for_others: bytes of the process besides images, as of the last `measure`.
      for_images: bytes of the limit that are left for images.
    """

    def __init__(self, limit: int):
        self.limit = limit
        self.measure()

    def measure(self) -> None:
        """Finds out what is left for images; call it while there are none."""
        _give_back()
        self.for_others = resident_bytes() + _MARGIN_BYTES
        self.for_images = max(0, self.limit - self.for_others)

    def refusal(self, path: str, head: Head, num_bytes: int) -> str:
        """Returns why an image is not read.

        Args:
          path: the image.
          head: its size.
          num_bytes: its `image_bytes`.
        """
        # Not reckoned from the limit, which may be below what the model alone takes.
        needed = self.for_others + num_bytes
        return (
            f"{texts.printable(path)}: {head.height}x{head.width} pixels (height x width) take "
            f"about {_in_mb(num_bytes)} from reading to writing; {_in_mb(self.limit)} may be used "
            f"in all, of which the model leaves {_in_mb(self.for_images)}. Allow "
            f"{_in_mb(needed)} with --memory_limit_mb, or cut the image into tiles."
        )


def default_limit() -> int:
    """Returns the bytes that a process may take by default: most of what is free."""
    return int(_DEFAULT_SHARE * available_bytes())


def available_bytes() -> int:
    """Returns the memory that is free on this machine, or in the container that this runs in."""
    free = []
    for line in _read("/proc/meminfo").splitlines():
        if line.startswith("MemAvailable:"):
            free.append(1024 * int(line.split()[1]))
    for limit, usage in _CONTAINER_FILES:
        values = [_read(path).strip() for path in (limit, usage)]
        if all(value.isdigit() for value in values):
            free.append(max(0, int(values[0]) - int(values[1])))
    if not free:  # Not Linux.
        free.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2)
    return min(free)


_CONTAINER_FILES = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    (
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory/memory.usage_in_bytes",
    ),
)


def resident_bytes() -> int:
    """Returns the memory that this process has now; 0 where that cannot be told."""
    fields = _read("/proc/self/statm").split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") if fields else 0


def _give_back() -> None:
    """Gives the memory that was freed back to the system, as far as the C library can."""
    with contextlib.suppress(OSError, AttributeError):  # Not GNU's.
        ctypes.CDLL(None).malloc_trim(0)


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError:
        return ""


def _in_mb(num_bytes: int) -> str:
    return f"{-(-num_bytes // MIB)} MB"
