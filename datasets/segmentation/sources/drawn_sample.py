"""A sample whose mask is drawn from the regions that a labelling tool wrote down."""

import dataclasses
import hashlib
import pickle
from collections.abc import Iterable, Iterator

import numpy as np

from datasets.images import decoding
from datasets.segmentation.annotations import json_exports
from datasets.segmentation.annotations.shapes import Shape, Size
from datasets.segmentation.masks.raw_mask import RawMask
from datasets.segmentation.sources.source import Sample, UnreadableImageError


@dataclasses.dataclass(frozen=True, eq=False)
class DrawnSample(Sample):
    """An image whose `mask_path` has regions instead of pixels.

    Attributes:
      regions: shapes with class ids; a later one lies above an earlier one.
      rest: id of what none covers.
      small_above_large: whether the smaller of two regions lies above instead.
      size: height and width of the image as it was labeled; None for those of its file.
      damage: why there are no regions, if they could not be read.
      image_key: see `LabeledImage`; the `image_path` is the annotation file then.
    """

    regions: tuple[tuple[int, Shape], ...] = ()
    rest: int = 0
    small_above_large: bool = False
    size: Size | None = None
    damage: str | None = None
    image_key: str | None = None

    @property
    def places(self) -> tuple[str, str]:
        if self.image_key is None:
            return self.paths
        return f"{self.image_path}, {self.image_key}", self.mask_path

    def read_image_file(self) -> bytes:
        if self.image_key is None:
            return super().read_image_file()
        return json_exports.read_base64(self.image_path, self.image_key)

    def read_mask(self) -> RawMask:
        """Draws the mask; raises what `Sample.read_mask` does."""
        if self.damage is not None:
            raise ValueError(self.damage)
        size = self._mask_size()
        ids = np.full(size, self.rest, np.uint8)
        for class_id, covered in self._covered(size):
            ids[covered] = class_id
        return RawMask(self.mask_path, ids, is_drawn=True)

    def _mask_size(self) -> Size:
        """Returns the size that was labeled, once it is known to be that of the image."""
        try:
            found = decoding.read_size(self.places[0], self.read_image_file())
        except (OSError, ValueError) as error:
            raise UnreadableImageError(str(error)) from error
        size = self.size or found
        if sorted(size) != sorted(found):  # A wrong number could ask for any amount of memory.
            labeled, actual = (f"{width}x{height}" for height, width in (size, found))
            raise ValueError(
                f"{self.mask_path}: image {self.name!r} was labeled as {labeled} (width x height), "
                f"and {self.places[0]} is {actual}. Put the image there that was labeled, or "
                "export its regions again."
            )
        return size

    @property
    def needs_image(self) -> bool:
        return True

    def describe_missing_image(self) -> str:
        return (
            f"there is no image for the regions in {self.mask_path}. Put it there, or take it out "
            "of the export."
        )

    def mask_state(self) -> str:
        content = (self.regions, self.rest, self.small_above_large, self.size)
        return hashlib.sha256(pickle.dumps(content, protocol=4)).hexdigest()

    def _covered(self, size: Size) -> Iterable[tuple[int, np.ndarray]]:
        """Returns class ids with the pixels that they get, those that lie above others last."""
        covered = self._cover(size)
        if not self.small_above_large:
            return covered
        # The area is counted once; of equal ones the later lies above.
        return sorted(covered, key=lambda each: -int(np.count_nonzero(each[1])))

    def _cover(self, size: Size) -> Iterator[tuple[int, np.ndarray]]:
        for number, (class_id, shape) in enumerate(self.regions, start=1):
            try:
                yield class_id, shape.cover(size)
            except ValueError as error:
                raise ValueError(
                    f"{self.mask_path}: region {number} of image {self.name!r}: {error}"
                ) from None
