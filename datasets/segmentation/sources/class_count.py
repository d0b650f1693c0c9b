"""Finds the classes of a folder from its masks, where no class file names them.

Masks of ids have as many classes as the largest id says. Masks of two values that are far apart,
such as 0 and 255, or of a few that lie apart, are what drawing programs write: each value is a
class, from the smallest on. Masks of a few colors have a class for each color.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from common.texts import first_few
from datasets.records import workers
from datasets.records.problems import WARNING, Problem
from datasets.segmentation.masks import blending, mask_values
from datasets.segmentation.masks.blending import Ramps
from datasets.segmentation.masks.mask_format import Color, MaskFormat, color_codes
from datasets.segmentation.masks.raw_mask import RawMask
from datasets.segmentation.sources.class_file import DEFAULT_IGNORE_LABEL, ClassFile
from datasets.segmentation.sources.source import Sample

_BINARY = frozenset({0, 255})
# Masks that were blurred have colors without number.
_MAX_COLORS = 64
# Regions of a color have more pixels than that in the mean.
_MIN_PIXELS = 16
_BLACK = 0
# The border of things in masks of PASCAL VOC.
_VOC_VOID: Color = (224, 224, 192)
# JPEG moves values by a few levels: two that are this near to 0 or 255 are these.
_NEAR, _CLEAR_SHARE = 48, 0.98
# Nobody draws with grays so dark that they look alike: smaller values are numbers of classes.
_FIRST_GRAY = 32


@dataclasses.dataclass(frozen=True)
class FoundClasses:
    """Classes that nobody has named.

    Attributes:
      classes: with a color each where the masks are colored.
      values: the class id of each value in the masks; None where the values are the ids.
      problems: what was assumed.
    """

    classes: ClassFile
    values: Mapping[int, int] | None = None
    problems: tuple[Problem, ...] = ()


@dataclasses.dataclass(frozen=True)
class _Seen:
    """What a mask holds.

    Attributes:
      ids: gray values, and indices of palettes.
      ramps: between them.
      colors: of a file with three channels, as numbers; too many of them where they are blended.
    """

    ids: Sequence[int] = ()
    ramps: Ramps = blending.NOTHING
    colors: Sequence[int] = ()


def find_classes(
    samples: Sequence[Sample], data_dir: str, values: Mapping[int, int] | None = None
) -> FoundClasses:
    """Finds the classes from the values in the masks, or from a mapping of values to ids.

    Masks that cannot be read are skipped: `datasets.segmentation.checks` reports them.

    Raises:
      ValueError: the ids come from blending, most ids up to a large one never occur, there are too
        many colors, or the mapping leaves out ids.
    """
    if values is not None:
        mask_values.check(values, None, DEFAULT_IGNORE_LABEL)
        count = len(set(values.values()) - {DEFAULT_IGNORE_LABEL})
        return FoundClasses(_unnamed_classes(count), values)
    ids: set[int] = set()
    colors: set[int] = set()
    ids_of_gray_files: set[int] = set()
    ramps = blending.NOTHING
    for seen in workers.map_in_order(_read, samples, description="counting classes"):
        ids.update(seen.ids)
        ramps += seen.ramps
        if not seen.colors:
            ids_of_gray_files.update(seen.ids)
        elif len(colors) <= _MAX_COLORS:
            colors.update(seen.colors)
    is_colored = not all(map(_is_gray, colors))
    if is_colored and len(colors) <= _MAX_COLORS and ids_of_gray_files <= {_BLACK}:
        return _of_colors(colors | ids_of_gray_files, data_dir)
    blended = blending.judge(ramps)
    if blended is not None and blended.kind in (blending.RAMP, blending.RIM):
        raise ValueError(f"the masks of {data_dir!r}: {blended.describe()}")
    return _of_values(ids, data_dir)


def _of_values(ids: set[int], data_dir: str) -> FoundClasses:
    classes = ids - {DEFAULT_IGNORE_LABEL}
    num_classes = max(classes, default=0) + 1
    if ids != _BINARY and num_classes <= 2 * max(len(classes), 1):
        return FoundClasses(_unnamed_classes(num_classes))
    # Of three values or more, 255 may be a class or what is ignored.
    is_sure = ids == _BINARY or DEFAULT_IGNORE_LABEL not in ids
    mapping = mask_values.suggest_mapping(ids)
    if mapping is not None and is_sure:
        flag = mask_values.suggest(ids)
        message = (
            f"the masks hold only the values {first_few(sorted(ids), 12)}, and each is taken for a "
            f"class, as with {flag}. Give that flag with other ids where they mean something else, "
            "or name the classes in classes.json."
        )
        problem = Problem(WARNING, "values", message, data_dir)
        return FoundClasses(_unnamed_classes(len(mapping)), mapping, (problem,))
    if num_classes <= _FIRST_GRAY:
        message = (
            f"the masks hold only the ids {first_few(sorted(ids), 12)}, and are taken for masks of "
            f"the {num_classes} classes 0 to {num_classes - 1}, most of which never occur. Name "
            "the classes in classes.json."
        )
        problem = Problem(WARNING, "values", message, data_dir)
        return FoundClasses(_unnamed_classes(num_classes), problems=(problem,))
    flag = mask_values.suggest(ids)
    advice = (
        f"Say which class each value is, such as {flag} (255 is ignored where it stays 255)"
        if flag
        else "Ids close to each other, such as 0 and 1 or 254 and 255, come from masks that "
        "were resized smoothly or saved as JPEG: export those again. Else number the classes "
        "0, 1, 2, …"
    )
    raise ValueError(
        f"the masks of {data_dir!r} hold the ids {first_few(sorted(ids), 12)}, so most "
        f"ids up to {num_classes - 1} never occur. {advice}; or, if the ids are meant so, name "
        "them in classes.json."
    )


def _of_colors(codes: set[int], data_dir: str) -> FoundClasses:
    """Makes a class of each color: black first, then by their numbers."""
    palette: list[Color] = [(code >> 16, code >> 8 & 255, code & 255) for code in sorted(codes)]
    ignored = tuple(color for color in palette if color == _VOC_VOID)
    shown = [color for color in palette if color not in ignored]
    names = tuple("#" + bytes(color).hex() for color in shown)
    message = (
        f"the masks are colored and nothing names the colors, so each is taken for a class: "
        f"{first_few(names, 12)}. Name them in classes.json, with 'names' and 'palette'."
    )
    classes = ClassFile(names, tuple(shown), ignore_palette=ignored)
    return FoundClasses(classes, problems=(Problem(WARNING, "colors", message, data_dir),))


def _read(sample: Sample) -> _Seen:
    """Returns what a mask holds; nothing of one that cannot be read, or holds no ids."""
    try:
        mask = sample.read_mask()
    except (OSError, ValueError):
        return _Seen()
    if mask.lossy_format is not None:
        return _Seen(ids=_binary_ids(mask))
    if mask.values.dtype != np.uint8:
        return _Seen()
    colors: Sequence[int] = ()
    if mask.is_colored:
        codes = color_codes(mask.values)
        colors = np.unique(codes).tolist()
        if len(colors) * _MIN_PIXELS > codes.size:
            colors = range(_MAX_COLORS + 1)
        if not all(map(_is_gray, colors)):
            return _Seen(colors=colors)
    ids = MaskFormat().decode(mask)
    return _Seen(np.unique(ids).tolist(), blending.find_ramps(ids), colors)


def _is_gray(code: int) -> bool:
    return code >> 16 == code >> 8 & 255 == code & 255


def _binary_ids(mask: RawMask) -> Sequence[int]:
    """Returns 0 and 255 if a lossy mask holds nothing else but their noise."""
    gray = mask.values[..., 1] if mask.is_colored else mask.values
    is_low, is_high = gray < _NEAR, gray > 255 - _NEAR
    if np.mean(is_low | is_high) < _CLEAR_SHARE:
        return ()
    return [value for value, found in ((0, is_low.any()), (255, is_high.any())) if found]


def _unnamed_classes(count: int) -> ClassFile:
    return ClassFile(tuple(f"class_{class_id}" for class_id in range(count)))
