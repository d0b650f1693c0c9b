"""Georeferenced TIFFs, read and written by windows; needs rasterio (`make setup-geo`).

Only the driver of TIFF is used: GDAL has others that open connections or other files.
"""

import contextlib
import dataclasses
import importlib.util
import json
import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from common import files, image_files, texts
from serving.drawing import visualize

ENDINGS = (".tif", ".tiff")
MASK_ENDING = "_mask.tif"

_DRIVER = "GTiff"
# Tags of a TIFF: ModelPixelScale, ModelTiepoint, ModelTransformation.
_REFERENCE_TAGS = (33550, 33922, 34264)
# By default GDAL's cache takes a twentieth of the machine's memory.
_CACHE_MB = 64
_BLOCK = 512
# Values that are read back at once.
_MAX_VALUES = 1 << 24


@dataclasses.dataclass(frozen=True)
class GeoFacts:
    """What the head of a georeferenced TIFF says.

    Attributes:
      height, width: pixels.
      reference: what places a mask of that size on the Earth, for rasterio.
    """

    height: int
    width: int
    reference: dict[str, Any]


def is_installed() -> bool:
    return importlib.util.find_spec("rasterio") is not None


def find_facts(path: str) -> GeoFacts | None:
    """Returns the facts of a georeferenced TIFF; None for other files, or without rasterio."""
    if not path.lower().endswith(ENDINGS) or not is_installed():
        return None
    import rasterio
    from rasterio.errors import RasterioError

    try:
        with _open(path) as source:
            ground_points, ground_crs = source.gcps
            reference = {
                "crs": source.crs or ground_crs,
                "transform": None if source.transform.is_identity else source.transform,
                "gcps": ground_points or None,
            }
            if not any(reference.values()):
                return None
            return GeoFacts(source.height, source.width, reference)
    except (RasterioError, rasterio.errors.RasterioIOError, OSError):
        return None  # What is wrong with it is said where it is read as any image.


def loses_reference(path: str) -> bool:
    """Returns whether a file is a georeferenced TIFF that is read without rasterio."""
    if not path.lower().endswith(ENDINGS) or is_installed():
        return False
    try:
        with open(path, "rb") as file:
            image = image_files.open_image(file, path)
            return any(tag in getattr(image, "tag_v2", ()) for tag in _REFERENCE_TAGS)
    except (ValueError, OSError):
        return False  # What is wrong with it is said where it is read.


class Reader:
    """The pixels of a TIFF as `serving.tiling.Read` returns them."""

    def __init__(self, source: Any, path: str):
        self._source = source
        self._path = path
        if source.dtypes[0] != "uint8":
            raise ValueError(
                f"{texts.printable(path)}: the image has more than 8 bits per channel "
                f"({source.dtypes[0]}); scale its values to 0..255 as the training images were."
            )
        self._channels = [1, 2, 3] if source.count >= 3 else [1]
        self._colors = None
        with contextlib.suppress(ValueError):  # It has no palette.
            table = source.colormap(1)
            self._colors = np.zeros([256, 3], np.uint8)
            for value, color in table.items():
                self._colors[value] = color[:3]

    def __call__(self, top: int, bottom: int, left: int, right: int, factor: int = 1) -> np.ndarray:
        """Returns a part of the image, uint8 [height, width, 3], its sides divided by `factor`."""
        from rasterio.enums import Resampling
        from rasterio.errors import RasterioError
        from rasterio.windows import Window

        shape = (-(-(bottom - top) // factor), -(-(right - left) // factor))
        is_exact = factor == 1 or self._colors is not None
        try:
            channels = self._source.read(
                self._channels,
                window=Window(left, top, right - left, bottom - top),
                out_shape=(len(self._channels), *shape),
                resampling=Resampling.nearest if is_exact else Resampling.average,
            )
        except RasterioError as error:
            reason = " ".join(str(error).split())
            raise ValueError(
                f"{texts.printable(self._path)}: truncated or damaged ({texts.printable(reason)}). "
                "Copy it again."
            ) from None
        if self._colors is not None:
            return self._colors[channels[0]]
        if len(channels) == 1:
            return np.repeat(channels[0][..., np.newaxis], 3, axis=2)
        return np.ascontiguousarray(channels.transpose(1, 2, 0))


@contextlib.contextmanager
def reading(path: str) -> Iterator[Reader]:
    """Opens a TIFF for reading.

    Raises:
      ValueError: it has more than 8 bits per channel; the message names it.
    """
    with _open(path) as source:
        yield Reader(source, path)


class MaskWriter:
    """Writes class ids window by window."""

    def __init__(self, target: Any, num_classes: int):
        self._target = target
        self.counts = np.zeros(256, np.int64)
        self._num_classes = num_classes

    def write(self, top: int, left: int, class_ids: np.ndarray) -> None:
        """Writes a part of the mask, integers [height, width] below 256."""
        from rasterio.windows import Window

        if class_ids.max() >= len(self.counts):
            raise ValueError(
                f"class ids run up to {class_ids.max()}; an 8-bit mask holds 0 to 255."
            )
        class_ids = class_ids.astype(np.uint8)
        self.counts += np.bincount(class_ids.ravel(), minlength=256)
        height, width = class_ids.shape
        self._target.write(class_ids, 1, window=Window(left, top, width, height))

    @property
    def shares(self) -> np.ndarray:
        """Each class's share of the pixels written, float64 [num_classes]."""
        counts = self.counts[: self._num_classes]
        return counts / max(1, counts.sum())


@contextlib.contextmanager
def writing_mask(
    path: str, facts: GeoFacts, class_names: Sequence[str], palette: visualize.Palette
) -> Iterator[MaskWriter]:
    """Writes the mask of a georeferenced image, whole or not at all.

    It is a TIFF of 8-bit class ids with the palette's colors, in compressed blocks, and the
    image's georeference. The names of the classes are in its tag "class_names".

    Raises:
      OSError: it cannot be written, or what was written cannot be read back.
    """
    import rasterio
    from rasterio.errors import RasterioError

    how = {key: value for key, value in facts.reference.items() if value is not None}
    colors = visualize.color_table(palette)
    with files.replacing(path) as temporary, rasterio.Env(GDAL_CACHEMAX=_CACHE_MB):
        try:
            with rasterio.open(
                os.path.abspath(temporary),
                "w",
                driver=_DRIVER,
                height=facts.height,
                width=facts.width,
                count=1,
                dtype="uint8",
                tiled=True,
                blockxsize=_BLOCK,
                blockysize=_BLOCK,
                compress="deflate",
                BIGTIFF="IF_SAFER",
                **how,
            ) as target:
                target.write_colormap(
                    1, {index: (*map(int, color), 255) for index, color in enumerate(colors)}
                )
                target.update_tags(class_names=json.dumps(list(class_names)))
                writer = MaskWriter(target, len(class_names))
                yield writer
            # GDAL does not say when a full disk cuts short what it writes as it closes a file.
            if not np.array_equal(_count(temporary), writer.counts):
                raise OSError("what was written is not what is read back")
        except RasterioError as error:
            raise OSError(f"{texts.printable(path)} cannot be written: {error}") from None


def read_reduced_mask(path: str, factor: int) -> np.ndarray:
    """Returns every `factor`-th class id of every `factor`-th row of a mask, uint8."""
    with _open(path) as source:
        rows = [_read_rows(source, top, 1)[:, ::factor] for top in range(0, source.height, factor)]
    return np.concatenate(rows)


def _count(path: str) -> np.ndarray:
    counts = np.zeros(256, np.int64)
    with _open(path) as source:
        step = max(1, _MAX_VALUES // source.width // _BLOCK) * _BLOCK
        for top in range(0, source.height, step):
            counts += np.bincount(_read_rows(source, top, step).ravel(), minlength=256)
    return counts


def _read_rows(source: Any, top: int, num_rows: int) -> np.ndarray:
    from rasterio.windows import Window

    height = min(num_rows, source.height - top)
    return source.read(1, window=Window(0, top, source.width, height))


@contextlib.contextmanager
def _open(path: str) -> Iterator[Any]:
    import rasterio

    # An absolute path is never taken for an address of another kind.
    with (
        rasterio.Env(GDAL_CACHEMAX=_CACHE_MB, GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR"),
        rasterio.open(os.path.abspath(path), driver=_DRIVER) as source,
    ):
        yield source
