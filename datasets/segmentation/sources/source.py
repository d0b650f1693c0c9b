"""What every source of a segmentation dataset is: classes, splits, and how its masks are read."""

import dataclasses
import re
from collections.abc import Mapping, Sequence

import numpy as np

from common.texts import first_few
from datasets.images import decoding
from datasets.records.problems import Problem
from datasets.segmentation.masks.mask_format import Color, MaskFormat
from datasets.segmentation.masks.raw_mask import RawMask, read_raw_mask

_MAX_NAMED_IDS = 8


class UnreadableImageError(ValueError):
    """The image that a mask belongs to cannot be read."""


@dataclasses.dataclass(frozen=True)
class Sample:
    """One image and its mask on disk. Either file may be missing: `checks` says so."""

    name: str  # unique within its split; usually the stem of its files
    image_path: str
    mask_path: str

    @property
    def paths(self) -> tuple[str, str]:
        return self.image_path, self.mask_path

    @property
    def places(self) -> tuple[str, str]:
        """How messages name the image and the mask: by their files, if these hold nothing else."""
        return self.paths

    def read_image_file(self) -> bytes:
        """Reads the image's file, not decoded; raises what `read_mask` does."""
        with open(self.image_path, "rb") as file:
            return file.read()

    def read_mask(self) -> RawMask:
        """Reads what the mask's file stores.

        Raises:
          OSError: a file cannot be opened.
          ValueError: it is damaged or of a refused kind; the message names it.
        """
        return read_raw_mask(self.mask_path)

    @property
    def needs_image(self) -> bool:
        """Whether there is no mask without the image, whose size it has."""
        return False

    def describe_missing_image(self) -> str:
        """Says that the mask has no image, and what to do."""
        return f"there is no image for the mask {self.mask_path}. Add it, or remove the mask."

    def mask_state(self) -> str:
        """Returns what changes when the mask does although its file stays the same."""
        return ""


@dataclasses.dataclass(frozen=True)
class Source:
    """Images and masks on disk, sorted into splits, with the meaning of the mask's values.

    Attributes:
      class_names, palette: name and RGB color, 0..255, of each class id.
      ignore_label: id of pixels that are never trained on or scored.
      splits: samples of each split, sorted by name.
      problems: what was wrong when the folders were listed.
    """

    name: str
    class_names: tuple[str, ...]
    palette: tuple[Color, ...]
    ignore_label: int
    splits: Mapping[str, Sequence[Sample]]
    mask_format: MaskFormat = dataclasses.field(default_factory=MaskFormat)
    problems: tuple[Problem, ...] = ()

    @property
    def num_classes(self) -> int:
        return len(self.class_names)

    def describe_unknown_ids(self, histogram: np.ndarray) -> str | None:
        """Says which ids that occur no class has, by the pixels of each id; None if all have."""
        ids = np.flatnonzero(histogram).tolist()
        unknown = [i for i in ids if i >= self.num_classes and i != self.ignore_label]
        if not unknown:
            return None
        return (
            f"ids {first_few(unknown, _MAX_NAMED_IDS)} have no class: the {self.num_classes} "
            f"classes have the ids 0 to {self.num_classes - 1}, and {self.ignore_label} is "
            "ignored. Give those pixels an id of a class, or name more classes."
        )

    def require_known_ids(self, sample: Sample, histogram: np.ndarray) -> None:
        """Raises ValueError if a mask has ids that no class has, by the pixels of each id."""
        wrong = self.describe_unknown_ids(histogram)
        if wrong is not None:
            raise ValueError(f"{sample.places[1]}: {wrong}")

    def read_mask(self, sample: Sample) -> np.ndarray:
        """Reads a mask as uint8 [height, width] class ids, also those that no class has."""
        return self.mask_format.decode(sample.read_mask())

    def read_example(
        self, sample: Sample, with_pixels: bool = True
    ) -> tuple[decoding.EncodedImage, np.ndarray]:
        """Reads an image as a record stores it, with pixels if they are wanted, and its mask.

        Raises:
          OSError: a file cannot be opened.
          ValueError: a file is damaged or of a refused kind, or the sizes differ; the message
            names the file.
        """
        ids = self.read_mask(sample)
        mask_size = ids.shape[0], ids.shape[1]
        image = decoding.read_image(
            sample.places[0], mask_size, with_pixels, sample.read_image_file()
        )
        if image.size != mask_size:
            raise ValueError(describe_sizes(sample, image.size, mask_size))
        return image, ids


def class_table(text: str) -> tuple[tuple[str, ...], tuple[Color, ...]]:
    """Reads names and colors of classes, written as "sky #808080, building #800000"."""
    names, palette = [], []
    for name, code in re.findall(r"([^,]+) #([0-9a-f]{6})", text):
        red, green, blue = bytes.fromhex(code)
        names.append(name.strip())
        palette.append((red, green, blue))
    return tuple(names), tuple(palette)


def describe_sizes(sample: Sample, image_size: tuple[int, int], mask_size: tuple[int, int]) -> str:
    """Says that an image and its mask differ in size (height, width), and the likely reason."""
    image_text, mask_text = (f"{width}x{height}" for height, width in (image_size, mask_size))
    # One ratio of height to width, up to a pixel of rounding.
    skew = abs(image_size[0] * mask_size[1] - image_size[1] * mask_size[0])
    if image_size == mask_size[::-1]:
        fix = "One of the two is turned by 90 degrees: turn it back."
    elif skew <= max(*image_size, *mask_size):
        fix = f"Resize the mask to {image_text} with nearest neighbor, or export it again."
    else:
        fix = "The shapes differ too, so these may not belong together."
    image, mask = sample.places
    return (
        f"{mask}: the mask is {mask_text} (width x height) and its image {image} is {image_text}. "
        f"{fix}"
    )
