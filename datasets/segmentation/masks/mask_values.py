"""`--mask_values`: which class each value of the mask files is, such as `0:0,255:1`.

A mapping names every value that occurs. A value that it does not name is an error, so that an
unexpected value is never taken for a class by chance.
"""

import itertools
from collections.abc import Collection, Mapping, Sequence

MAX_VALUE = 65535  # Mask files have up to 16 bits.
_MAX_ID = 255
_DEFAULT_IGNORE_LABEL = 255
_EXAMPLE = "expected VALUE:ID pairs such as 0:0,255:1"

# Values that a person chose for classes lie apart; those of a blurred mask lie close to each other.
_MIN_GAP = 8
_MAX_SUGGESTED = 12


class MappingError(ValueError):
    """A mapping of values contradicts itself or the classes."""


def parse(text: str) -> dict[int, int]:
    """Reads pairs VALUE:ID with commas between them: the id of each value, sorted by value.

    Raises:
      MappingError: it is no such list, names a value twice, or a number is out of range.
    """
    mapping: dict[int, int] = {}
    for pair in text.split(","):
        value, colon, class_id = (part.strip() for part in pair.partition(":"))
        if not (colon and value.isdecimal() and class_id.isdecimal()):
            raise MappingError(f"{pair.strip()!r} is not a pair of numbers; {_EXAMPLE}.")
        if int(value) > MAX_VALUE or int(class_id) > _MAX_ID:
            raise MappingError(
                f"{pair.strip()!r} is out of range; values are 0..{MAX_VALUE}, ids 0..{_MAX_ID}."
            )
        if int(value) in mapping:
            raise MappingError(f"value {int(value)} is named twice; each value has one id.")
        mapping[int(value)] = int(class_id)
    return dict(sorted(mapping.items()))


def check(mapping: Mapping[int, int], num_classes: int | None, ignore_label: int) -> None:
    """Compares a mapping with the number of classes; None where only the mapping defines it.

    Raises:
      MappingError: it has an id that no class has, or leaves out ids where nothing names them.
    """
    ids = sorted(set(mapping.values()) - {ignore_label})
    if num_classes is not None:
        unknown = [class_id for class_id in ids if class_id >= num_classes]
        if unknown:
            raise MappingError(
                f"mask_values has the id {unknown[0]}, but the {num_classes} classes have the ids "
                f"0 to {num_classes - 1}, and {ignore_label} is ignored."
            )
    elif missing := sorted({*range(max(1, len(ids)))} - {*ids}):
        raise MappingError(
            f"mask_values has the ids {', '.join(map(str, ids)) or 'of no class'}, but not "
            f"{missing[0]}. Number the classes 0, 1, 2, …, or name them in classes.json."
        )


def suggest(
    values: Collection[int],
    num_classes: int | None = None,
    ignore_label: int = _DEFAULT_IGNORE_LABEL,
) -> str | None:
    """Returns the flag that makes classes of the values in a dataset: "--mask_values=0:0,255:1".

    The values have to lie apart, and there have to be as many as classes (None where nothing names
    the classes), not counting the ignore label. Returns None otherwise.
    """
    mapping = suggest_mapping(values, num_classes, ignore_label)
    if mapping is None:
        return None
    return "--mask_values=" + ",".join(f"{value}:{mapping[value]}" for value in sorted(mapping))


def suggest_mapping(
    values: Collection[int],
    num_classes: int | None = None,
    ignore_label: int = _DEFAULT_IGNORE_LABEL,
) -> dict[int, int] | None:
    """Returns the mapping of `suggest`; None where there is none."""
    classes = sorted(values)
    mapping = {}
    if num_classes is not None and len(classes) == num_classes + 1 and ignore_label in classes:
        classes.remove(ignore_label)
        mapping[ignore_label] = ignore_label
    if not _lie_apart(classes) or (num_classes is not None and len(classes) != num_classes):
        return None
    mapping.update((value, class_id) for class_id, value in enumerate(classes))
    return mapping


def _lie_apart(values: Sequence[int]) -> bool:
    gaps = [after - before for before, after in itertools.pairwise(values)]
    return (
        2 <= len(values) <= _MAX_SUGGESTED
        and values[-1] >= len(values)
        and (len(values) == 2 or min(gaps) >= _MIN_GAP)
    )
