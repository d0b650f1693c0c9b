"""What is wrong with a dataset, whatever its task."""

import dataclasses

ERROR = "error"
WARNING = "warning"


@dataclasses.dataclass(frozen=True)
class Problem:
    """Something wrong with a dataset.

    Attributes:
      severity: `ERROR` (the example cannot be used as it is) or `WARNING`.
      kind: short name, the same for all problems of one sort, such as "size".
      message: what is wrong and how to fix it, in one line.
      path: the file at fault, or None when the dataset as a whole is.
      split, name: of the example; None where a split or the dataset as a whole is at fault.
    """

    severity: str
    kind: str
    message: str
    path: str | None = None
    split: str | None = None
    name: str | None = None


def unused(path: str, count: int, reason: str) -> Problem:
    """Returns the warning that a number of files is left out, with the reason and punctuation."""
    files = "1 file is" if count == 1 else f"{count} files are"
    return Problem(WARNING, "unused", f"{files} left out{reason}.", path)
