"""Mean IoU as what checkpoints are compared by: during training (`training.validation`) and after.

Both score a checkpoint in the same way, so that one is better than the other whoever scored it.
"""

import math
from collections.abc import Sequence
from typing import Any

from datasets.segmentation.specs import DatasetSpec
from deeplab.data import crop_sizes
from deeplab.evaluation.evaluator import Evaluation, Evaluator
from deeplab.evaluation.metrics import Metrics
from deeplab.options import InputOptions, ModelOptions
from deeplab.run_description import RunDescription
from training import ema
from training.validation import Score

METRIC = "miou"
# Only its scores count: a checkpoint chosen by its score on a test split has seen the test.
SPLIT = "val"


class SegmentationValidator:
    """See `training.validation.Validator`.

    Args:
      spec: the dataset, whose split val is scored.
      description: the network as it is trained.
      input_memory_mb: see `InputOptions`.
      uses_averages: whether the moving averages of the weights are scored.

    Raises:
      ValueError: there is no such split, or it is damaged.
    """

    def __init__(
        self,
        spec: DatasetSpec,
        description: RunDescription,
        input_memory_mb: int,
        uses_averages: bool,
    ):
        model_options = description.model
        self._spec, self._model_options = spec, model_options
        crop_size = crop_sizes.smallest(spec, [SPLIT], model_options.output_stride, description)
        self._inputs = InputOptions(
            crop_size=crop_size, input_memory_mb=input_memory_mb, **description.resize_values()
        )
        self._uses_averages = uses_averages
        self._evaluator = Evaluator(spec, SPLIT, model_options, self._inputs)

    def score(self, checkpoint: str) -> Score:
        """Scores a checkpoint; see `training.validation.Validator`."""
        names = ema.saved_names(checkpoint) if self._uses_averages else {}
        self._evaluator.restore(checkpoint, names)
        evaluation = self._evaluator.score()
        metrics = evaluation.metrics
        return Score(
            METRIC,
            metrics.mean_iou,
            conditions(self._spec, evaluation, self._inputs, self._model_options, (1.0,), False),
            use_ema=self._uses_averages,
            text=f"{_worded(metrics)} ({evaluation.num_images} images, {evaluation.seconds:.1f} s)",
            scalars={METRIC: metrics.mean_iou, "pixel_accuracy": metrics.pixel_accuracy},
        )

    def close(self) -> None:
        """Frees the evaluator's session."""
        self._evaluator.close()


def _worded(metrics: Metrics) -> str:
    if math.isnan(metrics.mean_iou):
        return "no score, because every label of the split is the ignore label"
    return f"mean IoU {metrics.mean_iou:.4f}, pixel accuracy {metrics.pixel_accuracy:.4f}"


def conditions(
    spec: DatasetSpec,
    evaluation: Evaluation,
    inputs: InputOptions,
    model_options: ModelOptions,
    scales: Sequence[float],
    add_flipped: bool,
) -> dict[str, Any]:
    """Returns how a mean IoU was taken: scores are compared where all of this is equal."""
    return {
        "dataset": spec.name,
        "split": evaluation.split,
        "num_pictures": evaluation.num_images,
        **seen_as(inputs, scales, add_flipped),
        "output_stride": model_options.output_stride,
        "atrous_rates": model_options.atrous_rates,
    }


def seen_as(inputs: InputOptions, scales: Sequence[float], add_flipped: bool) -> dict[str, Any]:
    """Returns how the network saw the images."""
    return {
        "eval_crop_size": inputs.crop_size,
        **inputs.resize_values(),
        "eval_scales": scales,
        "add_flipped_images": add_flipped,
    }
