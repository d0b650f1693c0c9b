"""Reads the images of all examples of a dataset, on all cores, and reports what is wrong with them.

What a task asks of its examples besides, it adds itself.
"""

import contextlib
import dataclasses
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Generic, TypeVar

from common.texts import printable
from datasets.images import decoding, image_checks
from datasets.images.jpeg_damage import DamageListener
from datasets.images.memory_limit import MemoryLimit, count_pixels
from datasets.records import workers
from datasets.records.encoder import Sample
from datasets.records.problems import ERROR, WARNING, Problem

SampleT = TypeVar("SampleT", bound=Sample)


@dataclasses.dataclass
class Finding(Generic[SampleT]):
    """What the examination of one example found."""

    split: str
    sample: SampleT
    problems: list[Problem] = dataclasses.field(default_factory=list)
    size: tuple[int, int] = (0, 0)  # height, width of the image as records have it
    digest: bytes | None = None  # of its file; None if it cannot be read
    is_suspect: bool = False  # libjpeg complained meanwhile, perhaps of another image

    @property
    def has_error(self) -> bool:
        return any(problem.severity == ERROR for problem in self.problems)

    def report(self, severity: str, kind: str, message: str) -> None:
        """Adds a problem; a message that begins with the path loses it."""
        path = self.sample.paths[0]
        message = message.removeprefix(f"{path}: ").removeprefix(f"{printable(path)}: ")
        self.problems.append(Problem(severity, kind, message, path, self.split, self.sample.name))


def examine_all(
    splits: Mapping[str, Sequence[SampleT]],
    examine: Callable[[Finding[SampleT]], object],
    num_workers: int | None,
    show_progress: bool,
    memory_limit: MemoryLimit,
) -> Iterator[Finding[SampleT]]:
    """Examines all examples, and yields what was found in their order.

    Args:
      splits: examples of each split.
      examine: adds to a finding what it finds, in any thread; such as `examine_file`.
      num_workers: threads; None for one per core.
      show_progress: whether a bar shows how far it is.
      memory_limit: what the images in work may take together; one that alone takes more is an
        error.
    """

    def examined(finding: Finding[SampleT]) -> Finding[SampleT]:
        examine(finding)
        return finding

    def refuse(finding: Finding[SampleT], pixels: int) -> Finding[SampleT]:
        message = memory_limit.describe_excess(pixels, finding.sample.paths[0])[1]
        finding.report(ERROR, "memory", message)
        return finding

    yield from workers.map_in_order(
        examined,
        [Finding(split, sample) for split, samples in splits.items() for sample in samples],
        description="checking",
        num_workers=num_workers,
        show_progress=show_progress,
        limit=workers.WeightLimit(
            weigh=lambda finding: count_pixels(*finding.sample.paths),
            max_weight=memory_limit.max_pixels,
            refuse=refuse,
        ),
    )


def examine_file(finding: Finding, listener: DamageListener) -> None:
    """Reads the image file of an example and reports what is wrong with it."""
    path = finding.sample.paths[0]
    if not os.path.isfile(path):
        other = image_checks.describe_other(path)
        message = other or "there is no such file. Add it, or remove it from the list."
        finding.report(ERROR, "missing", message)
        return
    try:
        image = decoding.decode_image(path, with_pixels=False, trust_kept=True)
    except (OSError, ValueError) as error:
        finding.report(ERROR, "unreadable", str(error))
        return
    finding.size = image.size
    found = image_checks.examine(image, listener)
    finding.digest, finding.is_suspect = found.digest, found.is_suspect
    for complaint in found.complaints:
        finding.report(*complaint)
    if image.is_turned:
        message = f"carries EXIF orientation {image.orientation}: it is turned upright."
        finding.report(WARNING, "orientation", message)


def describe_suspects(findings: Iterable[Finding], listener: DamageListener) -> Iterator[Problem]:
    """Decodes the images of findings by themselves, and yields what libjpeg says."""
    for finding in findings:
        path, damage = finding.sample.paths[0], None
        with contextlib.suppress(OSError), open(path, "rb") as file:
            damage = listener.describe_damage(file.read())
        if damage is not None:
            alone = Finding(finding.split, finding.sample)
            alone.report(*image_checks.damaged(damage))
            yield from alone.problems
