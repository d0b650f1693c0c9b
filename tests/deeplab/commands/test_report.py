"""The command report.py, with a stand-in network that adds its variable to the red channel."""

import csv
import json
import re

import numpy as np
import pytest

from deeplab import run_description
from deeplab.run_description import RunDescription
from tests.deeplab.evaluation.test_evaluator import NETWORK, images_of
from tests.support import command_runs, tiny_dataset
from tests.training.test_checkpoints import save
from training import validation

SCRIPT = """
import contextlib, io, json, sys
import tensorflow.compat.v1 as tf
from deeplab.evaluation import evaluator
from deeplab.network import model
from tests.support import command_calls

def predict(features, network, *, scales, add_flipped):
    shift = tf.get_variable("shift", [])
    labels = tf.cast(tf.minimum(features["image"][..., 0] + shift, 2.0), tf.int32)
    return model.Prediction(labels, tf.one_hot(labels, network.num_classes))

evaluator.model.predict = predict
outputs = {}
for name, arguments in json.loads(sys.argv[1]).items():
    output, message = io.StringIO(), None
    with contextlib.redirect_stdout(output):
        try:
            command_calls.call("report", *arguments)
        except ValueError as error:
            message = str(error)
    outputs[name] = [output.getvalue(), message]
with open("outputs.json", "w") as file:
    json.dump(outputs, file)
"""

CASES = {
    "newest": [],
    "compared": [
        "--checkpoint_path=runs/a/model.ckpt-20",
        "--compare_with=runs/b",
        "--report_logdir=out",
        "--num_worst_images=1",
    ],
    "missing": ["--compare_with=runs/none"],
    "other data": ["--checkpoint_dir=runs/a", "--compare_with=runs/other"],
    "none yet": ["--checkpoint_dir=runs/young"],
}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """(folder, {case: [stdout, error or None]})."""
    root = tmp_path_factory.mktemp("project")
    images = images_of((20, 40), (33, 45))
    for _, image, mask in images:
        image[..., 0] = np.where(mask == 255, 1, mask)
    for dataset in ("tiny", "more"):
        records = root / "data" / "tfrecords" / dataset
        records.mkdir(parents=True)
        spec = tiny_dataset.write(records, images, split="val")
    for name in ("young", "other", "b", "a"):
        run = root / "runs" / name
        run.mkdir(parents=True)
        description = RunDescription(
            model=NETWORK,
            dataset_name="more" if name == "other" else "tiny",
            class_names=spec.class_names,
            palette=spec.palette,
            ignore_label=spec.ignore_label,
            train_crop_size=(33, 33),
        )
        run_description.write_description(description, str(run))
        steps = () if name == "young" else ((10, 0.0), (20, 2.0))
        for step, shift in steps:
            save(run, step, {"shift": np.float32(shift)})
    best = root / "runs" / "a" / "best"
    best.mkdir()
    save(best, 10, {"shift": np.float32(0)})
    run_description.write_description(description, str(best))
    record = {"checkpoint": "best/model.ckpt-10", "step": 10, "use_ema": False}
    (root / "runs/a/best_checkpoint").write_text(json.dumps(record))
    (root / "runs/a" / validation.HISTORY_FILE).write_text("{}")
    (best / "best_checkpoint").write_text(json.dumps({**record, "checkpoint": "model.ckpt-10"}))
    result = command_runs.run_program(SCRIPT, json.dumps(CASES), cwd=root)
    assert result.returncode == 0, result.stderr
    return root, json.loads((root / "outputs.json").read_text())


def read_rows(path):
    with open(path, encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_without_flags_it_is_about_the_best_checkpoint_of_the_newest_run(outcomes):
    root, cases = outcomes
    out, error = cases["newest"]
    assert error is None
    assert out.startswith("runs/a/best/model.ckpt-10\n")
    assert "mean IoU 100.00%" in out
    assert out.splitlines()[-2:] == ["runs/a/report/images.csv", "runs/a/report/report.html"]
    text = (root / "runs/a/report/report.html").read_text(encoding="utf-8")
    assert "runs/a/best/model.ckpt-10" in text
    assert "100.00%" in text
    rows = read_rows(root / "runs/a/report/images.csv")
    assert [row["mean IoU"] for row in rows] == ["1.000000"] * 2
    assert sorted(path.name for path in (root / "runs/a/report").iterdir()) == [
        "images.csv",
        "report.html",
    ]


def test_two_runs_are_scored_in_the_same_way_and_compared(outcomes):
    root, cases = outcomes
    out, error = cases["compared"]
    assert error is None
    assert out.splitlines()[:2] == ["[1] runs/a/model.ckpt-20", "[2] runs/b/model.ckpt-20"]
    text = (root / "out/report.html").read_text(encoding="utf-8")
    assert len(re.findall("prediction of B of image", text)) == 1
    assert "The training runs have the same options.json." in text
    assert read_rows(root / "out/images.csv") == read_rows(root / "out/images_of_b.csv")


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("missing", "checkpoint runs/none does not exist"),
        ("other data", "would be scored on different datasets, runs/a/best/model.ckpt-10 on data/"),
        ("none yet", "folder runs/young holds no checkpoint"),
    ],
)
def test_what_is_missing_is_told_before_anything_is_scored(outcomes, case, message):
    out, error = outcomes[1][case]
    assert out == ""
    assert message in error
