"""The command eval.py beside a training run, and on a disk that is full.

Its network is a stand-in whose score is known: it adds its only variable to the red channel, which
is the class. All evaluations run in one process.
"""

import csv
import json
import os
import re

import numpy as np
import pytest

from deeplab import run_description
from deeplab.run_description import RunDescription
from tests.deeplab.evaluation.test_evaluator import NETWORK, images_of
from tests.support import command_runs, tiny_dataset
from tests.training.test_checkpoints import save

SCRIPT = """
import contextlib, glob, io, json, os, resource, shutil, sys
import tensorflow.compat.v1 as tf
from common import saved_weights
from deeplab.evaluation import evaluator
from deeplab.network import model
from tests.support import command_calls

def predict(features, network, *, scales, add_flipped):
    shift = tf.get_variable("shift", [])
    labels = tf.cast(tf.minimum(features["image"][..., 0] + shift, 2.0), tf.int32)
    return model.Prediction(labels, tf.one_hot(labels, network.num_classes))

evaluator.model.predict = predict
restore, score = evaluator.Evaluator.restore, evaluator.Evaluator.score

def remove(run, step):
    for ending in ("index", "data-00000-of-00001"):
        with contextlib.suppress(FileNotFoundError):
            os.remove(f"{run}/model.ckpt-{step}.{ending}")

def removing(run, steps, before):
    # A training run that removes checkpoints before or while they are restored.
    def load(self, checkpoint, saved_names):
        step = int(checkpoint.rpartition("-")[2])
        if step not in steps:
            return restore(self, checkpoint, saved_names)
        if before:
            remove(run, step)
            return restore(self, checkpoint, saved_names)
        read_values = saved_weights.checkpoint_reader.load
        def read_too_late(*arguments):
            remove(run, step)
            read_values(*arguments)
        saved_weights.checkpoint_reader.load = read_too_late
        try:
            return restore(self, checkpoint, saved_names)
        finally:
            saved_weights.checkpoint_reader.load = read_values
    evaluator.Evaluator.restore = load

def removing_when_scored(run, step):
    def scoring(self, collectors):
        result = score(self, collectors)
        remove(run, step)
        return result
    evaluator.Evaluator.score = scoring

def saving_when_scored(run, source, step):
    # A training run that saves a checkpoint meanwhile.
    def scoring(self, collectors):
        result = score(self, collectors)
        for ending in ("data-00000-of-00001", "index"):
            shutil.copy(f"{run}/model.ckpt-{source}.{ending}", f"{run}/model.ckpt-{step}.{ending}")
        return result
    evaluator.Evaluator.score = scoring

def filling_the_disk(size):
    # No file of this process grows beyond so many bytes once the scores are known.
    def scoring(self, collectors):
        result = score(self, collectors)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        return result
    evaluator.Evaluator.score = scoring

def validating(run):
    # As if the training run had scored its checkpoints itself.
    open(f"{run}/validation.json", "w").write("{}")

outputs = {}
for name, (setups, arguments) in json.loads(sys.argv[1]).items():
    evaluator.Evaluator.restore, evaluator.Evaluator.score = restore, score
    for setup in setups:
        eval(setup)
    output, errors, message = io.StringIO(), io.StringIO(), None
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        try:
            command_calls.call("eval", "--eval_interval_secs=0", *arguments)
        except (ValueError, OSError) as error:
            message = str(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    outputs[name] = [output.getvalue(), errors.getvalue(), message]
with open("outputs.json", "w") as file:
    json.dump(outputs, file)
"""

ONCE = "--max_number_of_evaluations=1"
CASES = {
    "removed before": (["removing('runs/a', [20, 30], True)"], ["--checkpoint_dir=runs/a", ONCE]),
    "removed meanwhile": (["removing('runs/b', [30], False)"], ["--checkpoint_dir=runs/b", ONCE]),
    "all removed": (["removing('runs/c', [10, 20, 30], True)"], ["--checkpoint_dir=runs/c", ONCE]),
    "waiting": (
        ["removing('runs/d', [30], True)", "saving_when_scored('runs/d', 10, 40)"],
        ["--checkpoint_dir=runs/d", "--max_number_of_evaluations=2"],
    ),
    "removed when scored": (
        ["removing_when_scored('runs/e', 30)"],
        ["--checkpoint_dir=runs/e", ONCE],
    ),
    "full disk": (["filling_the_disk(100)"], ["--checkpoint_dir=runs/f", ONCE]),
    "room for scores": (["filling_the_disk(4500)"], ["--checkpoint_dir=runs/g", ONCE]),
    "a file": ([], ["--checkpoint_dir=runs/g", ONCE, "--eval_logdir=runs/g/options.json/eval"]),
    "not saved yet": ([], ["--checkpoint_dir=runs/young", ONCE]),
    "details": (
        [],
        ["--checkpoint_dir=runs/h", ONCE, "--per_image_csv", "--boundary_iou", "--calibration"],
    ),
    "compared": (
        ["validating('runs/h')"],
        [
            "--checkpoint_path=runs/h/model.ckpt-10,runs/i,runs/h",
            "--boundary_iou",
            "--eval_logdir=compared",
        ],
    ),
    "compared in vain": ([], ["--checkpoint_path=runs/h/model.ckpt-10,runs/i/model.ckpt-99"]),
    "nothing": ([], ["--checkpoint_path="]),
    "a comma": ([], ["--checkpoint_path=runs/i,j/model.ckpt-10", "--eval_logdir=comma"]),
}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """(folder, {case: [stdout, stderr, error or None]})."""
    root = tmp_path_factory.mktemp("project")
    records = root / "data" / "tfrecords" / "tiny"
    records.mkdir(parents=True)
    images = images_of((20, 40), (33, 45))
    for _, image, mask in images:
        image[..., 0] = np.where(mask == 255, 1, mask)
    spec = tiny_dataset.write(records, images, split="val")
    description = RunDescription(
        model=NETWORK,
        dataset_name="tiny",
        class_names=spec.class_names,
        palette=spec.palette,
        ignore_label=spec.ignore_label,
        train_crop_size=(33, 33),
    )
    for name in (*"abcdefghi", "i,j", "young"):
        run = root / "runs" / name
        run.mkdir(parents=True)
        run_description.write_description(description, str(run))
        for step, shift in ((10, 0.0), (20, 1.0), (30, 2.0)) if name != "young" else ():
            # Larger than the disks that fill up.
            save(run, step, {"shift": np.float32(shift), "shift/Momentum": np.zeros(2000)})
    result = command_runs.run_program(SCRIPT, json.dumps(CASES), cwd=root)
    assert result.returncode == 0, result.stderr
    return root, json.loads((root / "outputs.json").read_text())


def _warning(run: str, step: int) -> str:
    return (
        f"warning: checkpoint {run}/model.ckpt-{step} was removed before it could be read, so the "
        "next one is taken (train.py keeps more with a larger max_checkpoints_to_keep)\n"
    )


def test_a_removed_checkpoint_gives_way_to_the_newest_that_exists(outcomes):
    root, cases = outcomes
    out, err, error = cases["removed before"]
    assert error is None
    assert err == _warning("runs/a", 30) + _warning("runs/a", 20)
    assert out.startswith("runs/a/model.ckpt-10\n")
    assert "mean IoU 100.00%" in out
    assert json.loads((root / "runs/a/best_checkpoint").read_text())["step"] == 10


def test_a_checkpoint_may_be_removed_while_it_is_restored(outcomes):
    out, err, error = outcomes[1]["removed meanwhile"]
    assert (err, error) == (_warning("runs/b", 30), None)
    assert out.startswith("runs/b/model.ckpt-20\n")


def test_none_that_is_left_ends_the_command(outcomes):
    out, _, error = outcomes[1]["all removed"]
    assert out == ""
    assert error == "folder runs/c holds no checkpoint (no *.index file)."


def test_one_that_is_removed_while_waiting_does_not_count(outcomes):
    root, cases = outcomes
    out, err, error = cases["waiting"]
    assert (err, error) == (_warning("runs/d", 30), None)
    lines = out.splitlines()
    assert lines[0] == (
        "taking the next 2 checkpoints in runs/d, the newest first (Ctrl-C ends; "
        "--max_number_of_evaluations=1 takes one and ends)"
    )
    assert [line for line in lines if line.startswith("runs/d/model")] == [
        "runs/d/model.ckpt-20",
        "runs/d/model.ckpt-40",
    ]
    assert sorted(path.name for path in (root / "runs/d/eval").glob("*.json")) == [
        "eval-10.json",  # The step that is in the copied file.
        "eval-20.json",
    ]
    assert json.loads((root / "runs/d/best_checkpoint").read_text())["miou"] == 1.0


def test_a_checkpoint_that_is_removed_once_it_was_scored_is_not_the_best(outcomes):
    root, cases = outcomes
    out, err, error = cases["removed when scored"]
    assert (err, error) == ("", None)
    assert out.splitlines()[-1].startswith(
        "the best so far, but not kept: runs/e/model.ckpt-30 was deleted meanwhile"
    )
    assert (root / "runs/e/eval/eval-30.json").exists()
    assert not (root / "runs/e/best_checkpoint").exists()


def test_a_full_disk_does_not_lose_the_scores(outcomes):
    root, cases = outcomes
    out, err, error = cases["full disk"]
    assert "mean IoU" in out
    assert err == ""
    assert error == "runs/f/eval/eval-30.json cannot be written: File too large"
    assert os.listdir(root / "runs/f/eval") == []
    assert not (root / "runs/f/best").exists()


def test_a_disk_that_holds_the_scores_only_leaves_no_half_best(outcomes):
    root, cases = outcomes
    out, _, error = cases["room for scores"]
    assert out.splitlines()[-1] == "runs/g/eval/eval-30.json"
    assert error == (
        "runs/g/model.ckpt-30 cannot be copied to runs/g/best (File too large), so the best "
        "checkpoint so far stays. Is the disk full?"
    )
    assert os.listdir(root / "runs/g/best") == []
    assert not (root / "runs/g/best_checkpoint").exists()


def test_impossible_folders_are_told_before_the_evaluation(outcomes):
    root, cases = outcomes
    assert cases["a file"][0] == ""
    assert cases["a file"][2] == (
        f"the results cannot go to runs/g/options.json/eval: {root}/runs/g/options.json is not a "
        "folder. Give another --eval_logdir."
    )
    assert cases["not saved yet"][2] == (
        "the training run in runs/young has not saved a checkpoint yet: it saves one every "
        "--save_interval_secs and when it ends. Without --max_number_of_evaluations=1 this command "
        "waits for it."
    )


def test_details_are_scored_where_they_are_asked_for(outcomes):
    root, cases = outcomes
    out, err, error = cases["details"]
    assert (err, error) == ("", None)
    # Each pixel is called class 2, and each with the probability 1.
    accuracy = re.search(r"pixel accuracy ([\d.]+)%", out)[1]
    assert (
        f"expected calibration error {100 - float(accuracy):.2f}%, mean confidence 100.00%" in out
    )
    content = json.loads((root / "runs/h/eval/eval-30.json").read_text())
    assert content["boundary_iou"][:2] == [0, 0]
    assert content["boundary_miou"] == pytest.approx(content["boundary_iou"][2] / 3)
    assert f"mean boundary IoU {100 * content['boundary_miou']:.2f}%" in out
    assert "boundary IoU" in out.splitlines()[1]
    assert content["calibration"]["bins_pixels"][-1] == sum(map(sum, content["confusion_matrix"]))
    assert out.splitlines()[-2] == "runs/h/eval/eval-30-images.csv"
    with open(root / "runs/h/eval/eval-30-images.csv", encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["image"] for row in rows} == {"image0", "image1"}
    num_right = sum(float(row["pixel accuracy"]) * int(row["pixels"]) for row in rows)
    assert num_right == pytest.approx(content["confusion_matrix"][2][2], abs=0.01)
    assert float(rows[0]["mean IoU"]) <= float(rows[1]["mean IoU"])


def test_no_details_without_flags(outcomes):
    root, cases = outcomes
    assert "boundary" not in cases["removed before"][0]
    content = json.loads((root / "runs/a/eval/eval-10.json").read_text())
    assert not {"boundary_miou", "boundary_iou", "calibration"} & content.keys()
    assert not list((root / "runs/a/eval").glob("*.csv"))


def test_several_checkpoints_are_compared_in_one_table(outcomes):
    root, cases = outcomes
    out, err, error = cases["compared"]
    assert (err, error) == ("", None)
    table = out.rpartition("\n\n")[2].splitlines()
    assert table[:3] == [
        "[1] runs/h/model.ckpt-10",
        "[2] runs/i/model.ckpt-30",
        "[3] runs/h/best/model.ckpt-30",
    ]
    assert table[3].split() == ["[1]", "[2]", "[3]"]
    rows = {line[:17].strip(): line[17:].split() for line in table[4:]}
    assert rows["mean IoU"][0] == "100.00%"
    assert rows["mean IoU"][1] == rows["mean IoU"][2] != "100.00%"
    assert rows["mean boundary IoU"][0] == "100.00%"
    assert rows["class 0"] == ["100.00%", "0.00%", "0.00%"]
    written = sorted(str(path.relative_to(root)) for path in (root / "compared").rglob("*.json"))
    assert written == [
        "compared/1_h/eval-10.json",
        "compared/2_i/eval-30.json",
        "compared/3_h/eval-30.json",
    ]


def test_a_checkpoint_that_is_missing_is_told_before_the_first_is_scored(outcomes):
    out, _, error = outcomes[1]["compared in vain"]
    assert out == ""
    assert error.startswith("checkpoint runs/i/model.ckpt-99 does not exist")


def test_no_checkpoint_at_all_is_an_error(outcomes):
    assert outcomes[1]["nothing"][2].startswith("checkpoint_path is empty: name a checkpoint")


def test_a_name_may_have_a_comma(outcomes):
    out, err, error = outcomes[1]["a comma"]
    assert (err, error) == ("", None)
    assert out.startswith("runs/i,j/model.ckpt-10\n")
