"""The best checkpoint of a training: when it changes, and what may happen meanwhile."""

import contextlib
import json
import os
import pathlib
import shutil

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from common import files
from tests.support import toy_training
from tests.support.full_disk import full_disk
from tests.training.test_checkpoints import save
from training import best_checkpoint, checkpoints

WAY = {"split": "val", "eval_scales": (1.0,)}


def _save(run, step: int) -> str:
    """Saves a checkpoint whose weights are its step."""
    prefix = save(run, step, {"weights": np.full(100, step, np.float32)})
    (run / "options.json").write_text("{}")
    return prefix


def _keep(prefix: str, value: float, way=WAY, use_ema: bool = False) -> str:
    return best_checkpoint.keep_if_best(
        prefix,
        "miou",
        value,
        way,
        step=checkpoints.read_step(prefix),
        use_ema=use_ema,
        companions=["options.json"],
    )


def _weights_of_best(run) -> np.ndarray:
    return toy_training.read(checkpoints.find_checkpoint(str(run / "best")))["weights"]


def test_only_a_higher_score_replaces_the_best(tmp_path):
    run = tmp_path / "run"
    lines = [
        _keep(_save(run, step), value)
        for step, value in ((10, 0.5), (20, 0.4), (30, 0.5), (40, float("nan")), (50, 0.625))
    ]

    assert lines == [
        f"the best so far, kept in {run}/best",
        "the best so far: miou 0.5000 at step 10",
        "the best so far: miou 0.5000 at step 10",
        "not kept as the best: miou is not defined",
        f"the best so far, kept in {run}/best",
    ]
    record = json.loads((run / "best_checkpoint").read_text())
    assert record == {
        "format_version": 1,
        "checkpoint": "best/model.ckpt-50",
        "step": 50,
        "miou": 0.625,
        "use_ema": False,
        "split": "val",
        "eval_scales": [1.0],
    }
    inside = json.loads((run / "best" / "best_checkpoint").read_text())
    assert inside == {**record, "checkpoint": "model.ckpt-50"}
    assert sorted(os.listdir(run / "best")) == [
        "best_checkpoint",
        "checkpoint",
        "model.ckpt-50.data-00000-of-00001",
        "model.ckpt-50.index",
        "options.json",
    ]
    assert tf.train.latest_checkpoint(str(run / "best")) == str(run / "best" / "model.ckpt-50")
    np.testing.assert_array_equal(_weights_of_best(run), np.full(100, 50.0))


def test_a_score_taken_in_another_way_is_not_compared(tmp_path):
    run = tmp_path / "run"
    _keep(_save(run, 10), 0.5)

    line = _keep(_save(run, 20), 0.9, {**WAY, "eval_scales": (0.5, 1.0)})

    assert line == (
        "not compared with the best so far (step 10), which was scored with eval_scales [1.0] "
        f"instead of [0.5, 1.0]; to start over, delete {run}/best_checkpoint"
    )
    assert best_checkpoint.read_record(str(run))["step"] == 10
    (run / "best_checkpoint").unlink()
    _keep(str(run / "model.ckpt-20"), 0.1, {**WAY, "eval_scales": (0.5, 1.0)})
    np.testing.assert_array_equal(_weights_of_best(run), np.full(100, 20.0))


def test_the_best_outlives_what_the_saver_deletes_and_starts_a_training(tmp_path):
    for steps in (1, 2, 3):
        toy_training.train(tmp_path / "run", steps, max_checkpoints_to_keep=1)
        if steps == 1:
            (tmp_path / "run" / "options.json").write_text("{}")
            _keep(str(tmp_path / "run" / "model.ckpt-1"), 0.5)
            values = toy_training.read(str(tmp_path / "run" / "model.ckpt-1"))

    assert [path.name for path in (tmp_path / "run").glob("*.index")] == ["model.ckpt-3.index"]
    shutil.move(tmp_path / "run" / "best", tmp_path / "moved")
    lines = []
    toy_training.train(
        tmp_path / "new", 2, continue_checkpoint=str(tmp_path / "moved"), report=lines.append
    )
    assert lines[0] == f"continuing from {tmp_path}/moved/model.ckpt-1 at step 1"
    best = toy_training.read(str(tmp_path / "moved" / "model.ckpt-1"))
    np.testing.assert_array_equal(best["body/weights"], values["body/weights"])
    np.testing.assert_array_equal(best["body/weights/Momentum"], values["body/weights/Momentum"])


def test_a_checkpoint_that_was_deleted_meanwhile_leaves_the_best(tmp_path):
    run = tmp_path / "run"
    _keep(_save(run, 10), 0.5)
    for step, ending in ((20, ".index"), (30, ".*")):
        prefix = _save(run, step)
        # As TensorFlow does it: the index first.
        for path in run.glob(os.path.basename(prefix) + ending):
            path.unlink()
        line = best_checkpoint.keep_if_best(prefix, "miou", 0.9, WAY, step=step, use_ema=False)
        assert line.startswith(f"the best so far, but not kept: {prefix} was deleted meanwhile")

    np.testing.assert_array_equal(_weights_of_best(run), np.full(100, 10.0))
    assert not [name for name in os.listdir(run / "best") if "-20" in name or "tmp" in name]


def test_a_full_disk_is_told_and_leaves_the_best(tmp_path):
    run = tmp_path / "run"
    _keep(_save(run, 10), 0.5)
    prefix = _save(run, 20)

    with full_disk(100), pytest.raises(OSError, match=r"ckpt-20 cannot be copied .* disk full\?"):
        _keep(prefix, 0.9)

    assert best_checkpoint.read_record(str(run))["step"] == 10
    np.testing.assert_array_equal(_weights_of_best(run), np.full(100, 10.0))
    assert len(os.listdir(run / "best")) == 5


@pytest.mark.parametrize("number", range(1, 8))
def test_ctrl_c_at_any_rename_leaves_a_whole_best(tmp_path, monkeypatch, number):
    """Three files of the checkpoint are renamed, then the three records."""
    run = tmp_path / "run"
    _keep(_save(run, 10), 0.5)
    prefix = _save(run, 20)
    replace, calls = os.replace, []

    def interrupted(*paths):
        calls.append(paths)
        if len(calls) == number:
            raise KeyboardInterrupt
        replace(*paths)

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt) if number <= 6 else contextlib.nullcontext():
        _keep(prefix, 0.9)
    monkeypatch.setattr(os, "replace", replace)

    expected = 10 if number <= 4 else 20
    np.testing.assert_array_equal(_weights_of_best(run), np.full(100, expected))
    assert not list((run / "best").glob("*.tmp"))
    record = best_checkpoint.read_record(str(run))
    assert record["step"] == (10 if number <= 6 else 20)
    assert os.path.exists(run / f"{record['checkpoint']}.index")
    assert _keep(prefix, 0.9).startswith("the best so far")
    np.testing.assert_array_equal(_weights_of_best(run), np.full(100, 20.0))
    assert len(os.listdir(run / "best")) == 5


def test_what_a_killed_evaluation_left_is_removed_by_the_next_best(tmp_path):
    run = tmp_path / "run"
    _keep(_save(run, 10), 0.5)
    (run / "best" / "model.ckpt-15.data-00000-of-00001.77.tmp").write_bytes(b"half")
    (run / "best" / "notes.txt").write_text("mine")
    for folder in (run, run / "best"):
        with contextlib.suppress(FileNotFoundError), files.replacing(str(folder / "x")) as left:
            pass
        pathlib.Path(left).write_bytes(b"of a process of this number that was killed")

    assert _keep(_save(run, 15), 0.4).startswith("the best so far: miou 0.5000")
    assert not [name for name in os.listdir(run) if name.endswith(".tmp")]
    _keep(_save(run, 20), 0.6)

    names = os.listdir(run / "best")
    assert "notes.txt" in names
    assert not [name for name in names if name.endswith(".tmp") or "-10" in name]


def test_the_best_itself_may_score_higher_with_its_averages(tmp_path):
    run = tmp_path / "run"
    _keep(_save(run, 10), 0.5)
    best = checkpoints.find_checkpoint(str(run / "best"))
    assert not best_checkpoint.was_scored_with_averages(best)

    assert _keep(best, 0.6, use_ema=True) == f"the best so far, kept in {run}/best"

    assert best_checkpoint.was_scored_with_averages(best)
    assert not best_checkpoint.was_scored_with_averages(str(run / "model.ckpt-10"))
    assert best_checkpoint.read_record(str(run))["miou"] == 0.6
    assert not (run / "best" / "best").exists()


def test_records_that_are_damaged_or_without_checkpoint(tmp_path):
    run = tmp_path / "run"
    prefix = _save(run, 10)
    _keep(prefix, 0.4)
    whole = json.loads((run / "best_checkpoint").read_text())
    for content, message in {
        "{": "is not valid JSON: .*delete it",
        "{}": "lacks checkpoint, step, use_ema.*delete it",
        "[" * 5000: "nested too deeply.*delete it",
        json.dumps({**whole, "step": "10"}): "'step' is '10'; expected a whole number.*delete it",
        json.dumps({**whole, "checkpoint": None}): "'checkpoint' is null; expected text",
        json.dumps({**whole, "use_ema": 1}): "'use_ema' is 1; expected true or false",
        json.dumps({**whole, "miou": "high"}): "'miou' is 'high'; expected a number.*delete it",
        json.dumps({**whole, "miou": float("nan")}): "'miou' is NaN, too large or not a number",
    }.items():
        (run / "best_checkpoint").write_text(content)
        with pytest.raises(ValueError, match=message) as raised:
            _keep(prefix, 0.5)
        assert f"{run}/best_checkpoint" in str(raised.value)
    (run / "best_checkpoint").unlink()
    _keep(prefix, 0.5)
    shutil.rmtree(run / "best")
    assert best_checkpoint.read_record(str(run)) is None
    assert _keep(prefix, 0.1) == f"the best so far, kept in {run}/best"


def test_best_and_latest_are_those_of_the_newest_training(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, step in (("older", 5), ("newer", 10), ("newer", 20)):
        _save(tmp_path / "runs" / name, step)
    os.utime("runs/older/model.ckpt-5.index", (1, 1))

    assert checkpoints.find_checkpoint("latest") == "runs/newer/model.ckpt-20"
    assert checkpoints.find_checkpoint("latest", "runs/older") == "runs/older/model.ckpt-5"
    with pytest.raises(ValueError, match=r"runs/newer has no best checkpoint yet: python eval\.py"):
        checkpoints.find_checkpoint("best")
    _keep("runs/newer/model.ckpt-10", 0.5)
    best = checkpoints.find_checkpoint("best")
    assert best == "runs/newer/best/model.ckpt-10"
    assert checkpoints.find_checkpoint("runs/newer/best") == best
    assert best_checkpoint.training_folder(best) == "runs/newer"
    assert best_checkpoint.training_folder("runs/newer/model.ckpt-20") == "runs/newer"
    assert checkpoints.find_newest_run() == "runs/newer"
    monkeypatch.chdir("runs/newer/best")
    assert best_checkpoint.training_folder("model.ckpt-10") == ".."
