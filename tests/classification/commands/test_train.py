"""A classifier from records to scores, by the commands that users type."""

import csv
import json
import pathlib

import numpy as np
import pytest
from PIL import Image

from classification import run_description
from tests.support import command_runs, labeled_images
from training import checkpoints

SMALL = (
    "--model_variant=mobilenet_v3_small_seg",
    "--depth_multiplier=0.25",
    "--image_size=32",
    "--train_batch_size=12",
    "--min_crop_area=0.5",
    "--color_distortion=none",
    "--dropout_keep_prob=1",
    "--seed=3",
)


def _run(script: str, folder, *arguments: str):
    return command_runs.run(script, *arguments, cwd=folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> pathlib.Path:
    """A folder with a dataset, and a training run of 60 steps on it."""
    folder = tmp_path_factory.mktemp("checkout")
    labeled_images.write(str(folder / "data" / "tfrecords" / "squares"), train=40, val=8)
    result = _run(
        "train.py",
        folder,
        *SMALL,
        "--training_number_of_steps=60",
        "--validate_every=30",
        "--num_clones=2",
        "--optimizer=adam",
        "--base_learning_rate=0.01",
    )
    assert result.returncode == 0, result.stderr
    (folder / "output").write_text(result.stdout)
    return folder


def test_it_learns_keeps_the_best_and_describes_itself(folder):
    run = folder / "runs" / "squares"
    output = (folder / "output").read_text()
    assert "3 classes, 120 images in split train; an epoch is 10 steps" in output
    assert output.count("validation at step") == 2
    history = json.loads((run / "validation.json").read_text())
    assert [score["step"] for score in history["scores"]] == [30, 60]
    assert max(score["value"] for score in history["scores"]) > 0.9
    description = run_description.read_description(str(run / "best"))
    assert description == run_description.read_description(str(run))
    assert description.class_names == ("blue", "green", "red")
    assert description.dataset_origin.records_dir == str(folder / "data" / "tfrecords" / "squares")
    assert description.dataset_origin.num_examples == 120
    assert (description.view.image_size, description.view.preprocessing) == (32, "inception")
    content = json.loads((run / "options.json").read_text())
    assert content["task"] == "classification"


def test_eval_finds_the_task_and_scores_as_validation_did(folder):
    result = _run("eval.py", folder, "--checkpoint_path=best", "--save_predictions")
    assert result.returncode == 0, result.stderr
    run = folder / "runs" / "squares"
    record = json.loads((run / "best_checkpoint").read_text())
    step = record["step"]
    scores = json.loads((run / "eval" / f"eval-{step}.json").read_text())
    assert scores["accuracy"] == pytest.approx(record["accuracy"])
    assert np.sum(scores["confusion_matrix"]) == scores["num_images"] == 24
    assert "the best so far: accuracy" in result.stdout
    assert "top-1" in result.stdout
    with open(run / "eval" / f"predictions-{step}.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 24
    right = np.mean([row["label"] == row["predicted"] for row in rows])
    assert right == pytest.approx(scores["accuracy"])
    assert Image.open(run / "eval" / f"confusion-{step}.png").mode == "RGB"


def test_vis_draws_sheets(folder):
    result = _run("vis.py", folder, "--max_number_of_iterations=1", "--num_images=9")
    assert result.returncode == 0, result.stderr
    sheet = Image.open(folder / "runs" / "squares" / "vis" / "predictions-60.png")
    assert sheet.width == pytest.approx(sheet.height, rel=0.35)
    assert "mistakes" in result.stdout


def test_it_resumes_without_repeating_flags_and_refuses_others(folder):
    finished = _run("train.py", folder, "--training_number_of_steps=60")
    assert "already finished" in finished.stdout
    assert "model_variant='mobilenet_v3_small_seg'" in finished.stdout
    wrong = _run("train.py", folder, "--model_name=resnet_v1_50")
    assert wrong.returncode == 1
    assert wrong.stderr.startswith(
        "error: --model_variant is resnet_v1_50, but runs/squares was trained with mobilenet_v3"
    )


def test_a_dataset_with_other_classes_is_refused_in_a_short_line(folder):
    dataset = folder / "data" / "tfrecords" / "squares" / "dataset.json"
    text = dataset.read_text()
    spec = json.loads(text)
    trained = spec["class_names"]
    counts = [split["examples_per_class"] for split in spec["splits"].values()]
    spec["class_names"] = [*trained[:2], *(f"other {index}" for index in range(500))]
    for count in counts:
        count += [0] * 499
    try:
        dataset.write_text(json.dumps(spec))
        told = _run("train.py", folder).stderr
    finally:
        dataset.write_text(text)
    assert "3 (" in told
    assert "other 1, other 2 and 497 more" in told
    assert f"class 2 was {trained[2]!r} and is 'other 0'" in told
    assert len(told) < 600


def test_the_classifier_warm_starts_another_one_and_only_parts_may_be_trained(folder):
    result = _run(
        "train.py",
        folder,
        *SMALL,
        "--tf_initial_checkpoint=runs/squares",
        "--checkpoint_exclude_scopes=MobilenetV3/Logits,MobilenetV3/Conv_2",
        "--trainable_scopes=MobilenetV3/Logits,MobilenetV3/Conv_2",
        "--training_number_of_steps=1",
        "--train_logdir=runs/part",
        "--train_split=val",
        "--optimizer=sgd",
        "--validate_every=0",
    )
    assert result.returncode == 0, result.stderr
    assert "warm start from runs/squares" in result.stdout
    readers = [
        checkpoints.Reader(checkpoints.find_checkpoint(str(folder / "runs" / name)))
        for name in ("squares", "part")
    ]
    before, after = ({name: reader.value(name) for name in reader.weights} for reader in readers)
    assert set(before) == set(after)
    changed = {name for name in before if not np.array_equal(before[name], after[name])}
    assert changed
    assert all(name.startswith(("MobilenetV3/Logits", "MobilenetV3/Conv_2")) for name in changed)


@pytest.mark.parametrize(
    ("offset", "message"),
    [
        (
            1,
            "labels_offset is 1, which leaves out the classes blue of dataset squares, but 6",
        ),
        (2, "labels_offset is 2, which leaves less than 2 of the 3 classes"),
    ],
)
def test_leading_classes_that_have_images_cannot_be_left_out(folder, tmp_path, offset, message):
    spec = labeled_images.write(str(tmp_path / "records"), train=6)
    result = _run(
        "train.py",
        folder,
        *SMALL,
        f"--dataset_dir={spec.directory}",
        "--train_logdir=runs/offset",
        f"--labels_offset={offset}",
        "--training_number_of_steps=1",
    )
    assert result.returncode == 1
    assert result.stderr.startswith(f"error: {message}")
    assert not (folder / "runs" / "offset").exists()


WRONG_INPUT = (
    (["--class_weights=1,2"], "class_weights is '1,2'; expected balanced, or 3 numbers"),
    (["--dataset=missing"], "there is no dataset in data/tfrecords/missing"),
    (["--train_split=test"], "has no split 'test'"),
    (["--trainable_scopes=x"], "trainable_scopes has 'x', with which no trainable variable"),
    (
        ["--tf_initial_checkpoint=runs/squares", "--checkpoint_exclude_scopes=Nope/Logits"],
        "checkpoint_exclude_scopes has 'Nope/Logits', with which no variable of the network",
    ),
    (["--patience=2", "--validate_every=0"], "patience is 2, but nothing is validated"),
)


@pytest.fixture(scope="module")
def failures(folder):
    """What each wrong input gives."""
    common = ("--task=classification", *SMALL, "--train_logdir=runs/wrong")
    inputs = [[*common, *arguments] for arguments, _ in WRONG_INPUT]
    return command_runs.run_series("train", inputs, cwd=folder)


@pytest.mark.parametrize("case", range(len(WRONG_INPUT)))
def test_wrong_input_is_one_line(failures, case):
    result = failures[case]
    assert result.returncode == 1
    assert result.stderr.startswith("error: ")
    assert WRONG_INPUT[case][1] in result.stderr
    assert len(result.stderr.splitlines()) == 1
