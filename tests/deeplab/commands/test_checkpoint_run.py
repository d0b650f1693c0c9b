"""What eval.py and vis.py make of their flags: checkpoints, dataset, network, input, results."""

import dataclasses
import os
from types import SimpleNamespace

import numpy as np
import pytest

from deeplab import run_description
from deeplab.commands import checkpoint_run
from deeplab.commands.checkpoint_run import CheckpointRun
from deeplab.commands.shared_options import EvaluationOptions
from deeplab.options import ModelOptions
from deeplab.run_description import RunDescription
from tests.support import command_calls, tiny_dataset
from tests.training.test_checkpoints import save
from training import best_checkpoint

MODEL = ModelOptions(
    num_classes=3, model_variant="xception_tiny", atrous_rates=(6, 12), output_stride=16
)


@pytest.fixture
def records(tmp_path):
    """A dataset whose largest image is 20 high and 40 wide."""
    images = [("a", *tiny_dataset.random_image(0, 20, 40))]
    (tmp_path / "records").mkdir()
    return tiny_dataset.write(tmp_path / "records", images, split="val")


def describe(folder, spec, **changes) -> str:
    """Writes the description of a training run into a new folder, and returns the folder."""
    description = RunDescription(
        model=MODEL,
        dataset_name=spec.name,
        class_names=spec.class_names,
        palette=spec.palette,
        ignore_label=spec.ignore_label,
        train_crop_size=(65, 65),
    )
    os.makedirs(folder)
    run_description.write_description(dataclasses.replace(description, **changes), str(folder))
    return str(folder)


def resolve(records, folder, *arguments: str, crop_size=None):
    flags = command_calls.flags("eval", f"--dataset_dir={records.directory}", *arguments)
    return checkpoint_run.resolve(flags, folder, "val", crop_size)


def test_the_network_is_the_trained_one_and_the_crop_holds_every_image(records, tmp_path):
    spec, model_options, inputs = resolve(records, describe(tmp_path / "run", records))
    assert spec == records
    assert model_options == MODEL
    assert inputs.crop_size == (33, 49)
    assert inputs.min_resize_value is None


def test_flags_change_what_was_trained(records, tmp_path):
    folder = describe(tmp_path / "run", records, min_resize_value=30, max_resize_value=50)
    _, model_options, inputs = resolve(
        records, folder, "--output_stride=8", "--max_resize_value=60", crop_size=(65, 97)
    )
    assert (model_options.output_stride, model_options.atrous_rates) == (8, (12, 24))
    assert (inputs.min_resize_value, inputs.max_resize_value) == (30, 60)
    assert inputs.crop_size == (65, 97)
    with pytest.raises(ValueError, match="66"):
        resolve(records, folder, crop_size=(66, 97))


def test_a_network_without_a_description_is_described_by_flags(records, tmp_path):
    folder = str(tmp_path)
    with pytest.raises(ValueError, match=rf"^{folder} has no options\.json: describe the network"):
        resolve(records, folder)
    _, model_options, _ = resolve(records, folder, "--model_variant=mobilenet_v2")
    assert (model_options.model_variant, model_options.num_classes) == ("mobilenet_v2", 3)
    assert not model_options.decoder_use_gradient


def test_classes_of_another_dataset_are_refused_with_both_lists(records, tmp_path):
    folder = describe(tmp_path / "run", records, class_names=("a", "b", "c"), dataset_name="abc")
    message = r"classes class 0, class 1, class 2, but .*run/options\.json .* 'abc' .* a, b, c;"
    with pytest.raises(ValueError, match=message):
        resolve(records, folder)
    nameless = describe(tmp_path / "nameless", records, class_names=(), palette=())
    assert resolve(records, nameless)[0] == records


def test_results_go_beside_the_checkpoints_by_split_and_weights(tmp_path):
    best = tmp_path / "run" / best_checkpoint.BEST_FOLDER
    best.mkdir(parents=True)
    (tmp_path / "run" / best_checkpoint.RECORD_FILE).write_text("{}")

    def folder(split: str, checkpoint=tmp_path / "run" / "model.ckpt-7", logdir=None, **how) -> str:
        run = SimpleNamespace(_name="eval", _split=split, _logdir=logdir)
        found = CheckpointRun.results_folder(run, str(checkpoint), **how)
        return os.path.relpath(found, tmp_path)

    assert folder("val", use_ema=False) == "run/eval"
    assert folder("val", use_ema=True) == "run/eval_ema"
    assert folder("test", use_ema=False) == "run/eval_test"
    assert folder("test", use_ema=True) == "run/eval_test_ema"
    assert folder("val", best / "model.ckpt-7", use_ema=False) == "run/eval"
    assert folder("val", logdir=str(tmp_path / "mine"), use_ema=True) == "mine"


def find(limit: int = 1, **options):
    return checkpoint_run._find_checkpoints(EvaluationOptions(**options), limit, "max_number")


def test_checkpoints_are_those_that_the_flags_name(records, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    folder = describe("runs/new", records)
    with pytest.raises(ValueError, match=r"^the training run in runs/new has not saved .* --max_"):
        find()
    prefix = save(folder, 7, {"w": np.zeros(1, np.float32)})
    assert next(find()) == prefix
    assert next(find(0, checkpoint_path=prefix)) == prefix  # One is all there will be.
    assert capsys.readouterr().out == ""
    assert next(find(3, checkpoint_dir=folder)) == prefix
    assert capsys.readouterr().out.startswith(f"taking the next 3 checkpoints in {folder}, the")
    assert next(find(0)) == prefix
    assert capsys.readouterr().out.startswith("taking every new checkpoint in runs/new, the newest")


def test_a_folder_that_is_none_is_told_with_what_it_may_mean(records, tmp_path):
    prefix = save(tmp_path, 7, {"w": np.zeros(1, np.float32)})
    with pytest.raises(ValueError, match=rf"a folder: give one .* --checkpoint_path={prefix}\.$"):
        find(checkpoint_dir=prefix)
    with pytest.raises(ValueError, match="is not a folder: it is the train_logdir of a training"):
        find(checkpoint_dir=str(tmp_path / "none"))
    with pytest.raises(ValueError, match="eval_interval_secs is -1; expected 0 or more seconds"):
        find(eval_interval_secs=-1)
