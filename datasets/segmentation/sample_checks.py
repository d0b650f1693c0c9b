"""Examines one example of a dataset: its files, sizes, ids and colors."""

import dataclasses
import hashlib
import os
from collections.abc import Iterator

import numpy as np

from common.texts import first_few, printable
from datasets.images import decoding, jpeg_file
from datasets.images.decoding import DecodedImage
from datasets.segmentation import palette_agreement
from datasets.segmentation.class_statistics import count_ids
from datasets.segmentation.jpeg_damage import DamageListener
from datasets.segmentation.masks import blending
from datasets.segmentation.masks.blending import Ramps
from datasets.segmentation.masks.raw_mask import RawMask, read_raw_mask
from datasets.segmentation.palette_agreement import UsedColors
from datasets.segmentation.sources.source import (
    ERROR,
    WARNING,
    Problem,
    Sample,
    Source,
    describe_sizes,
)

BINARY_IDS = frozenset({0, 255})

_MAX_NAMED_IDS = 8
_NOT_DECODED = (
    "damaged: TensorFlow, with which training reads it, cannot decode it. Copy it again, or remove "
    "it."
)


@dataclasses.dataclass(frozen=True)
class Finding:
    """What the examination of one example found.

    Attributes:
      problems: what is wrong with it.
      histogram: int64 [256], pixels of each id of the mask, or None when it cannot be read.
      size: (height, width) of the mask.
      is_binary: whether the mask's file holds 0 and 255 only, and 255 at all.
      digest: hash of the image's file, or None when it cannot be read.
      is_suspect: whether libjpeg complained while the image was decoded, perhaps of another one.
      colors: colors of the mask's indices, or None when they tell nothing.
      ramps: ramps between the values in the mask's file.
    """

    problems: tuple[Problem, ...]
    histogram: np.ndarray | None = None
    size: tuple[int, int] = (0, 0)
    is_binary: bool = False
    digest: bytes | None = None
    is_suspect: bool = False
    colors: UsedColors | None = None
    ramps: Ramps = blending.NOTHING

    @property
    def has_error(self) -> bool:
        return any(problem.severity == ERROR for problem in self.problems)

    @property
    def ids(self) -> frozenset[int]:
        """The ids in the mask."""
        return frozenset() if self.histogram is None else _ids(self.histogram)


def examine(source: Source, split: str, item: Sample, listener: DamageListener) -> Finding:
    """Reads one example and reports what is wrong with it.

    Args:
      source: the dataset, for its classes and the meaning of masks.
      split: name of the split, for the problems.
      item: the example.
      listener: decodes images as training does.
    """
    problems: list[Problem] = []

    def report(severity: str, kind: str, message: str, path: str) -> None:
        message = message.removeprefix(f"{path}: ").removeprefix(f"{printable(path)}: ")
        problems.append(Problem(severity, kind, message, path, split, item.name))

    histogram, size, is_binary, colors, ramps = None, None, False, None, blending.NOTHING
    raw_mask = _read_mask(item, report)
    if raw_mask is not None:
        size = raw_mask.values.shape[:2]
        colors = palette_agreement.used_colors(raw_mask)
        ramps = _find_ramps(source, raw_mask)
        try:
            ids = source.mask_format.decode(raw_mask)
        except ValueError as error:
            report(ERROR, _kind_of_undecoded(source, raw_mask), str(error), item.mask_path)
        else:
            histogram = count_ids(ids)
            is_binary = _is_binary(source, raw_mask, _ids(histogram))
            if is_binary and source.ignore_label != 255:
                problems.append(describe_binary(ERROR, split, item))
            else:
                for severity, kind, message in _check_mask(source, raw_mask, _ids(histogram)):
                    report(severity, kind, message, item.mask_path)

    digest, is_suspect = None, False
    image = _read_image(item, size, report)
    if image is not None:
        digest = hashlib.blake2b(image.data, digest_size=16).digest()
        if image.is_kept or image.is_jpeg:
            is_accepted, is_suspect = listener.accepts(image.data, image.is_jpeg)
            if image.is_kept and not is_accepted:
                report(ERROR, "unreadable", _NOT_DECODED, item.image_path)
        zeros = jpeg_file.find_zeros(image.data) if image.is_jpeg else None
        if zeros is not None:
            is_suspect = False  # One warning is enough.
            damage = describe_damage(f"{zeros} bytes of zeros in its data")
            report(WARNING, "damaged", damage, item.image_path)
        if size is not None and image.size != size:
            report(ERROR, "size", describe_sizes(item, image.size, size), item.mask_path)
        for kind, message in _check_image(image):
            report(WARNING, kind, message, item.image_path)
    return Finding(
        problems=tuple(problems),
        histogram=histogram,
        size=size or (0, 0),
        is_binary=is_binary,
        digest=digest,
        is_suspect=is_suspect,
        colors=colors,
        ramps=ramps,
    )


def describe_binary(severity: str, split: str, item: Sample) -> Problem:
    """Returns the problem of a mask of 0 and 255 only."""
    message = (
        "the mask holds only 0 and 255, and 255 means 'ignored', so its objects would never be "
        "learned. If 255 is the object, say so with --mask_values=0:0,255:1, or write 1 where it "
        "has 255: ids count from 0. Such a mask looks black, and that is right."
    )
    return Problem(severity, "binary", message, item.mask_path, split, item.name)


def _kind_of_undecoded(source: Source, mask: RawMask) -> str:
    if mask.is_colored and mask.lossy_format is None:
        return "colors"
    return "ids" if source.mask_format.values is not None else "unreadable"


def describe_damage(damage: str) -> str:
    """Says what it means that a JPEG is damaged inside."""
    return (
        f"damaged inside ({damage}): a part of the image is missing or wrong, and would be trained "
        "on as it is. Look at it, and copy it again or remove it."
    )


def _find_ramps(source: Source, mask: RawMask) -> Ramps:
    """Looks for blended values, unless the mask's values are no ids or are known to be blurred."""
    if mask.lossy_format is not None or mask.values.dtype != np.uint8:
        return blending.NOTHING
    if not mask.is_colored:
        return blending.find_ramps(mask.values)
    if source.mask_format.colors is None:  # Gray values in three channels, or an error.
        return blending.find_ramps(mask.values[..., 1])
    return blending.NOTHING


def _read_mask(item: Sample, report) -> RawMask | None:
    if not os.path.isfile(item.mask_path):
        report(
            ERROR,
            "missing",
            _describe_other(item.mask_path)
            or f"there is no mask for the image {item.image_path}. Add it, or remove the image.",
            item.mask_path,
        )
        return None
    try:
        return read_raw_mask(item.mask_path)
    except (OSError, ValueError) as error:
        report(ERROR, "unreadable", str(error), item.mask_path)
        return None


def _read_image(item: Sample, mask_size: tuple[int, int] | None, report) -> DecodedImage | None:
    if not os.path.isfile(item.image_path):
        report(
            ERROR,
            "missing",
            _describe_other(item.image_path)
            or f"there is no image for the mask {item.mask_path}. Add it, or remove the mask.",
            item.image_path,
        )
        return None
    try:
        return decoding.decode_image(item.image_path, mask_size, with_pixels=False, trust_kept=True)
    except (OSError, ValueError) as error:
        report(ERROR, "unreadable", str(error), item.image_path)
        return None


def _describe_other(path: str) -> str | None:
    """Says what lies where a file should, or returns None if nothing does."""
    if os.path.isdir(path):
        return "this is a folder, not a file. Replace it by the file."
    if os.path.islink(path) and not os.path.exists(path):
        return f"a link to {os.readlink(path)}, which is not there. Bring that file, or copy it."
    return "this is no regular file. Replace it by the file." if os.path.exists(path) else None


def _is_binary(source: Source, mask: RawMask, ids: frozenset[int]) -> bool:
    """Whether the file itself holds 0 and 255 only; decoded colors and mapped ids are no slip."""
    mask_format = source.mask_format
    is_decoded = mask_format.id_map or (mask.is_colored and mask_format.colors)
    return not is_decoded and mask_format.values is None and 255 in ids and ids <= BINARY_IDS


def _check_mask(
    source: Source, mask: RawMask, ids: frozenset[int]
) -> Iterator[tuple[str, str, str]]:
    """Yields severity, kind and message of what is wrong with a mask's ids and its palette."""
    unknown = sorted(i for i in ids if i >= source.num_classes and i != source.ignore_label)
    if unknown:
        named = first_few(unknown, _MAX_NAMED_IDS)
        yield (
            ERROR,
            "ids",
            f"ids {named} have no class: the {source.num_classes} classes have the ids 0 to "
            f"{source.num_classes - 1}, and {source.ignore_label} is ignored. Give those pixels "
            "an id of a class, or name more classes.",
        )
    if ids == {source.ignore_label}:
        yield WARNING, "unlabelled", "every pixel is ignored, so nothing can be learned from it."
    if mask.palette is not None and source.mask_format.colors is not None:
        yield from _check_palette(source, mask.palette, ids)


def _check_palette(
    source: Source, palette: np.ndarray, ids: frozenset[int]
) -> Iterator[tuple[str, str, str]]:
    """Compares the colors in a palette mask with the classes' colors; tells of the first."""
    used = [i for i in sorted(ids) if i < min(len(palette), source.num_classes)]
    colors = {i: tuple(palette[i].tolist()) for i in used}
    if all(colors[i] == (i, i, i) for i in used):
        return  # A gray ramp says nothing about classes.
    for class_id, color in colors.items():
        expected = source.palette[class_id]
        if color == expected:
            continue
        text = (
            f"index {class_id} is painted {color}, but class {class_id} "
            f"({source.class_names[class_id]}) is {expected}"
        )
        other = source.mask_format.colors.get(color)
        if other is not None:
            yield (
                ERROR,
                "palette",
                f"{text}; {color} stands for id {other}. The index is the id, so the file's "
                "palette has another order than the classes: save the mask as RGB, which is read "
                "by its colors, or reorder the palette.",
            )
        else:
            yield WARNING, "palette", f"{text}. The index is taken as the id: see that it is right."
        return


def _check_image(image: DecodedImage) -> Iterator[tuple[str, str]]:
    """Yields kind and message of what is unusual about an image."""
    if image.orientation != 1:
        outcome = (
            "it is turned upright; see that its mask is drawn on the upright image"
            if image.is_turned
            else "it is left as it is stored, because so is its mask"
        )
        yield "orientation", f"carries EXIF orientation {image.orientation}: {outcome}."
    if image.mode != "RGB":
        yield "converted", f"is of mode {image.mode} and is converted to RGB."


def _ids(histogram: np.ndarray) -> frozenset[int]:
    return frozenset(np.flatnonzero(histogram).tolist())
