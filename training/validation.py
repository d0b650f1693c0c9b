"""Validation during a training run: scores new checkpoints, keeps the best, and ends early.

The scores lie in `validation.json` beside the checkpoints, so that a training run that is resumed
knows how long there has been no better one.
"""

import dataclasses
import math
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent import futures
from typing import Any, Protocol

from common import json_files
from common.run_options import OPTIONS_FILE
from training import best_checkpoint, checkpoints

HISTORY_FILE = "validation.json"
_FORMAT_VERSION = 1


@dataclasses.dataclass(frozen=True)
class Score:
    """What a validation found.

    Attributes:
      metric, value: name and value of the score by which checkpoints are compared.
      conditions: how it was taken: scores are compared where these are equal. JSON's types.
      use_ema: whether the moving averages of the weights were scored.
      text: what a user should read of it: one line, without the step.
      scalars: numbers for TensorBoard, by tag.
      higher_is_better: whether a higher value is a better one.
      warnings: what a user should know besides.
    """

    metric: str
    value: float
    conditions: Mapping[str, Any]
    use_ema: bool
    text: str
    scalars: Mapping[str, float]
    higher_is_better: bool = True
    warnings: Sequence[str] = ()


class Validator(Protocol):
    """Scores checkpoints of a task, in a graph of its own."""

    def score(self, checkpoint: str) -> Score:
        """Scores a checkpoint, given by its prefix.

        Raises:
          ValueError: the data are damaged; the message names the file.
        """
        ...

    def close(self) -> None:
        """Frees what it holds."""
        ...


@dataclasses.dataclass(frozen=True)
class _Entry:
    """The score of a step; None where it is not defined."""

    step: int
    value: float | None


@dataclasses.dataclass(frozen=True)
class History:
    """The scores of a training run, in the order of their steps."""

    metric: str = ""
    higher_is_better: bool = True
    scores: tuple[_Entry, ...] = ()

    def best(self) -> _Entry | None:
        """Returns the first of the best scores; None where there is none."""
        defined = [each for each in self.scores if each.value is not None]
        sign = 1.0 if self.higher_is_better else -1.0
        return max(defined, key=lambda each: sign * (each.value or 0.0), default=None)

    def since_best(self) -> int:
        """Returns how many validations there were after the best one."""
        best = self.best()
        return sum(best is None or each.step > best.step for each in self.scores)

    def why_stopped(self, patience: int) -> str | None:
        """Returns why training ends early; None while it goes on."""
        if not patience or self.since_best() < patience:
            return None
        best = self.best()
        found = (
            "no score is defined"
            if best is None
            else (f"the best {self.metric} is {best.value:.4f} at step {best.step}")
        )
        since = self.since_best()
        if since == 1:
            return f"{found}, and the validation since is not better"
        return f"{found}, and the {since} validations since are not better"


def read_history(directory: str) -> History:
    """Reads the scores of a training run; none where there was no validation.

    Raises:
      ValueError: the file is damaged.
    """
    path = os.path.join(directory, HISTORY_FILE)
    try:
        content = json_files.read_object(path)
        content.pop("format_version", None)
        return json_files.to_record(History, content, path)
    except FileNotFoundError:
        return History()
    except ValueError as error:
        raise ValueError(f"{error} Delete the file: training then goes on without it.") from None


def chosen_folder(run: str) -> str:
    """Returns the folder whose newest checkpoint a training run is used with.

    That of its best checkpoint where the training run has validated itself, and otherwise its own.
    """
    best = os.path.join(run, checkpoints.BEST_FOLDER)
    return best if _record(run) and checkpoints.latest_checkpoint(best) else run


def find_chosen(path: str, run: str | None = None) -> str:
    """Returns the prefix of the checkpoint that a user means who names one to use.

    Args:
      path, run: see `checkpoints.find_checkpoint`, but the folder of a training run stands for the
        checkpoint that it is used with: see `chosen_folder`.

    Raises:
      ValueError: there is none.
    """
    return checkpoints.find_checkpoint(chosen_folder(path) if os.path.isdir(path) else path, run)


def scores_averages(run: str) -> bool:
    """Whether a training run has validated itself with the moving averages of its weights."""
    return bool((_record(run) or {}).get("use_ema"))


def _record(run: str) -> dict[str, Any] | None:
    """Returns the record of the best checkpoint if validations have written it."""
    has_history = os.path.exists(os.path.join(run, HISTORY_FILE))
    return best_checkpoint.read_record(run) if has_history else None


class Validation:
    """Scores the checkpoints of a training run as they come.

    The validator may be opened in a thread. It builds a network, which takes a second or two, and
    meanwhile TensorFlow can set the variables of the training run and prepare its first step, which
    needs no Python.

    Args:
      open_validator: opens that of the task.
      directory: of the training run.
      every: steps between validations.
      patience: validations without a better score after which the training run ends; 0 for never.
      step: at which the training run starts; scores of later steps belong to another one.
    """

    def __init__(
        self,
        open_validator: Callable[[], Validator],
        directory: str,
        every: int,
        patience: int,
        step: int,
    ):
        self._directory = directory
        self._every = every
        self._patience = patience
        history = read_history(directory)
        kept = tuple(each for each in history.scores if each.step <= step)
        self._history = dataclasses.replace(history, scores=kept)
        self._open_validator = open_validator
        self._threads = futures.ThreadPoolExecutor(1)
        self._opening: futures.Future[Validator] | None = None

    def start_opening(self) -> None:
        """Has the validator opened in a thread, once."""
        if self._opening is None:
            self._opening = self._threads.submit(self._open_validator)

    def validator(self) -> Validator:
        """Returns the validator when it is open, and raises what opening it raises."""
        self.start_opening()
        assert self._opening is not None
        return self._opening.result()

    @property
    def is_open(self) -> bool:
        """Whether the validator is there: neither on its way nor impossible to open."""
        opening = self._opening
        return opening is not None and opening.done() and opening.exception() is None

    def is_due(self, step: int, is_last: bool) -> bool:
        """Returns whether the checkpoint of a step is to be scored."""
        is_known = any(each.step == step for each in self._history.scores)
        return (is_last or step % self._every == 0) and not is_known

    def run(self, checkpoint: str, step: int) -> tuple[Score, list[str]]:
        """Scores a checkpoint, and keeps it if it is the best.

        Returns:
          (the score, lines for the user).

        Raises:
          ValueError: see `Validator.score`.
          OSError: the score or the checkpoint cannot be written.
        """
        score = self.validator().score(checkpoint)
        value = None if math.isnan(score.value) else float(score.value)
        self._history = History(
            score.metric, score.higher_is_better, (*self._history.scores, _Entry(step, value))
        )
        json_files.write(
            os.path.join(self._directory, HISTORY_FILE),
            {"format_version": _FORMAT_VERSION, **dataclasses.asdict(self._history)},
        )
        kept = best_checkpoint.keep_if_best(
            checkpoint,
            score.metric,
            score.value,
            score.conditions,
            step=step,
            use_ema=score.use_ema,
            companions=[OPTIONS_FILE],
            higher_is_better=score.higher_is_better,
        )
        lines = [f"validation at step {step}: {score.text}; {kept}"]
        return score, [*lines, *(f"warning: {each}" for each in score.warnings)]

    def why_stopped(self) -> str | None:
        """Returns why training ends early; None while it goes on."""
        return self._history.why_stopped(self._patience)

    def close(self) -> None:
        """Frees what the validator holds."""
        self._threads.shutdown()
        if self.is_open:
            self.validator().close()
