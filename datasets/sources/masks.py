"""Reads mask files: 8-bit ids, palette PNGs whose indices are ids, or RGB colours.

What the values mean is a `MaskFormat`: a table from the file's ids to the dataset's ids, or from
colours to ids.
"""

import dataclasses
from collections.abc import Mapping

import cv2
import numpy as np

from datasets.sources import images

MASK_EXTENSIONS = (".png", ".bmp", ".tif", ".tiff", ".gif")

Colour = tuple[int, int, int]

_GRAY_MODES = ("1", "L", "LA", "P", "PA", "I", "I;16", "I;16B", "I;16L")
_ALPHA_MODES = ("LA", "PA", "RGBA")
_MAX_NAMED = 5  # Ids or colours named in one message.


@dataclasses.dataclass(frozen=True)
class RawMask:
    """A mask as its file has it.

    Attributes:
      path: the file.
      values: uint8 [height, width] ids or palette indices, or uint8 [height, width, 3] RGB
        colours.
      palette: uint8 [n, 3] RGB colours of a palette file's indices, else None.
    """

    path: str
    values: np.ndarray
    palette: np.ndarray | None = None

    @property
    def is_coloured(self) -> bool:
        return self.values.ndim == 3


@dataclasses.dataclass(frozen=True)
class MaskFormat:
    """What the values of mask files mean.

    Attributes:
      id_map: class id of some ids in the file; ids that are not named here stay as they are.
      colours: class id of each colour of RGB masks, or None when there is no such table.
    """

    id_map: Mapping[int, int] = dataclasses.field(default_factory=dict)
    colours: Mapping[Colour, int] | None = None

    def decode(self, mask: RawMask) -> np.ndarray:
        """Turns a mask file's values into class ids.

        Returns:
          uint8 [height, width] class ids.

        Raises:
          ValueError: the mask is coloured and its colours have no ids; the message names the
            file and the colours.
        """
        ids = self._ids_of_colours(mask) if mask.is_coloured else mask.values
        if not self.id_map:
            return ids
        table = np.arange(256, dtype=np.uint8)
        for file_id, class_id in self.id_map.items():
            table[file_id] = class_id
        return cv2.LUT(ids, table)  # A tenth of the time of table[ids].

    def _ids_of_colours(self, mask: RawMask) -> np.ndarray:
        if self.colours is None:
            red, green, blue = np.moveaxis(mask.values, -1, 0)
            if np.array_equal(red, green) and np.array_equal(red, blue):
                return np.ascontiguousarray(red)  # Gray ids that a tool saved with three channels.
            raise ValueError(
                f"{mask.path}: RGB mask with colours {_name_colours(_codes(mask.values))}, and "
                "nothing says which class each colour is. Write a classes.json with 'names' and "
                "'palette'."
            )
        codes = _codes(mask.values)
        known = np.array([_code(colour) for colour in self.colours], np.int32)
        ids_of_known = np.array(list(self.colours.values()), np.uint8)
        order = np.argsort(known)
        known, ids_of_known = known[order], ids_of_known[order]
        places = np.minimum(np.searchsorted(known, codes), len(known) - 1)
        is_unknown = known[places] != codes
        if is_unknown.any():
            raise ValueError(
                f"{mask.path}: {np.count_nonzero(is_unknown)} pixels have colours that the class "
                f"file does not name: {_name_colours(codes[is_unknown])}. Add them to 'palette' "
                "or 'ignore_palette'; blended colours mean that the mask was resized smoothly or "
                "saved as JPEG."
            )
        return ids_of_known[places]


def read_raw_mask(path: str) -> RawMask:
    """Reads a mask file without giving its values a meaning.

    Raises:
      OSError: the file cannot be opened.
      ValueError: the file is damaged, lossy, half transparent, or has ids above 255; the message
        names it.
    """
    with open(path, "rb") as file:
        data = file.read()
    image = images.load(data, path)
    if image.format in ("JPEG", "MPO"):
        raise ValueError(
            f"{path}: a mask saved as JPEG has blurred ids. Save masks as PNG from the original."
        )
    if image.mode in _ALPHA_MODES:
        alpha = np.asarray(image.getchannel("A"))
        if alpha.min() < 255:
            raise ValueError(
                f"{path}: mask with transparent pixels (mode {image.mode}). Save it without alpha."
            )
    if image.mode in ("P", "PA"):
        palette = np.array(image.getpalette("RGB"), np.uint8).reshape(-1, 3)
        indices = image if image.mode == "P" else image.getchannel("P")
        return RawMask(path, np.array(indices, np.uint8), palette)
    if image.mode in ("RGB", "RGBA"):
        return RawMask(path, np.array(image.convert("RGB")))
    if image.mode not in _GRAY_MODES:
        raise ValueError(
            f"{path}: mask of mode {image.mode}; masks are 8-bit ids, palette PNGs or RGB colours."
        )
    values = np.asarray(image.getchannel("L") if image.mode == "LA" else image)
    if values.max() > 255 or values.min() < 0:
        ids = np.unique(values)
        raise ValueError(
            f"{path}: ids {_name_some(ids[(ids > 255) | (ids < 0)])} do not fit into 8 bits; ids "
            "are 0..255. Save the mask with class ids, one small number per class."
        )
    return RawMask(path, values.astype(np.uint8, copy=False))


def _code(colour: Colour) -> int:
    return colour[0] << 16 | colour[1] << 8 | colour[2]


def _codes(colours: np.ndarray) -> np.ndarray:
    """One int32 number for each colour of [..., 3]."""
    wide = colours.astype(np.int32)
    return wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]


def _name_colours(codes: np.ndarray) -> str:
    """Names the most frequent colours, such as "(0, 0, 0), (128, 0, 0) and 3 more"."""
    values, counts = np.unique(codes, return_counts=True)
    values = values[np.argsort(-counts, kind="stable")]
    return _name_some([(int(v) >> 16, int(v) >> 8 & 255, int(v) & 255) for v in values])


def _name_some(values) -> str:
    """Names the first of some values and counts the rest."""
    named = ", ".join(str(value) for value in list(values)[:_MAX_NAMED])
    rest = len(values) - _MAX_NAMED
    return f"{named} and {rest} more" if rest > 0 else named
