"""What may be scored of a checkpoint besides its confusion matrix; each costs time of its own."""

import dataclasses
from collections.abc import Iterator

from datasets.segmentation.specs import DatasetSpec
from deeplab.evaluation.boundaries import BoundaryCounts
from deeplab.evaluation.calibration import Calibration
from deeplab.evaluation.evaluator import Collector
from deeplab.evaluation.image_scores import ImageScores


@dataclasses.dataclass(frozen=True)
class Details:
    """Collectors of a checkpoint's details; None for what is not asked for.

    Attributes:
      boundaries: outlines of classes.
      calibration: what probabilities are worth; the evaluator has to be opened with_probabilities.
      images: scores of single images.
    """

    boundaries: BoundaryCounts | None = None
    calibration: Calibration | None = None
    images: ImageScores | None = None

    @classmethod
    def of(
        cls, spec: DatasetSpec, *, boundaries: bool, calibration: bool, images: bool
    ) -> "Details":
        """Returns those that are asked for, for a dataset."""
        return cls(
            BoundaryCounts(spec.num_classes, spec.ignore_label) if boundaries else None,
            Calibration() if calibration else None,
            ImageScores(spec.num_classes, spec.ignore_label) if images else None,
        )

    def collectors(self) -> Iterator[Collector]:
        """Yields those that are asked for, for `Evaluator.score`."""
        for each in (self.boundaries, self.calibration, self.images):
            if each is not None:
                yield each
