"""Tells the classes of a folder from its masks, where no class file names them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from common.texts import first_few
from datasets.records import workers
from datasets.segmentation.masks import blending, mask_values
from datasets.segmentation.masks.blending import Blending, Ramps
from datasets.segmentation.masks.mask_format import MaskFormat, read_raw_mask
from datasets.segmentation.sources import class_file
from datasets.segmentation.sources.class_file import ClassFile
from datasets.segmentation.sources.source import Sample


class _Contents(NamedTuple):
    """What one mask holds: its ids, and the ramps between them."""

    ids: Sequence[int]
    ramps: Ramps


def count_classes(
    samples: Sequence[Sample], data_dir: str, values: Mapping[int, int] | None = None
) -> ClassFile:
    """Tells the classes from the ids in the masks, or from the mapping of their values.

    Masks that cannot be read are passed over: `datasets.segmentation.checks` reports them.

    Args:
      samples: the examples.
      data_dir: the folder, for errors.
      values: class id of each value in the masks; None where the values are the ids.

    Raises:
      ValueError: masks are colored, the ids come from blending, most ids up to the largest never
        occur, or the mapping leaves out ids.
    """
    ignore_label = class_file.DEFAULT_IGNORE_LABEL
    if values is not None:
        mask_values.check(values, None, ignore_label)
        return _unnamed_classes(len(set(values.values()) - {ignore_label}))
    ids: set[int] = set()
    ramps = blending.NOTHING
    for contents in workers.map_in_order(_read, samples, description="counting classes"):
        ids.update(contents.ids)
        ramps += contents.ramps
    blended = blending.judge(ramps)
    if blended is not None and blended.kind in (blending.RAMP, blending.RIM):
        raise ValueError(f"the masks of {data_dir!r}: {describe_blending(blended)}")
    classes = ids - {ignore_label}
    num_classes = max(classes, default=0) + 1
    if num_classes > 2 * max(len(classes), 1):
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
    return _unnamed_classes(num_classes)


def describe_blending(blended: Blending) -> str:
    """Says what is wrong with masks whose ids come from blending, and how to fix it."""
    named = first_few(blended.ids)
    if blended.kind == blending.RAMP:
        regions = f" between {first_few(blended.regions)}" if blended.regions else ""
        return (
            f"{len(blended.ids)} ids ({named}) occur only in ramps along borders{regions}, so they "
            "are blends of other ids: the masks were resized smoothly, drawn with soft borders, or "
            "saved as JPEG once. Export them again, and resize with nearest neighbor only. (If "
            "they are thin layers all the same, name the classes in classes.json and build with "
            "--nocheck.)"
        )
    if blended.kind == blending.RIM:
        return (
            f"ids {named} occur only in thin rims between regions of other ids, as they do when "
            "masks are resized smoothly or saved as JPEG. Export the masks again, and resize with "
            "nearest neighbor only; if these ids are outlines, name the classes in classes.json."
        )
    if blended.kind == blending.SPECKS:
        return (
            f"ids {named} occur only in specks of a pixel or two beside ids next to them, as they "
            "do in masks that were saved as JPEG once. Look at them; if they are no objects, "
            "export the masks again as PNG."
        )
    return (
        f"most runs of the ids {named} are thin and lie between a lower and a higher id, as at "
        "borders of masks that were resized smoothly or saved as JPEG. Look at the borders of "
        "regions; if they are blended, export the masks again and resize with nearest neighbor."
    )


def _read(sample: Sample) -> _Contents:
    try:
        mask = read_raw_mask(sample.mask_path)
    except (OSError, ValueError):
        return _Contents((), blending.NOTHING)
    if mask.lossy_format is not None or mask.values.dtype != np.uint8:
        return _Contents((), blending.NOTHING)
    ids = MaskFormat().decode(mask)
    return _Contents(np.unique(ids).tolist(), blending.find_ramps(ids))


def _unnamed_classes(count: int) -> ClassFile:
    return ClassFile(tuple(f"class_{class_id}" for class_id in range(count)))
