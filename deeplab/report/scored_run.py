"""A training run with a scored checkpoint, and what its folder knows of it."""

import dataclasses
import glob
import os
from typing import Any

from common import json_files
from common.run_options import OPTIONS_FILE
from deeplab.evaluation.details import Details
from deeplab.evaluation.evaluator import Evaluation
from deeplab.report.worst_images import Predicted
from deeplab.run_description import RECIPE_FILE
from training import command_log, event_curves, validation
from training.command_log import LoggedCommand
from training.event_curves import Curve

LOSS, LEARNING_RATE, SPEED = "progress/loss", "progress/learning_rate", "progress/images_per_sec"
_TAGS = (LOSS, LEARNING_RATE, SPEED)
# A text of a folder that is longer is no flag file.
_MOST_CHARS = 20_000


@dataclasses.dataclass(frozen=True)
class Training:
    """What the folder of a training run knows of it; empty where it has no such file.

    Attributes:
      folder: its path.
      curves: by tag: `LOSS`, `LEARNING_RATE`, `SPEED`.
      validations: mean IoU by step, of validations during training.
      evaluations: mean IoU by step, of eval.py on the split that is reported.
      commands: those that trained in it, the first one first.
      recipe: the flags that were chosen for it.
      options: the content of `options.json`.
    """

    folder: str
    curves: dict[str, Curve]
    validations: Curve
    evaluations: Curve
    commands: list[LoggedCommand]
    recipe: str
    options: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class ScoredRun:
    """A checkpoint of a training run, and its scores.

    Attributes:
      title: what the checkpoint is called.
      evaluation, details: its scores, all of the details.
      images: predictions that are shown, the worst first.
      training: what is known of the training run.
      conditions: how the network saw the images.
    """

    title: str
    evaluation: Evaluation
    details: Details
    images: list[Predicted]
    training: Training
    conditions: dict[str, Any]


def read_training(folder: str, split: str) -> Training:
    """Reads what the folder of a training run knows.

    Args:
      folder: its path.
      split: whose scores of eval.py are wanted.

    Raises:
      ValueError: a file in it is damaged.
    """
    history = validation.read_history(folder)
    points = [(each.step, each.value) for each in history.scores if each.value is not None]
    options: dict[str, Any] = {}
    if os.path.exists(os.path.join(folder, OPTIONS_FILE)):
        options = json_files.read_object(os.path.join(folder, OPTIONS_FILE))
    return Training(
        folder,
        event_curves.read(folder, _TAGS),
        Curve(tuple(step for step, _ in points), tuple(value for _, value in points)),
        _evaluations(folder, split),
        command_log.read(folder),
        _recipe(folder),
        options,
    )


def _evaluations(folder: str, split: str) -> Curve:
    """Returns the mean IoU of each step that eval.py has scored; other programs' files are none."""
    found: dict[int, float] = {}
    has_averages = validation.scores_averages(folder)
    for path in glob.glob(os.path.join(glob.escape(folder), "eval*", "eval-*.json")):
        try:
            content = json_files.read_object(path)
        except (OSError, ValueError):
            continue
        step, score, options = map(content.get, ("step", "miou", "options"))
        is_ema = isinstance(options, dict) and bool(options.get("use_ema"))
        if content.get("split") != split or is_ema != has_averages:
            continue
        if isinstance(step, int) and isinstance(score, float | int):
            found[step] = float(score)
    return Curve(tuple(sorted(found)), tuple(found[step] for step in sorted(found)))


def _recipe(folder: str) -> str:
    try:
        with open(os.path.join(folder, RECIPE_FILE), encoding="utf-8", errors="replace") as file:
            return file.read(_MOST_CHARS)
    except OSError:
        return ""
