"""Which checkpoints a command runs, and where its results go."""

import dataclasses
import os
import types

import numpy as np
import pytest

from commands import checkpoint_search, weights
from commands.checkpoint_search import Checkpoints
from commands.flags import Flags
from commands.shared_options import CheckpointOptions, DatasetOptions, WeightsOptions
from common.dataset_origin import DatasetOrigin
from common.option_fields import RESULTS, option
from datasets.records import build_folder
from tests.training.test_checkpoints import save
from training import best_checkpoint, loop, validation
from training.checkpoints import AVERAGE_SUFFIX
from training.options import TrainOptions


@dataclasses.dataclass(frozen=True)
class LimitOptions:
    """The limit of these tests."""

    max_number: int = option(1, "Number of checkpoints.", RESULTS)


def find(*arguments: str, split: str = "val", logdir: str | None = None) -> Checkpoints:
    flags = Flags([CheckpointOptions, WeightsOptions, LimitOptions])
    flags.parse(["eval.py", *arguments])
    return Checkpoints(flags, "eval", split, logdir, "max_number")


def checkpoint(folder, step: int = 7) -> str:
    return save(folder, step, {"w": np.full(1, step, np.float32)})


def test_results_go_beside_the_checkpoints_by_split_and_weights(tmp_path):
    prefix = checkpoint(tmp_path / "run")
    best = tmp_path / "run" / best_checkpoint.BEST_FOLDER
    best.mkdir()
    (tmp_path / "run" / best_checkpoint.RECORD_FILE).write_text("{}")

    def folder(split: str, path: str = prefix, logdir: str | None = None, *, use_ema: bool) -> str:
        found = find(f"--checkpoint_path={prefix}", split=split, logdir=logdir)
        return os.path.relpath(found.results_folder(path, use_ema), tmp_path)

    assert folder("val", use_ema=False) == "run/eval"
    assert folder("val", use_ema=True) == "run/eval_ema"
    assert folder("test", use_ema=False) == "run/eval_test"
    assert folder("test", use_ema=True) == "run/eval_test_ema"
    assert folder("val", str(best / "model.ckpt-7"), use_ema=False) == "run/eval"
    assert folder("val", logdir=str(tmp_path / "mine"), use_ema=True) == "mine"


def test_checkpoints_are_those_that_the_flags_name(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    os.makedirs("runs/new")
    (tmp_path / "runs" / "new" / "options.json").write_text("{}")
    with pytest.raises(ValueError, match=r"^the training run in runs/new has not saved .* --max_"):
        find()
    prefix = checkpoint("runs/new")
    assert find().first == prefix
    # One is all there will be.
    assert find("--max_number=0", f"--checkpoint_path={prefix}").first == prefix
    assert capsys.readouterr().out == ""
    assert find("--max_number=3", "--checkpoint_dir=runs/new").first == prefix
    assert capsys.readouterr().out.startswith("taking the next 3 checkpoints in runs/new, the")
    assert find("--max_number=0").first == prefix
    assert capsys.readouterr().out.startswith("taking every new checkpoint in runs/new, the newest")


def validated(folder, step: int, *, use_ema: bool) -> str:
    """Makes what a training run leaves that validated a checkpoint; returns the copy of that."""
    prefix = save(folder, step, {"w": np.ones(1), f"w{AVERAGE_SUFFIX}": np.zeros(1)})
    best_checkpoint.keep_if_best(prefix, "miou", 0.5, {}, step=step, use_ema=use_ema)
    (folder / validation.HISTORY_FILE).write_text("{}")
    return str(folder / best_checkpoint.BEST_FOLDER / f"model.ckpt-{step}")


def test_a_run_that_validated_itself_is_used_with_its_best_checkpoint(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = tmp_path / "runs" / "new"
    best = validated(run, 7, use_ema=True)
    newest = save(run, 9, {"w": np.ones(1), f"w{AVERAGE_SUFFIX}": np.zeros(1)})
    averages = {"w": f"w{AVERAGE_SUFFIX}"}
    assert os.path.abspath(find().first) == best
    assert find("--checkpoint_path=latest", f"--checkpoint_dir={run}").first == newest
    assert os.path.abspath(find("--max_number=0").first) == newest
    assert os.path.abspath(checkpoint_search.find_one(None)) == best
    # Its folder means the same wherever one checkpoint is named.
    assert checkpoint_search.find_one(str(run)) == best
    assert find(f"--checkpoint_path={run}").first == best
    begun = TrainOptions(str(tmp_path / "b"), initial_checkpoint=str(run))
    assert loop.find_start(begun) == loop.Start("warm start", best)
    continued = TrainOptions(str(tmp_path / "b"), continue_checkpoint=str(run))
    assert loop.find_start(continued).checkpoint == newest
    assert checkpoint_search.find_one(newest) == newest
    for path in (best, newest):  # Both are seen as the validations saw them.
        assert weights.saved_names(path, None) == averages
        assert weights.saved_names(path, use_ema=False) == {}
    found = find()
    assert found.results_folder(best, use_ema=True) == str(run / "eval")
    assert found.results_folder(newest, use_ema=False) == str(run / "eval_noema")


def test_a_best_checkpoint_of_eval_is_only_used_where_it_is_named(tmp_path):
    run = tmp_path / "run"
    best = validated(run, 7, use_ema=True)
    (run / validation.HISTORY_FILE).unlink()
    newest = save(run, 9, {"w": np.ones(1), f"w{AVERAGE_SUFFIX}": np.zeros(1)})
    assert find(f"--checkpoint_dir={run}").first == newest
    assert find("--checkpoint_path=best", f"--checkpoint_dir={run}").first == best
    assert weights.saved_names(newest, None) == {}
    assert weights.saved_names(best, None) != {}


def test_each_checkpoint_is_restored_before_it_is_given(tmp_path):
    class Evaluator:
        def __init__(self):
            self.restored = []

        def restore(self, checkpoint, saved_names):
            self.restored.append((checkpoint, saved_names))

    prefix = checkpoint(tmp_path)
    evaluator = Evaluator()
    assert list(find(f"--checkpoint_path={prefix}").restored(evaluator)) == [(prefix, {})]
    assert evaluator.restored == [(prefix, {})]


def test_a_folder_that_is_none_is_told_with_what_it_may_mean(tmp_path):
    prefix = checkpoint(tmp_path)
    with pytest.raises(ValueError, match=rf"a folder: give one .* --checkpoint_path={prefix}\.$"):
        find(f"--checkpoint_dir={prefix}")
    with pytest.raises(ValueError, match="is not a folder: it is the train_logdir of a training"):
        find(f"--checkpoint_dir={tmp_path}/none")
    with pytest.raises(ValueError, match="eval_interval_secs is -1; expected 0 or more seconds"):
        find("--eval_interval_secs=-1")


def test_results_that_cannot_be_written_are_told_at_once(tmp_path):
    prefix = checkpoint(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match=r"cannot go to .*file/x: .*Give another --eval_logdir"):
        find(f"--checkpoint_path={prefix}", logdir=str(tmp_path / "file" / "x"))


def test_another_dataset_than_the_networks_own_is_told_unless_a_flag_names_it(tmp_path, capsys):
    for folder in ("here/pets", "there/pets"):
        (tmp_path / folder).mkdir(parents=True)
    here, there = (str(tmp_path / name / "pets") for name in ("here", "there"))
    build_folder.remember_owner(str(tmp_path), "segmentation", "pets", here)
    found = types.SimpleNamespace(name="pets", directory=str(tmp_path), splits={})

    def told(name: str, data_dir: str = "", **given) -> str:
        run = types.SimpleNamespace(
            dataset_name=name, dataset_origin=DatasetOrigin(data_dir=data_dir)
        )
        options = DatasetOptions(**given)
        checkpoint_search.warn_of_other_dataset(options, found, "val", run)
        return capsys.readouterr().err

    end = (
        f", and this is 'pets' in {tmp_path}: name the folder of the records with --dataset_dir.\n"
    )
    start = "warning: the network was trained on the dataset"
    assert told("pets", there) == f"{start} 'pets' of {there}{end}"
    assert told("cats", here) == f"{start} 'cats' of {here}{end}"
    assert told("cats") == f"{start} 'cats'{end}"
    assert told("pets", here) == told("pets") == told("") == ""
    assert told("cats", dataset="pets") == told("cats", dataset_dir="x") == ""
