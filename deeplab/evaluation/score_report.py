"""Reports of an evaluation: a table for people, JSON for programs, and TensorBoard."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from common import json_files
from common.texts import first_few, percent, printable
from deeplab.evaluation.details import Details
from deeplab.evaluation.evaluator import Evaluation
from training import summaries

FORMAT_VERSION = 1
# Of the mean IoU of one class everywhere: a few stray pixels of others make this much.
_HARDLY_BETTER = 1.05


def format_table(
    evaluation: Evaluation, class_names: Sequence[str], details: Details | None = None
) -> str:
    """Formats the scores as a table with a line for each class, and warns of useless networks."""
    scores, details = evaluation.metrics, details or Details()
    class_names = [printable(name) for name in class_names]
    width = max(len("class"), *map(len, class_names))
    total = max(int(evaluation.confusion.sum()), 1)
    outlines = None if details.boundaries is None else details.boundaries.class_iou().tolist()
    head = f"{'id':>4}  {'class':<{width}}  {'IoU':>7}  {'recall':>7}  {'of pixels':>9}"
    lines = [head if outlines is None else f"{head}  {'boundary IoU':>12}"]
    for index, name in enumerate(class_names):
        share = evaluation.confusion[index].sum() / total
        line = (
            f"{index:>4}  {name:<{width}}  {percent(scores.class_iou[index]):>7}  "
            f"{percent(scores.class_accuracy[index]):>7}  {percent(share):>9}"
        )
        lines.append(line if outlines is None else f"{line}  {percent(outlines[index]):>12}")
    lines.append(
        f"mean IoU {percent(scores.mean_iou)}, pixel accuracy {percent(scores.pixel_accuracy)}, "
        f"mean accuracy {percent(scores.mean_accuracy)} on {evaluation.num_images} images of "
        f"{evaluation.split!r} at step {evaluation.step} ({evaluation.seconds:.0f} s)"
    )
    if details.boundaries is not None:
        lines.append(f"mean boundary IoU {percent(details.boundaries.mean_iou())}")
    if details.calibration is not None:
        lines.append(
            f"expected calibration error {percent(details.calibration.expected_error())}, mean "
            f"confidence {percent(details.calibration.mean_confidence())}"
        )
    if scores.absent_classes:
        absent = first_few((class_names[index] for index in scores.absent_classes), 20)
        lines.append(f"left out of the mean, absent from labels and predictions: {absent}")
    reason = warning(evaluation, class_names)
    return "\n".join([*lines, f"WARNING: {reason}"] if reason else lines)


def format_comparison(
    scored: Sequence[tuple[str, Evaluation, Details]], class_names: Sequence[str]
) -> str:
    """Formats the scores of several checkpoints as one table, with a column for each.

    Args:
      scored: of each checkpoint what it is called, its scores and their details.
      class_names: of the dataset.
    """
    names = [printable(name) for name in class_names]
    rows = [("mean IoU", [each.metrics.mean_iou for _, each, _ in scored])]
    rows.append(("pixel accuracy", [each.metrics.pixel_accuracy for _, each, _ in scored]))
    outlines = [details.boundaries for _, _, details in scored if details.boundaries is not None]
    if outlines:
        rows.append(("mean boundary IoU", [each.mean_iou() for each in outlines]))
    errors = [details.calibration for _, _, details in scored if details.calibration is not None]
    if errors:
        rows.append(("calibration error", [each.expected_error() for each in errors]))
    for index, name in enumerate(names):
        rows.append((name, [each.metrics.class_iou[index] for _, each, _ in scored]))
    width = max(len(name) for name, _ in rows)
    lines = [f"[{number}] {printable(title)}" for number, (title, _, _) in enumerate(scored, 1)]
    heads = "".join(f"{f'[{number}]':>10}" for number in range(1, len(scored) + 1))
    lines.append(f"{'':<{width}}{heads}")
    for name, shares in rows:
        lines.append(f"{name:<{width}}{''.join(f'{percent(share):>10}' for share in shares)}")
    return "\n".join(lines)


def warning(evaluation: Evaluation, class_names: Sequence[str]) -> str | None:
    """Returns why a network may have learned nothing, None where it has."""
    scores = evaluation.metrics
    if scores.constant_class is None:
        return (
            f"not one pixel of split {evaluation.split!r} carries a class: every label is the "
            "ignore label, so there is no score. Is it a split without masks, such as a "
            "benchmark's test split? Check with make check-dataset."
        )
    if scores.only_predicted_class is not None:
        return (
            f"every pixel is predicted as {class_names[scores.only_predicted_class]!r}. The "
            "network has not learned, or the masks hold other ids than class ids: train longer, "
            "raise the learning rate, look at make check-dataset and at label_weights."
        )
    if scores.mean_iou <= _HARDLY_BETTER * scores.constant_mean_iou:
        better = "no" if scores.mean_iou <= scores.constant_mean_iou else "hardly"
        return (
            f"calling every pixel {class_names[scores.constant_class]!r} gives the mean "
            f"IoU {percent(scores.constant_mean_iou)}: the network is {better} better."
        )
    return None


def write_json(
    evaluation: Evaluation,
    directory: str,
    *,
    dataset_name: str,
    class_names: Sequence[str],
    options: Mapping[str, Any],
    details: Details | None = None,
) -> str:
    """Writes `eval-STEP.json`, whole or not at all, and returns its path.

    Args:
      evaluation: the scores. What is not defined (NaN) becomes null.
      directory: folder of the file; created if missing.
      dataset_name, class_names: of the dataset; a name for each class id.
      options: how the evaluation was done; JSON's types.
      details: what else was scored.
    """
    scores, details = evaluation.metrics, details or Details()
    content = {
        "format_version": FORMAT_VERSION,
        "dataset": dataset_name,
        "split": evaluation.split,
        "num_pictures": evaluation.num_images,
        "checkpoint": evaluation.checkpoint,
        "step": evaluation.step,
        "miou": json_files.defined(scores.mean_iou),
        "pixel_accuracy": json_files.defined(scores.pixel_accuracy),
        "mean_accuracy": json_files.defined(scores.mean_accuracy),
        "constant_class": scores.constant_class,
        "constant_miou": json_files.defined(scores.constant_mean_iou),
        "only_predicted_class": scores.only_predicted_class,
        "absent_classes": list(scores.absent_classes),
        "classes": [
            {
                "id": index,
                "name": name,
                "iou": json_files.defined(scores.class_iou[index]),
                "accuracy": json_files.defined(scores.class_accuracy[index]),
            }
            for index, name in enumerate(class_names)
        ],
        "confusion_matrix": evaluation.confusion.tolist(),
        **_described(details),
        "options": dict(options),
        "seconds": round(evaluation.seconds, 2),
    }
    os.makedirs(directory, exist_ok=True)
    path = os.path.join(directory, f"eval-{evaluation.step}.json")
    json_files.write(path, content)
    return path


def _described(details: Details) -> dict[str, Any]:
    """Returns the details as JSON has them; those of single images are a table of their own."""
    fields: dict[str, Any] = {}
    if details.boundaries is not None:
        fields["boundary_miou"] = json_files.defined(details.boundaries.mean_iou())
        class_iou = details.boundaries.class_iou().tolist()
        fields["boundary_iou"] = [json_files.defined(share) for share in class_iou]
    if details.calibration is not None:
        calibration = details.calibration
        fields["calibration"] = {
            "expected_error": json_files.defined(calibration.expected_error()),
            "mean_confidence": json_files.defined(calibration.mean_confidence()),
            "bins_pixels": calibration.pixels.tolist(),
            "bins_right": calibration.right.tolist(),
            "bins_confidence": calibration.confidence.tolist(),
        }
    return fields


def write_summaries(
    evaluation: Evaluation, directory: str, *, scales: Sequence[float], add_flipped: bool
) -> None:
    """Writes the scores to an event file for TensorBoard, under research/deeplab's tags.

    Args:
      evaluation: the scores.
      directory: folder of the file; created if missing.
      scales, add_flipped: how the network saw the images; part of the tags.

    Raises:
      OSError: the file cannot be written; the message names it.
    """
    tag = "eval/miou_" + "_".join(map(str, scales)) + ("_flipped" if add_flipped else "")
    scores = evaluation.metrics
    values = {f"{tag}_overall": scores.mean_iou, "eval/pixel_accuracy": scores.pixel_accuracy}
    for index, iou in enumerate(scores.class_iou):
        values[f"{tag}_class_{index}"] = iou
    summaries.write_scalars(directory, values, evaluation.step)
