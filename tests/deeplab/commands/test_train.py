"""The command `train.py`: from records to checkpoints, and its one-line errors."""

import json
import os
import pathlib
import shutil
import subprocess

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from common.dataset_origin import DatasetOrigin
from datasets.segmentation import specs
from deeplab import options, run_description
from tests.support import command_runs, loopback_cluster, tiny_dataset
from training import checkpoints, ema

SMALL = (
    "--recipe=research_deeplab",
    "--model_variant=xception_tiny",
    "--train_crop_size=33,33",
    "--train_batch_size=2",
    "--log_steps=1",
)


def _train(folder, *arguments: str, environment=None) -> subprocess.CompletedProcess:
    return command_runs.run("train.py", *arguments, cwd=folder, environment=environment)


def _images(num_images: int):
    return [
        (f"image_{index}", *tiny_dataset.random_image(index, 30 + index, 40))
        for index in range(num_images)
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> pathlib.Path:
    """A folder with a dataset, and a training of two steps on it."""
    folder = tmp_path_factory.mktemp("checkout")
    directory = folder / "data" / "tfrecords" / "tiny"
    directory.mkdir(parents=True)
    tiny_dataset.write(directory, _images(6))
    result = _train(
        folder,
        *SMALL,
        "--training_number_of_steps=2",
        "--num_clones=2",
        "--sync_batch_norm",
        "--save_summaries_images",
        "--seed=3",
        "--ema_decay=0.9",
    )
    assert result.returncode == 0, result.stderr
    (folder / "output").write_text(result.stdout)
    return folder


def test_trains_on_the_last_dataset_and_describes_the_network(folder):
    logdir = folder / "runs" / "tiny"

    description = run_description.read_description(str(logdir))

    assert checkpoints.latest_checkpoint(str(logdir)) == str(logdir / "model.ckpt-2")
    spec = specs.read_spec(str(folder / "data" / "tfrecords" / "tiny"))
    assert description == run_description.RunDescription(
        model=options.ModelOptions(
            num_classes=3,
            model_variant="xception_tiny",
            atrous_rates=(6, 12, 18),
            decoder_output_stride=(4,),
            decoder_use_gradient=True,
        ),
        dataset_name="tiny",
        class_names=spec.class_names,
        palette=spec.palette,
        ignore_label=255,
        train_crop_size=(33, 33),
        dataset_origin=DatasetOrigin(str(folder / "data" / "tfrecords" / "tiny"), "", 6),
    )
    weights = checkpoints.Reader(str(logdir / "model.ckpt-2"))
    assert weights.shapes["logits/semantic/weights"] == (1, 1, 256, 3)
    names = ema.saved_names(str(logdir / "model.ckpt-2"))
    assert sorted(names) == weights.weights
    for name in ("logits/semantic/weights", "aspp0/BatchNorm/moving_variance"):
        difference = weights.value(names[name]) - weights.value(name)
        assert 0 < np.abs(difference).max() < 0.1, name


def test_output_tells_options_warning_progress_and_checkpoint(folder):
    output = (folder / "output").read_text()

    assert "dataset tiny in data/tfrecords/tiny: 3 classes, 6 images in split train" in output
    assert "model_variant='xception_tiny'" in output
    assert "sync_batch_norm=True" in output
    assert "weight_decay" not in output  # It is as by default.
    assert output.count("warning: num_clones is 2, but this machine has no GPU") == 1
    assert "training from scratch" in output
    assert "step 2/2  loss " in output
    assert output.endswith("saved runs/tiny/model.ckpt-2\n")


def test_images_are_shown_in_tensorboard(folder):
    (events,) = (folder / "runs" / "tiny").glob("events*")

    tags = {
        value.tag
        for event in tf.train.summary_iterator(str(events))
        for value in event.summary.value
    }

    assert {"samples/image/image/0", "samples/label/image/0", "losses/merged_logits"} <= tags


def test_resumes_without_repeating_flags(folder):
    """Network and dataset are those of options.json, not the defaults and the one built last."""
    newer = folder / "data" / "tfrecords" / "newer"
    newer.mkdir()
    tiny_dataset.write(newer, _images(2))
    copy = folder / "runs" / "resumed"
    copy.mkdir()
    for path in (folder / "runs" / "tiny").iterdir():
        (copy / path.name).write_bytes(path.read_bytes())

    result = _train(
        folder,
        "--train_logdir=runs/resumed",
        "--training_number_of_steps=3",
        "--train_batch_size=2",
        "--ema_decay=0.9",
    )

    shutil.rmtree(newer)
    assert result.returncode == 0, result.stderr
    assert "dataset tiny in data/tfrecords/tiny: " in result.stdout
    assert "resuming from runs/resumed/model.ckpt-2 at step 2" in result.stdout
    assert "averages" not in result.stdout
    assert "logits/semantic/weights" in ema.saved_names(str(copy / "model.ckpt-3"))
    assert checkpoints.read_step(checkpoints.latest_checkpoint(str(copy))) == 3
    assert run_description.read_description(str(copy)) == run_description.read_description(
        str(folder / "runs" / "tiny")
    )


def test_does_not_resume_on_another_dataset_by_accident(folder):
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    tiny_dataset.write(elsewhere, _images(3))

    result = _train(folder, *SMALL, "--dataset_dir=elsewhere")

    assert result.returncode == 1
    assert result.stderr == (
        f"error: runs/tiny was trained on the dataset 'tiny' of {folder}/data/tfrecords/tiny, and "
        f"this is 'tiny' of {elsewhere}: choose another folder with --train_logdir, or its own "
        "dataset with --dataset_dir=data/tfrecords/tiny. To resume that training run on this "
        "dataset, name both: --train_logdir=runs/tiny --dataset_dir=elsewhere\n"
    )


def test_finished_training_ends_well(folder):
    result = _train(folder, "--training_number_of_steps=2")

    assert (result.returncode, result.stderr) == (0, "")
    assert "already finished: runs/tiny/model.ckpt-2 has 2 steps" in result.stdout


WRONG_INPUT = {
    "unknown flag": (["--deocder_output_stride=4"], 2, "Did you mean --decoder_output_stride"),
    "space": (["--dataset", "=tiny"], 1, "there is no dataset in data/tfrecords/=tiny"),
    "argument": (["tiny"], 2, "unexpected argument 'tiny'"),
    "dataset": (["--dataset=nope"], 1, "`make tfrecords`, or name one beside it: tiny."),
    "split": (["--train_split=nope"], 1, "has no split 'nope'; it has train"),
    "network": (["--model_variant=xception_41"], 1, "runs/tiny was trained with xception_tiny"),
    "same crop": (
        ["--train_crop_size=65,33"],
        1,
        "is (65, 33), but runs/tiny was trained with (33, 33)",
    ),
    "crop": (["--train_logdir=new", "--train_crop_size=64,65"], 1, "such as 49 or 65"),
    "batch": (
        ["--train_logdir=new", "--train_batch_size=3", "--num_clones=2"],
        1,
        "batch of 3 cannot be divided over 2 clones",
    ),
    "averages": (["--train_logdir=new", "--ema_decay=1"], 1, "ema_decay is 1.0; expected 0 (no av"),
    "checkpoint": (["--train_logdir=new", "--tf_initial_checkpoint=x"], 1, "x does not exist"),
    "cluster": (["--train_logdir=new", "--num_ps_tasks=1"], 1, "is 1 without a --master"),
    "label weights": (
        [*SMALL, "--train_logdir=new", "--label_weights=1,2"],
        1,
        "label_weights has 2 numbers, but there are 3 classes",
    ),
}


@pytest.fixture(scope="module")
def failures(folder) -> dict[str, subprocess.CompletedProcess]:
    """What each wrong input gives."""
    inputs = [arguments for arguments, _, _ in WRONG_INPUT.values()]
    results = command_runs.run_series("train", inputs, cwd=folder)
    return dict(zip(WRONG_INPUT, results, strict=True))


@pytest.mark.parametrize("case", WRONG_INPUT)
def test_wrong_input_is_one_line_and_leaves_nothing_behind(folder, failures, case):
    _, expected_status, message = WRONG_INPUT[case]
    result = failures[case]

    assert result.returncode == expected_status
    assert result.stderr.startswith("error: ")
    assert message in result.stderr
    # A wrong flag also tells of --help.
    assert len(result.stderr.splitlines()) == result.returncode
    assert not (folder / "new").exists()


def test_dataset_of_other_classes_is_refused(folder):
    directory = folder / "data" / "other"
    directory.mkdir()
    tiny_dataset.write(directory, _images(2), num_classes=4)

    result = _train(folder, "--dataset_dir=data/other")

    assert result.returncode == 1
    assert "runs/tiny was trained on tiny with ('class 0', 'class 1', 'class 2')" in result.stderr


@pytest.mark.slow
def test_image_with_wrong_label_ids_is_named(folder):
    directory = folder / "data" / "wrong_ids"
    directory.mkdir()
    images = _images(3)
    images[1][2][5, 5] = 77
    tiny_dataset.write(directory, images)

    result = _train(folder, *SMALL, "--dataset_dir=data/wrong_ids", "--train_logdir=wrong_ids")

    assert result.returncode == 1
    assert "image_1 holds label ids [77]" in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.slow
def test_truncated_records_are_named(folder):
    directory = folder / "data" / "truncated"
    directory.mkdir()
    tiny_dataset.write(directory, _images(3))
    (shard,) = directory.glob("*.tfrecord")
    os.truncate(shard, shard.stat().st_size - 100)

    result = _train(folder, *SMALL, "--dataset_dir=data/truncated", "--train_logdir=truncated")

    assert result.returncode == 1
    assert f"{shard.name} is truncated" in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.slow
def test_warm_start_from_a_network_without_gradient_and_with_other_classes(folder):
    """The way of a user with a published checkpoint."""
    directory = folder / "data" / "four"
    directory.mkdir()
    tiny_dataset.write(directory, _images(2), num_classes=4, with_gradient=False)
    arguments = [*SMALL, "--training_number_of_steps=1", "--base_learning_rate=0"]
    old = _train(folder, *arguments, "--dataset_dir=data/four", "--train_logdir=old")
    assert old.returncode == 0, old.stderr

    new = _train(
        folder,
        *arguments,
        "--dataset=tiny",
        "--train_logdir=warm",
        "--tf_initial_checkpoint=old",
    )

    assert new.returncode == 0, new.stderr
    assert "warm start from old/model.ckpt-1: " in new.stdout
    assert "logits/semantic" in new.stdout
    assert "biases [4] -> [3]" in new.stdout
    assert "adapted: depthwise_weights" in new.stdout
    before, after = (
        checkpoints.Reader(str(folder / run / "model.ckpt-1")) for run in ("old", "warm")
    )
    for name in ("xception_tiny/entry_flow/conv1_1/weights", "aspp0/weights"):
        np.testing.assert_array_equal(before.value(name), after.value(name), err_msg=name)


def test_tf_config_and_flags_of_the_cluster_contradict_each_other(folder):
    place = {
        "cluster": {"ps": ["localhost:1"], "worker": ["localhost:2"]},
        "task": {"type": "worker", "index": 0},
    }

    result = _train(folder, "--task=1", environment={"TF_CONFIG": json.dumps(place)})

    assert result.returncode == 1
    assert "--task and the environment variable TF_CONFIG both" in result.stderr


@pytest.mark.slow
def test_processes_of_a_cluster_must_have_their_flags_in_common(folder):
    ps, *workers = loopback_cluster.free_addresses(3)
    cluster = {"ps": [ps], "worker": workers}
    # Only its process could end it: both workers talk to it.
    server = tf.train.Server(cluster, job_name="ps", task_index=0)

    def train(index: int, *arguments: str) -> subprocess.CompletedProcess:
        place = {"cluster": cluster, "task": {"type": "worker", "index": index}}
        return _train(
            folder,
            "--model_variant=xception_tiny",
            "--train_batch_size=2",
            "--training_number_of_steps=2",
            *arguments,
            environment={"TF_CONFIG": json.dumps(place)},
        )

    chief = train(0, "--train_logdir=chief", "--train_crop_size=33,33")
    assert chief.returncode == 0, chief.stderr
    other = train(1, "--train_logdir=other", "--train_crop_size=65,49")
    same = train(1, "--train_logdir=other", "--train_crop_size=33,33")

    assert server is not None
    assert other.returncode == 1
    assert (
        "error: train_crop_size is [65, 49] here and [33, 33] in the chief's training; "
        "start every process with the same options.\n"
    ) in other.stderr
    assert same.returncode == 0, same.stderr
    assert f"joining the training run of {folder / 'chief'} at step 2" in same.stdout
