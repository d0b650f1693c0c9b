"""Reports of an evaluation: a table for people, JSON for programs, and TensorBoard."""

import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from classification.evaluation.evaluator import Evaluation
from common import json_files
from common.texts import first_few, percent, printable
from training import summaries

FORMAT_VERSION = 1
# Of many classes, as ImageNet has, the table shows those with the lowest recall.
_MOST_ROWS = 40
_MOST_CONFUSIONS = 5


def format_table(evaluation: Evaluation, class_names: Sequence[str]) -> str:
    """Formats the scores as a table with a line for each class, and warns of useless networks."""
    scores = evaluation.metrics
    names = [printable(name) for name in class_names]
    shown = list(range(len(names)))
    if len(shown) > _MOST_ROWS:
        worst = np.argsort(np.nan_to_num(scores.recall, nan=math.inf), kind="stable")
        shown = sorted(worst[:_MOST_ROWS].tolist())
    width = max([len("class"), *(len(names[index]) for index in shown)])
    lines = [f"{'id':>4}  {'class':<{width}}  {'recall':>7}  {'precision':>9}  {'images':>6}"]
    lines += [
        f"{index:>4}  {names[index]:<{width}}  {percent(scores.recall[index]):>7}  "
        f"{percent(scores.precision[index]):>9}  {scores.support[index]:>6}"
        for index in shown
    ]
    if len(shown) < len(names):
        lines.append(f"(the {len(shown)} classes of lowest recall, of {len(names)})")
    lines += _confusions(evaluation.confusion, names)
    lines.append(
        f"top-1 {percent(scores.accuracy)}, top-5 {percent(scores.top_5)}, mean recall "
        f"{percent(scores.mean_recall)}, cross entropy {scores.cross_entropy:.4f} on "
        f"{evaluation.num_images} images of {evaluation.split!r} at step {evaluation.step} "
        f"({evaluation.seconds:.0f} s)"
    )
    warnings = filter(None, [_describe_failure(evaluation, names), evaluation.warning()])
    return "\n".join([*lines, *(f"WARNING: {warning}" for warning in warnings)])


def _confusions(confusion: np.ndarray, names: Sequence[str]) -> list[str]:
    """Returns a line that names the commonest confusions; none where there are none."""
    wrong = confusion * (1 - np.eye(len(names), dtype=np.int64))
    order = np.argsort(-wrong, axis=None, kind="stable")[:_MOST_CONFUSIONS]
    pairs = [divmod(int(place), len(names)) for place in order]
    told = [
        f"{names[label]} as {names[predicted]} ({wrong[label, predicted]})"
        for label, predicted in pairs
        if wrong[label, predicted]
    ]
    return [f"confused most often: {', '.join(told)}"] if told else []


def _describe_failure(evaluation: Evaluation, names: Sequence[str]) -> str | None:
    """Returns why a network may have learned nothing, None where it has."""
    predicted = np.flatnonzero(evaluation.confusion.sum(axis=0))
    commonest = int(evaluation.metrics.support.argmax())
    share = evaluation.metrics.support[commonest] / max(1, evaluation.num_images)
    if len(predicted) == 1 and share < 1:
        return (
            f"every image is predicted as {names[predicted[0]]!r}. The network has not learned: "
            "train longer, or change the learning rate."
        )
    if evaluation.metrics.accuracy <= share < 1:
        return (
            f"calling every image {names[commonest]!r} is right for {percent(share)}: the network "
            "is no better."
        )
    return None


def write_json(
    evaluation: Evaluation,
    directory: str,
    *,
    dataset_name: str,
    class_names: Sequence[str],
    options: Mapping[str, Any],
) -> str:
    """Writes `eval-STEP.json`, whole or not at all, and returns its path.

    Args:
      evaluation: the scores. What is not defined (NaN) becomes null.
      directory: folder of the file; created if missing.
      dataset_name, class_names: of the dataset; a name for each class id of the network.
      options: how the evaluation was done; JSON's types.
    """
    scores = evaluation.metrics
    content = {
        "format_version": FORMAT_VERSION,
        "dataset": dataset_name,
        "split": evaluation.split,
        "num_images": evaluation.num_images,
        "checkpoint": evaluation.checkpoint,
        "step": evaluation.step,
        "accuracy": json_files.defined(scores.accuracy),
        "top_5": json_files.defined(scores.top_5),
        "mean_recall": json_files.defined(scores.mean_recall),
        "cross_entropy": json_files.defined(scores.cross_entropy),
        "batch_statistics_accuracy": evaluation.batch_statistics_accuracy,
        "classes": [
            {
                "id": index,
                "name": name,
                "recall": json_files.defined(scores.recall[index]),
                "precision": json_files.defined(scores.precision[index]),
                "images": int(scores.support[index]),
            }
            for index, name in enumerate(class_names)
        ],
        "confusion_matrix": evaluation.confusion.tolist(),
        "options": dict(options),
        "seconds": round(evaluation.seconds, 2),
    }
    os.makedirs(directory, exist_ok=True)
    path = os.path.join(directory, f"eval-{evaluation.step}.json")
    json_files.write(path, content)
    return path


def write_summaries(evaluation: Evaluation, directory: str, class_names: Sequence[str]) -> None:
    """Writes the scores to an event file for TensorBoard.

    Raises:
      OSError: the file cannot be written; the message names it.
    """
    scores = evaluation.metrics
    values = {
        "eval/accuracy": scores.accuracy,
        "eval/top_5": scores.top_5,
        "eval/mean_recall": scores.mean_recall,
        "eval/cross_entropy": scores.cross_entropy,
    }
    for index, name in enumerate(first_few([name], 1) for name in class_names):
        values[f"eval/recall/{index}_{name}"] = float(scores.recall[index])
    summaries.write_scalars(directory, values, evaluation.step)
