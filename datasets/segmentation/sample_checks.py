"""Examines one example of a dataset: its files, sizes, ids and colors."""

import contextlib
import dataclasses
import os
from collections.abc import Callable, Mapping
from typing import TypeVar

import numpy as np

from common.texts import printable
from datasets.images import decoding, image_checks
from datasets.images.decoding import DecodedImage
from datasets.images.jpeg_damage import DamageListener
from datasets.records.encoder import Encoded
from datasets.records.problems import ERROR, WARNING, Problem
from datasets.segmentation import palette_agreement
from datasets.segmentation.class_statistics import count_ids
from datasets.segmentation.encoder import SegmentationEncoder
from datasets.segmentation.masks import blending
from datasets.segmentation.masks.blending import Ramps
from datasets.segmentation.masks.mask_format import Color
from datasets.segmentation.masks.raw_mask import RawMask
from datasets.segmentation.palette_agreement import UsedColors
from datasets.segmentation.sources.source import (
    Sample,
    Source,
    UnreadableImageError,
    describe_sizes,
)

BINARY_IDS = frozenset({0, 255})

_T = TypeVar("_T")


@dataclasses.dataclass
class Finding:
    """What the examination of one example found."""

    split: str
    sample: Sample
    problems: list[Problem] = dataclasses.field(default_factory=list)
    size: tuple[int, int] | None = None  # height, width of the mask; None if it cannot be read
    histogram: np.ndarray | None = None  # int64 [256], pixels of each id of the mask, if it has any
    ids: frozenset[int] = frozenset()
    is_binary: bool = False  # whether the mask's file holds 0 and 255 only, and both
    digest: bytes | None = None  # of the image's file
    is_suspect: bool = False  # libjpeg complained meanwhile, perhaps of another image
    colors: UsedColors | None = None  # of the mask's indices; None where they say nothing
    ramps: Ramps = blending.NOTHING  # between the values in the mask's file
    encoded: Encoded | None = None  # the record, if one was asked for and can be made

    @property
    def has_error(self) -> bool:
        return any(problem.severity == ERROR for problem in self.problems)

    def report(self, severity: str, kind: str, message: str, path: str) -> None:
        """Adds a problem; a message that begins with the path, or with a file's, loses it."""
        for known in (path, printable(path), *self.sample.paths):
            message = message.removeprefix(f"{known}: ").removeprefix(f"{known} is ")
        self.problems.append(Problem(severity, kind, message, path, self.split, self.sample.name))

    def report_binary(self, severity: str) -> None:
        """Adds the problem of a mask of 0 and 255 only."""
        message = (
            "the mask holds only 0 and 255, and 255 means 'ignored', so its objects would never be "
            "learned. If 255 is the object, say so with --mask_values=0:0,255:1, or write 1 where "
            "it has 255: ids count from 0. Such a mask looks black, and that is right."
        )
        self.report(severity, "binary", message, self.sample.places[1])

    def report_damage(self, damage: str) -> None:
        """Adds the problem of a JPEG that is damaged inside."""
        self.report(*image_checks.damaged(damage), self.sample.places[0])


def examine(
    source: Source,
    split: str,
    sample: Sample,
    listener: DamageListener,
    encoder: SegmentationEncoder | None = None,
) -> Finding:
    """Reads one example and reports what is wrong with it.

    Args:
      listener: decodes as training does.
      encoder: makes the record, if nothing is wrong, of what was read; None for no record.
    """
    finding = Finding(split, sample)
    ids = None
    if not sample.needs_image or os.path.isfile(sample.image_path):
        mask = _read(
            finding,
            sample.mask_path,
            sample.places[1],
            f"there is no mask for the image {sample.image_path}. Add it, or remove the image.",
            sample.read_mask,
        )
        if mask is not None:
            ids = _examine_mask(source, mask, finding)
    with_pixels = encoder is not None and encoder.with_gradient and not finding.has_error
    image, was_heard = listener.hear(
        lambda: _read(
            finding,
            sample.image_path,
            sample.places[0],
            sample.describe_missing_image(),
            lambda: decoding.decode_image(
                sample.places[0],
                finding.size,
                with_pixels=with_pixels,
                trust_kept=True,
                data=sample.read_image_file(),
            ),
        )
    )
    if image is not None:
        _examine_image(image, finding, listener, was_heard)
    if encoder is not None and image is not None and ids is not None and not finding.has_error:
        assert finding.histogram is not None
        # What the conversion finds is told when it reads the example itself.
        with contextlib.suppress(OSError, ValueError):
            stored = decoding.to_store(image, sample.places[0], finding.size, with_pixels)
            finding.encoded = encoder.encode_read(sample, stored, ids, finding.histogram)
    return finding


def _read(
    finding: Finding, path: str, place: str, missing: str, read: Callable[[], _T]
) -> _T | None:
    """Reads what is at a place in a file, or reports why that is not possible."""
    if not os.path.isfile(path):
        finding.report(ERROR, "missing", image_checks.describe_other(path) or missing, path)
        return None
    try:
        return read()
    except UnreadableImageError:
        return None  # It is reported where the image itself is read.
    except (OSError, ValueError) as error:
        finding.report(ERROR, "unreadable", str(error), place)
        return None


def _examine_mask(source: Source, mask: RawMask, finding: Finding) -> np.ndarray | None:
    """Returns the class ids of a mask, uint8 [height, width], if they can be told."""
    path = finding.sample.places[1]
    finding.size = mask.values.shape[:2]
    has_bytes = mask.values.dtype == np.uint8 and not mask.is_colored
    counts = count_ids(mask.values) if has_bytes else None
    finding.colors = palette_agreement.used_colors(mask, counts)
    finding.ramps = _find_ramps(source, mask)
    try:
        mask_ids = source.mask_format.decode(mask)
    except ValueError as error:
        kind = "ids" if source.mask_format.values is not None else "unreadable"
        if mask.is_colored and mask.lossy_format is None:
            kind = "colors"
        finding.report(ERROR, kind, str(error), path)
        return None
    if counts is None or mask_ids is not mask.values:
        counts = count_ids(mask_ids)
    finding.histogram = counts
    ids = finding.ids = frozenset(np.flatnonzero(finding.histogram).tolist())
    finding.is_binary = _is_binary(source, mask, ids)
    if finding.is_binary and source.ignore_label != 255:
        finding.report_binary(ERROR)
        return None
    unknown = source.describe_unknown_ids(finding.histogram)
    if unknown is not None:
        finding.report(ERROR, "ids", unknown, path)
    if ids == {source.ignore_label}:
        message = "every pixel is ignored, so nothing can be learned from it."
        finding.report(WARNING, "unlabelled", message, path)
    if mask.palette is not None and source.mask_format.colors is not None:
        _compare_palette(source, mask.palette, source.mask_format.colors, finding)
    return mask_ids


def _find_ramps(source: Source, mask: RawMask) -> Ramps:
    """Looks for blended values, unless the mask's values are no ids or are known to be blurred."""
    if mask.is_drawn or mask.lossy_format is not None or mask.values.dtype != np.uint8:
        return blending.NOTHING
    if not mask.is_colored:
        return blending.find_ramps(mask.values)
    if source.mask_format.colors is None:  # Gray values in three channels, or an error.
        return blending.find_ramps(mask.values[..., 1])
    return blending.NOTHING


def _is_binary(source: Source, mask: RawMask, ids: frozenset[int]) -> bool:
    """Whether the file itself holds 0 and 255 only; decoded colors and mapped ids are no slip."""
    mask_format = source.mask_format
    is_decoded = mask.is_drawn or mask_format.id_map or (mask.is_colored and mask_format.colors)
    return not is_decoded and mask_format.values is None and ids == BINARY_IDS


def _compare_palette(
    source: Source, palette: np.ndarray, ids_of_colors: Mapping[Color, int], finding: Finding
) -> None:
    """Compares the colors in a palette mask with the classes' colors; reports the first."""
    used = [i for i in sorted(finding.ids) if i < min(len(palette), source.num_classes)]
    colors = {i: tuple(palette[i].tolist()) for i in used}
    wrong = next((i for i in used if colors[i] != source.palette[i]), None)
    # A gray ramp says nothing about classes.
    if wrong is None or all(colors[i] == (i, i, i) for i in used):
        return
    color = colors[wrong]
    text = (
        f"index {wrong} is painted {color}, but class {wrong} ({source.class_names[wrong]}) is "
        f"{source.palette[wrong]}"
    )
    other = ids_of_colors.get(color)
    if other is None:
        severity, text = WARNING, f"{text}. The index is taken as the id: check that it is right."
    else:
        severity = ERROR
        text += (
            f"; {color} stands for id {other}. The index is the id, so the file's palette has "
            "another order than the classes: save the mask as RGB, which is read by its colors, or "
            "reorder the palette."
        )
    finding.report(severity, "palette", text, finding.sample.places[1])


def _examine_image(
    image: DecodedImage, finding: Finding, listener: DamageListener, was_heard: bool
) -> None:
    path = finding.sample.places[0]
    found = image_checks.examine(image, listener, was_heard)
    finding.digest, finding.is_suspect = found.digest, found.is_suspect
    for complaint in found.complaints:
        finding.report(*complaint, path)
    if finding.size is not None and image.size != finding.size:
        message = describe_sizes(finding.sample, image.size, finding.size)
        finding.report(ERROR, "size", message, finding.sample.places[1])
    if image.orientation != 1:
        outcome = (
            "it is turned upright; check that its mask is drawn on the upright image"
            if image.is_turned
            else "it is left as it is stored, because so is its mask"
        )
        message = f"carries EXIF orientation {image.orientation}: {outcome}."
        finding.report(WARNING, "orientation", message, path)
