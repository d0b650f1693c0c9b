"""Training runs at MLflow and Weights & Biases, which fake modules stand for."""

import json
import sys
import types

import pytest

from tests.support import toy_training
from training import options, tracking
from training.tracking import Tracking


class FakeMLflow(types.ModuleType):
    """Keeps what it is told by run."""

    def __init__(self):
        super().__init__("mlflow")
        self.__spec__ = types.SimpleNamespace()
        self.runs, self.fails = {}, False

    def start_run(self, run_id=None, run_name=None):
        if run_id is None:
            run_id = f"run{len(self.runs)}"
            self.runs[run_id] = {"name": run_name, "params": {}, "metrics": [], "status": None}
        self.active = self.runs[run_id]
        return types.SimpleNamespace(info=types.SimpleNamespace(run_id=run_id))

    def log_params(self, params):
        self.active["params"].update(params)

    def log_metrics(self, metrics, step):
        if self.fails:
            raise ConnectionError("the server is gone\nand more")
        self.active["metrics"].append((step, metrics))

    def end_run(self, status):
        self.active["status"] = status


class FakeWandb(types.ModuleType):
    def __init__(self):
        super().__init__("wandb")
        self.__spec__ = types.SimpleNamespace()
        self.started, self.logged, self.ended, self.error = [], [], [], None

    def init(self, **arguments):
        if self.error:
            raise self.error
        self.started.append(arguments)
        return types.SimpleNamespace(
            id=arguments["id"] or f"id{len(self.started)}",
            define_metric=lambda name, step_metric: None,
            log=self.logged.append,
            finish=lambda exit_code: self.ended.append(exit_code),
        )


@pytest.fixture
def mlflow(monkeypatch):
    module = FakeMLflow()
    monkeypatch.setitem(sys.modules, "mlflow", module)
    return module


@pytest.fixture
def wandb(monkeypatch):
    module = FakeWandb()
    monkeypatch.setitem(sys.modules, "wandb", module)
    return module


def test_both_places_name_the_same_trackers():
    assert options.TRACKERS == tracking.TRACKERS


def test_a_training_run_sends_its_settings_and_numbers(tmp_path, mlflow, wandb):
    lines = []
    toy_training.train(tmp_path / "toy", 3, track=("mlflow", "wandb"), report=lines.append)
    (run,) = mlflow.runs.values()
    assert (run["name"], run["status"]) == ("toy", "FINISHED")
    assert run["params"]["base_learning_rate"] == "0.01"
    assert run["params"]["train_batch_size"] == "8"
    assert [step for step, _ in run["metrics"]] == [1, 2, 3]
    losses = [metrics["progress/loss"] for _, metrics in run["metrics"]]
    assert len(set(losses)) == 3
    (started,) = wandb.started
    assert started["config"]["base_learning_rate"] == 0.01
    assert started["name"] == "toy"
    assert [each["step"] for each in wandb.logged] == [1, 2, 3]
    assert [each["progress/loss"] for each in wandb.logged] == losses
    assert wandb.ended == [0]
    assert "mlflow: this training run is the run run0" in lines


def test_a_resumed_training_run_goes_on_in_its_run(tmp_path, mlflow, wandb):
    names = ("mlflow", "wandb")
    toy_training.train(tmp_path, 2, track=names)
    lines = []
    toy_training.train(tmp_path, 4, track=names, report=lines.append)
    (run,) = mlflow.runs.values()
    assert [step for step, _ in run["metrics"]] == [1, 2, 3, 4]
    assert [each["id"] for each in wandb.started] == [None, "id1"]
    assert "wandb: this training run goes on in the run id1" in lines
    toy_training.train(tmp_path / "other", 1, track=("mlflow",))
    assert len(mlflow.runs) == 2


def test_a_failed_training_run_is_failed_there(tmp_path, mlflow):
    def build_clone(batch):
        raise ValueError("no")

    def fail(self, *arguments):
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        toy_training.train(tmp_path, 2, track=("mlflow",), build_clone=build_clone)
    assert mlflow.runs == {}
    tracked = Tracking(("mlflow",), str(tmp_path), {}, is_resumed=False, report=print)
    tracked.close(failed=True)
    assert mlflow.runs["run0"]["status"] == "FAILED"


def test_a_server_that_is_gone_does_not_end_training(tmp_path, mlflow):
    mlflow.fails = True
    lines = []
    result = toy_training.train(tmp_path, 3, track=("mlflow",), report=lines.append)
    assert result.step == 3
    warnings = [line for line in lines if line.startswith("warning")]
    assert warnings == [
        "warning: mlflow gets no more numbers of this training run: the server is gone"
    ]


def test_a_missing_package_is_told_before_anything_is_built(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"package wandb is not installed: run make setup-wandb\."):
        toy_training.train(tmp_path / "toy", 3, track=("wandb",))
    assert not (tmp_path / "toy").exists()


def test_a_run_that_cannot_start_is_an_error_and_ends_the_others(tmp_path, mlflow, wandb):
    wandb.error = RuntimeError("api_key not configured")
    with pytest.raises(ValueError, match="wandb cannot start a run: api_key not configured"):
        toy_training.train(tmp_path, 3, track=("mlflow", "wandb"))
    assert mlflow.runs["run0"]["status"] == "FAILED"


def test_a_damaged_record_is_named(tmp_path, mlflow):
    (tmp_path / "tracking.json").write_text("{")
    with pytest.raises(ValueError, match=r"tracking\.json is not valid JSON.*Delete the file"):
        Tracking(("mlflow",), str(tmp_path), {}, is_resumed=True, report=print)
    (tmp_path / "tracking.json").write_text('{"mlflow": 3}')
    Tracking(("mlflow",), str(tmp_path), {}, is_resumed=True, report=print)
    assert json.loads((tmp_path / "tracking.json").read_text())["mlflow"] == "run0"


def test_without_the_flag_neither_is_imported(tmp_path):
    toy_training.train(tmp_path, 1)
    assert not {"mlflow", "wandb"} & sys.modules.keys()
    assert not (tmp_path / "tracking.json").exists()
