"""Finds the classes of a folder from its masks, where no class file names them."""

from collections.abc import Mapping, Sequence

import numpy as np

from common.texts import first_few
from datasets.records import workers
from datasets.segmentation.masks import blending, mask_values
from datasets.segmentation.masks.blending import Ramps
from datasets.segmentation.masks.mask_format import MaskFormat
from datasets.segmentation.sources.class_file import DEFAULT_IGNORE_LABEL, ClassFile
from datasets.segmentation.sources.source import Sample


def count_classes(
    samples: Sequence[Sample], data_dir: str, values: Mapping[int, int] | None = None
) -> ClassFile:
    """Finds the classes from the ids in the masks, or from the mapping of their values to ids.

    Masks that cannot be read are skipped: `datasets.segmentation.checks` reports them.

    Raises:
      ValueError: masks are colored, the ids come from blending, most ids up to the largest never
        occur, or the mapping leaves out ids.
    """
    if values is not None:
        mask_values.check(values, None, DEFAULT_IGNORE_LABEL)
        return _unnamed_classes(len(set(values.values()) - {DEFAULT_IGNORE_LABEL}))
    ids: set[int] = set()
    ramps = blending.NOTHING
    for found, more in workers.map_in_order(_read, samples, description="counting classes"):
        ids.update(found)
        ramps += more
    blended = blending.judge(ramps)
    if blended is not None and blended.kind in (blending.RAMP, blending.RIM):
        raise ValueError(f"the masks of {data_dir!r}: {blended.describe()}")
    classes = ids - {DEFAULT_IGNORE_LABEL}
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


def _read(sample: Sample) -> tuple[Sequence[int], Ramps]:
    """Returns the ids in a mask and the ramps between them; nothing for a mask without ids."""
    try:
        mask = sample.read_mask()
    except (OSError, ValueError):
        return (), blending.NOTHING
    if mask.lossy_format is not None or mask.values.dtype != np.uint8:
        return (), blending.NOTHING
    ids = MaskFormat().decode(mask)
    return np.unique(ids).tolist(), blending.find_ramps(ids)


def _unnamed_classes(count: int) -> ClassFile:
    return ClassFile(tuple(f"class_{class_id}" for class_id in range(count)))
