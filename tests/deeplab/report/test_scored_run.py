"""What the folder of a training run knows of it."""

import json

import pytest
import tensorflow.compat.v1 as tf

from deeplab.report import scored_run
from deeplab.run_description import RECIPE_FILE
from training import command_log
from training.event_curves import Curve
from training.summaries import SummaryWriter


def write_score(path, **fields):
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"split": "val", "options": {}, **fields}))


def test_curves_scores_command_and_options_are_found(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["train.py", "--seed=1"])
    command_log.append(str(tmp_path))
    writer = SummaryWriter(str(tmp_path), tf.Graph(), lambda: None)
    writer.add_scalars({scored_run.LOSS: 2.5}, 10)
    writer.close()
    history = {
        "metric": "miou",
        "scores": [{"step": 10, "value": 0.5}, {"step": 20, "value": None}],
    }
    (tmp_path / "validation.json").write_text(json.dumps(history))
    (tmp_path / "options.json").write_text('{"model": {"output_stride": 8}}')
    (tmp_path / RECIPE_FILE).write_text("--seed=1\n")
    write_score(tmp_path / "eval" / "eval-10.json", step=10, miou=0.25)
    write_score(tmp_path / "eval" / "eval-30.json", step=30, miou=None)
    write_score(tmp_path / "eval_test" / "eval-40.json", step=40, miou=0.75, split="test")
    write_score(tmp_path / "eval_ema" / "eval-50.json", step=50, miou=1, options={"use_ema": True})
    (tmp_path / "eval" / "eval-60.json").write_text("{")
    write_score(tmp_path / "eval" / "eval-70.json", step="x", miou=[], options=3)
    found = scored_run.read_training(str(tmp_path), "val")
    assert found.curves[scored_run.LOSS] == Curve((10,), (2.5,))
    assert found.validations == Curve((10,), (0.5,))
    assert found.evaluations == Curve((10,), (0.25,))
    assert scored_run.read_training(str(tmp_path), "test").evaluations == Curve((40,), (0.75,))
    assert [each.command for each in found.commands] == ["train.py --seed=1"]
    assert found.recipe == "--seed=1\n"
    assert found.options == {"model": {"output_stride": 8}}


def test_a_folder_of_checkpoints_alone_knows_nothing(tmp_path):
    found = scored_run.read_training(str(tmp_path), "val")
    assert found.commands == []
    assert (found.recipe, found.options, found.evaluations) == ("", {}, Curve())


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "options.json").write_text("{")
    with pytest.raises(ValueError, match=r"options\.json is not valid JSON"):
        scored_run.read_training(str(tmp_path), "val")
