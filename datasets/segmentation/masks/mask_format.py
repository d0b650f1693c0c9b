"""Turns the values of mask files into class ids.

The values are gray ids, indices of a palette, which are ids too, or RGB colors. A `MaskFormat` says
which id each stands for.

JPEG moves values by a few levels, and by more beside the borders of regions. Where a mask has two
values that lie far apart, such as 0 and 255, each pixel's nearer one is right except for some on
the border, so such masks can be read. With three values that is no longer so: between 0 and 200 the
format makes a rim of 100.
"""

import dataclasses
from collections.abc import Mapping

import cv2
import numpy as np

from common.texts import first_few
from datasets.segmentation.masks import mask_values
from datasets.segmentation.masks.raw_mask import RawMask

Color = tuple[int, int, int]

_MAX_TINT = 32  # Levels that JPEG may tint a gray pixel by.

# Two values of a lossy mask lie at least so far apart; a pixel that is further from both than this
# share of their distance is unclear. More than so many that no clear pixel touches are a region of
# a third value, not noise.
_MIN_DISTANCE = 64
_CLEAR = 0.25
_MAX_UNCLEAR = 0.001


@dataclasses.dataclass(frozen=True)
class MaskFormat:
    """What the values of mask files mean: tables of class ids, or None where there are none."""

    id_map: Mapping[int, int] = dataclasses.field(default_factory=dict)  # of some ids in the file
    colors: Mapping[Color, int] | None = None  # of each color of RGB masks
    values: Mapping[int, int] | None = None  # of every value in the file; another one is an error
    # The file that names colors or values, for messages; records do not depend on it.
    named_in: str | None = dataclasses.field(default=None, repr=False)

    def decode(self, mask: RawMask) -> np.ndarray:
        """Turns a mask file's values into class ids, uint8 [height, width].

        Raises:
          ValueError: the values or colors have no ids, or the file's format blurs them; the
            message names the file and the values.
        """
        if mask.lossy_format is not None and not _can_be_restored(self.values):
            raise ValueError(
                f"{mask.path}: a mask saved as {mask.lossy_format}, which blurs ids into their "
                "neighbors. Save masks as PNG from the original; one of two values only, such as "
                "0 and 255, can be read with --mask_values=0:0,255:1."
            )
        if mask.is_colored and (self.colors is not None or not _is_gray(mask)):
            return _ids_of_colors(mask, self.colors, self.named_in)
        # Gray values that a tool saved with three channels are gray values.
        values = np.ascontiguousarray(mask.values[..., 1]) if mask.is_colored else mask.values
        if self.values is not None:
            if mask.lossy_format is not None:
                values = _restore(values, self.values, mask.path)
            return _ids_of_values(values, self.values, mask.path, self.named_in)
        ids = _check_range(values, mask.path)
        return _look_up(ids, self.id_map) if self.id_map else ids


def _ids_of_values(
    values: np.ndarray, ids: Mapping[int, int], path: str, named_in: str | None
) -> np.ndarray:
    if values.dtype == np.uint8:  # A fraction of the time of np.unique.
        found = np.flatnonzero(np.bincount(values.reshape(-1), minlength=256)).tolist()
    else:
        found = np.unique(values).tolist()
    unknown = [value for value in found if value not in ids]
    if unknown:
        raise ValueError(
            f"{path}: values {first_few(unknown)} are not in {named_in or 'mask_values'}, which "
            f"names {first_few(ids)}. Name every value that occurs; many values that are close to "
            "each other mean that the mask was resized smoothly or saved as JPEG."
        )
    if values.dtype == np.uint8:
        return _look_up(values, {value: ids[value] for value in found})
    return np.array([ids[value] for value in found], np.uint8)[np.searchsorted(found, values)]


def _ids_of_colors(
    mask: RawMask, colors: Mapping[Color, int] | None, named_in: str | None
) -> np.ndarray:
    codes = color_codes(mask.values)
    if colors is None:
        raise ValueError(
            f"{mask.path}: RGB mask with colors {_name_colors(codes)}, and nothing says which "
            "class each color is. Write a classes.json with 'names' and 'palette', or add the "
            "table of classes that the labelling tool wrote, such as labelmap.txt."
        )
    known, ids = color_codes(np.array(list(colors))), np.array(list(colors.values()), np.uint8)
    order = np.argsort(known)
    places = np.minimum(np.searchsorted(known, codes, sorter=order), len(known) - 1)
    places = order[places]
    is_unknown = known[places] != codes
    if is_unknown.any():
        where = "to 'palette' or 'ignore_palette'" if named_in is None else "there"
        raise ValueError(
            f"{mask.path}: {np.count_nonzero(is_unknown)} pixels have colors that "
            f"{named_in or 'the class file'} does not name: {_name_colors(codes[is_unknown])}. "
            f"Add them {where}; blended colors mean that the mask was resized smoothly or saved as "
            "JPEG."
        )
    return ids[places]


def _can_be_restored(ids: Mapping[int, int] | None) -> bool:
    """Whether a mapping has two values that a lossy format keeps apart."""
    return ids is not None and len(ids) == 2 and max(ids) <= 255 and _distance(ids) >= _MIN_DISTANCE


def _distance(ids: Mapping[int, int]) -> int:
    return max(ids) - min(ids)


def _restore(values: np.ndarray, ids: Mapping[int, int], path: str) -> np.ndarray:
    """Replaces each value by the nearer one of the two that a mapping names."""
    low, high = sorted(ids)
    margin = _CLEAR * _distance(ids)
    is_unclear = ((values > low + margin) & (values < high - margin)).astype(np.uint8)
    inner = cv2.erode(is_unclear, np.ones((3, 3), np.uint8), borderValue=(1,))
    if np.count_nonzero(inner) > _MAX_UNCLEAR * values.size:
        value = np.bincount(values[inner > 0]).argmax()
        raise ValueError(
            f"{path}: a mask saved as JPEG or the like has regions of about {value}, and "
            f"mask_values names {low} and {high} only. Save it as PNG from the original."
        )
    return np.where(values > (low + high) // 2, high, low).astype(np.uint8)


def _look_up(ids: np.ndarray, changes: Mapping[int, int]) -> np.ndarray:
    table = np.arange(256, dtype=np.uint8)
    table[list(changes)] = list(changes.values())
    return cv2.LUT(ids, table)  # A tenth of the time of table[ids].


def _is_gray(mask: RawMask) -> bool:
    """Whether three channels are equal; of a lossy file, nearly equal."""
    spread = cv2.absdiff(mask.values, mask.values[..., 1:2].repeat(3, axis=-1)).max()
    return spread <= (0 if mask.lossy_format is None else _MAX_TINT)


def _check_range(values: np.ndarray, path: str) -> np.ndarray:
    if values.dtype == np.uint8:
        return values
    ids = np.unique(values)
    flag = mask_values.suggest(ids.tolist()) if ids[0] >= 0 else None
    raise ValueError(
        f"{path}: ids {first_few(ids[(ids > 255) | (ids < 0)])} do not fit into 8 bits; ids "
        "are 0..255. Save the mask with class ids, one small number per class"
        + (f", or say which class each value is: {flag}." if flag else ".")
    )


def color_codes(colors: np.ndarray) -> np.ndarray:
    """Returns one int32 number for each color of [..., 3]."""
    wide = colors.astype(np.int32)
    return wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]


def _name_colors(codes: np.ndarray) -> str:
    """Names the most frequent colors, such as "(0, 0, 0), (128, 0, 0) and 3 more"."""
    values, counts = np.unique(codes, return_counts=True)
    values = values[np.argsort(-counts, kind="stable")].tolist()
    return first_few([(value >> 16, value >> 8 & 255, value & 255) for value in values])
