"""Sends the numbers of a training run to MLflow or Weights & Biases, where that is asked for.

Neither package is imported otherwise. Where runs go, and who may write there, is the packages' own
matter: MLFLOW_TRACKING_URI, MLFLOW_EXPERIMENT_NAME, WANDB_PROJECT, WANDB_MODE and the like. Which
run belongs to a folder is written into it, so that a training run that is resumed goes on in it.
"""

import importlib
import importlib.util
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from common import json_files
from common.texts import first_line, printable

RECORD_FILE = "tracking.json"
_FORMAT_VERSION = 1
# MLflow refuses longer ones.
_MOST_CHARS = 6000


class _Run(Protocol):
    """A run at one of the trackers.

    Attributes:
      run_id: under which it can be continued.
    """

    run_id: str

    def log(self, scalars: Mapping[str, float], step: int) -> None: ...

    def close(self, failed: bool) -> None: ...


class _MLflowRun:
    def __init__(self, name: str, directory: str, settings: Mapping[str, Any], run_id: str | None):
        del directory
        self._mlflow = importlib.import_module("mlflow")
        if run_id is None:
            run = self._mlflow.start_run(run_name=name)
            self._mlflow.log_params(
                {key: str(value)[:_MOST_CHARS] for key, value in settings.items()}
            )
        else:
            run = self._mlflow.start_run(run_id=run_id)
        self.run_id = str(run.info.run_id)

    def log(self, scalars: Mapping[str, float], step: int) -> None:
        self._mlflow.log_metrics(dict(scalars), step=step)

    def close(self, failed: bool) -> None:
        self._mlflow.end_run("FAILED" if failed else "FINISHED")


class _WandbRun:
    def __init__(self, name: str, directory: str, settings: Mapping[str, Any], run_id: str | None):
        wandb = importlib.import_module("wandb")
        self._run = wandb.init(
            name=name,
            dir=directory,
            config=dict(settings),
            id=run_id,
            resume="allow",
            allow_val_change=True,
        )
        # Its own count of steps takes none twice; a training run that is resumed repeats some.
        self._run.define_metric("*", step_metric="step")
        self.run_id = str(self._run.id)

    def log(self, scalars: Mapping[str, float], step: int) -> None:
        self._run.log({**scalars, "step": step})

    def close(self, failed: bool) -> None:
        self._run.finish(exit_code=int(failed))


_KINDS: dict[str, Callable[..., _Run]] = {"mlflow": _MLflowRun, "wandb": _WandbRun}
TRACKERS = tuple(_KINDS)


def check(names: Sequence[str]) -> None:
    """Makes sure that trackers are installed, without importing them.

    Raises:
      ValueError: one is not; says how to install it.
    """
    for name in names:
        if importlib.util.find_spec(name) is None:
            raise ValueError(
                f"track is {','.join(names)}, but the package {name} is not installed: run make "
                f"setup-{name}."
            )


class Tracking:
    """The runs of a training run at trackers. One that fails is given up, and training goes on.

    Args:
      names: of `TRACKERS`; `check` has been called with them.
      directory: of the training run.
      settings: what the training run is, by name.
      is_resumed: whether the runs that the folder names go on.
      report: takes lines for the user.

    Raises:
      ValueError: a run cannot be started.
      OSError: its name cannot be written down.
    """

    def __init__(
        self,
        names: Sequence[str],
        directory: str,
        settings: Mapping[str, Any],
        *,
        is_resumed: bool,
        report: Callable[[str], None],
    ):
        self._report = report
        self._runs: dict[str, _Run] = {}
        path = os.path.join(directory, RECORD_FILE)
        known = _read_ids(path) if is_resumed else {}
        title = os.path.basename(os.path.abspath(directory))
        for name in dict.fromkeys(names):
            try:
                self._runs[name] = _KINDS[name](title, directory, settings, known.get(name))
            except Exception as error:  # Of any kind: from a network, a server or the package.
                self.close(failed=True)
                raise ValueError(
                    f"track is {','.join(names)}, but {name} cannot start a run: "
                    f"{first_line(error)}"
                ) from error
        ids = {name: run.run_id for name, run in self._runs.items()}
        for name, run_id in ids.items():
            verb = "goes on in" if known.get(name) == run_id else "is"
            report(f"{name}: this training run {verb} the run {printable(run_id)}")
        json_files.write(path, {"format_version": _FORMAT_VERSION, **known, **ids})

    def add_scalars(self, scalars: Mapping[str, float], step: int) -> None:
        """Sends numbers by their tags."""
        for name, run in list(self._runs.items()):
            try:
                run.log({tag: float(value) for tag, value in scalars.items()}, step)
            except Exception as error:
                del self._runs[name]
                self._report(
                    f"warning: {name} gets no more numbers of this training run: "
                    f"{first_line(error)}"
                )

    def close(self, failed: bool) -> None:
        """Ends the runs."""
        while self._runs:
            name, run = self._runs.popitem()
            try:
                run.close(failed)
            except Exception as error:
                self._report(f"warning: {name} could not end its run: {first_line(error)}")


def _read_ids(path: str) -> dict[str, str]:
    """Returns the runs that a folder names; none where it names none."""
    try:
        content = json_files.read_object(path)
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise ValueError(f"{error} Delete the file: new runs are begun then.") from None
    return {name: content[name] for name in TRACKERS if isinstance(content.get(name), str)}
