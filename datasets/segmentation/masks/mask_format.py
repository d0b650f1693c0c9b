"""Reads mask files: gray ids, palette files whose indices are ids, or RGB colors.

What the values mean is a `MaskFormat`: a table from the file's ids to the dataset's ids, or from
colors to ids. How they are stored is the matter of `datasets.segmentation.masks.raw_mask`.
"""

import dataclasses
from collections.abc import Mapping

import cv2
import numpy as np

from datasets.segmentation.masks import mask_values, nearest_values, raw_mask

Color = tuple[int, int, int]

_MAX_TINT = 32  # Levels that JPEG may tint a gray pixel by.
_MAX_NAMED = 5  # Ids or colors named in one message.


@dataclasses.dataclass(frozen=True)
class RawMask:
    """A mask as its file has it.

    Attributes:
      path: the file.
      values: uint8 [height, width] ids or palette indices, int64 [height, width] where some do
        not fit into 8 bits, or uint8 [height, width, 3] RGB colors.
      palette: uint8 [n, 3] RGB colors of a palette file's indices, else None.
      lossy_format: name of the file's format, such as "JPEG", if that keeps values only nearly.
      is_one_bit: whether the file is black and white: gray of 1 bit.
    """

    path: str
    values: np.ndarray
    palette: np.ndarray | None = None
    lossy_format: str | None = None
    is_one_bit: bool = False

    @property
    def is_colored(self) -> bool:
        return self.values.ndim == 3


@dataclasses.dataclass(frozen=True)
class MaskFormat:
    """What the values of mask files mean.

    Attributes:
      id_map: class id of some ids in the file; ids that are not named here stay as they are.
      colors: class id of each color of RGB masks, or None when there is no such table.
      values: class id of every value in the file, or None when values are ids; a value that is not
        named is an error.
    """

    id_map: Mapping[int, int] = dataclasses.field(default_factory=dict)
    colors: Mapping[Color, int] | None = None
    values: Mapping[int, int] | None = None

    def decode(self, mask: RawMask) -> np.ndarray:
        """Turns a mask file's values into class ids.

        Returns:
          uint8 [height, width] class ids.

        Raises:
          ValueError: the values or colors have no ids, or the file's format blurs them; the
            message names the file and the values.
        """
        if mask.lossy_format is not None and not nearest_values.can_be_read(self.values):
            raise ValueError(
                f"{mask.path}: a mask saved as {mask.lossy_format}, which blurs ids into their "
                "neighbours. Save masks as PNG from the original; one of two values only, such as "
                "0 and 255, can be read with --mask_values=0:0,255:1."
            )
        if mask.is_colored and (self.colors is not None or not _is_gray(mask)):
            return self._map_ids(self._ids_of_colors(mask))
        # Gray values that a tool saved with three channels are gray values.
        values = np.ascontiguousarray(mask.values[..., 1]) if mask.is_colored else mask.values
        if self.values is None:
            return self._map_ids(_check_range(mask.path, values))
        if mask.lossy_format is not None:
            values = nearest_values.restore(values, self.values, mask.path)
        return self._ids_of_values(mask.path, values)

    def _map_ids(self, ids: np.ndarray) -> np.ndarray:
        return _look_up(ids, self.id_map) if self.id_map else ids

    def _ids_of_values(self, path: str, values: np.ndarray) -> np.ndarray:
        found = _find_values(values)
        unknown = [value for value in found if value not in self.values]
        if unknown:
            raise ValueError(
                f"{path}: values {_name_some(unknown)} are not in mask_values, which names "
                f"{_name_some(self.values)}. Name every value that occurs; many values that are "
                "close to each other mean that the mask was resized smoothly or saved as JPEG."
            )
        if values.dtype == np.uint8:
            return _look_up(values, {value: self.values[value] for value in found})
        ids = np.array([self.values[value] for value in found], np.uint8)
        return ids[np.searchsorted(found, values)]

    def _ids_of_colors(self, mask: RawMask) -> np.ndarray:
        if self.colors is None:
            raise ValueError(
                f"{mask.path}: RGB mask with colors {_name_colors(_codes(mask.values))}, and "
                "nothing says which class each color is. Write a classes.json with 'names' and "
                "'palette'."
            )
        codes = _codes(mask.values)
        known = np.array([_code(color) for color in self.colors], np.int32)
        ids_of_known = np.array(list(self.colors.values()), np.uint8)
        order = np.argsort(known)
        known, ids_of_known = known[order], ids_of_known[order]
        places = np.minimum(np.searchsorted(known, codes), len(known) - 1)
        is_unknown = known[places] != codes
        if is_unknown.any():
            raise ValueError(
                f"{mask.path}: {np.count_nonzero(is_unknown)} pixels have colors that the class "
                f"file does not name: {_name_colors(codes[is_unknown])}. Add them to 'palette' "
                "or 'ignore_palette'; blended colors mean that the mask was resized smoothly or "
                "saved as JPEG."
            )
        return ids_of_known[places]


def read_raw_mask(path: str) -> RawMask:
    """Reads a mask file without giving its values a meaning.

    Raises:
      OSError: the file cannot be opened.
      ValueError: the file is damaged, half transparent, or of a kind whose values cannot be told;
        the message names it.
    """
    with open(path, "rb") as file:
        data = file.read()
    return RawMask(path, *raw_mask.read(data, path))


def _look_up(ids: np.ndarray, changes: Mapping[int, int]) -> np.ndarray:
    table = np.arange(256, dtype=np.uint8)
    for file_id, class_id in changes.items():
        table[file_id] = class_id
    return cv2.LUT(ids, table)  # A tenth of the time of table[ids].


def _find_values(values: np.ndarray) -> list[int]:
    if values.dtype != np.uint8:
        return np.unique(values).tolist()
    return np.flatnonzero(np.bincount(values.reshape(-1), minlength=256)).tolist()


def _is_gray(mask: RawMask) -> bool:
    """Whether three channels are equal; of a lossy file, nearly equal."""
    if mask.lossy_format is not None:
        spread = cv2.absdiff(mask.values, mask.values[..., 1:2].repeat(3, axis=-1))
        return spread.max() <= _MAX_TINT
    red, green, blue = np.moveaxis(mask.values, -1, 0)
    return np.array_equal(red, green) and np.array_equal(red, blue)


def _check_range(path: str, values: np.ndarray) -> np.ndarray:
    if values.dtype == np.uint8:
        return values
    ids = np.unique(values)
    flag = mask_values.suggest(ids.tolist()) if ids[0] >= 0 else None
    raise ValueError(
        f"{path}: ids {_name_some(ids[(ids > 255) | (ids < 0)])} do not fit into 8 bits; ids "
        "are 0..255. Save the mask with class ids, one small number per class"
        + (f", or say which class each value is: {flag}." if flag else ".")
    )


def _code(color: Color) -> int:
    return color[0] << 16 | color[1] << 8 | color[2]


def _codes(colors: np.ndarray) -> np.ndarray:
    """One int32 number for each color of [..., 3]."""
    wide = colors.astype(np.int32)
    return wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]


def _name_colors(codes: np.ndarray) -> str:
    """Names the most frequent colors, such as "(0, 0, 0), (128, 0, 0) and 3 more"."""
    values, counts = np.unique(codes, return_counts=True)
    values = values[np.argsort(-counts, kind="stable")]
    return _name_some([(int(v) >> 16, int(v) >> 8 & 255, int(v) & 255) for v in values])


def _name_some(values) -> str:
    """Names the first of some values and counts the rest."""
    named = ", ".join(str(value) for value in list(values)[:_MAX_NAMED])
    rest = len(values) - _MAX_NAMED
    return f"{named} and {rest} more" if rest > 0 else named
