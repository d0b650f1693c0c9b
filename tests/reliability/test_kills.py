"""Processes are killed and disks are full: what was finished stays, and nothing half is left.

The same in small as docs/reliability.md promises. Every kill is at a moment that the test chooses
by what lies in the folder, never by the clock.
"""

import os
import pathlib
import re
import time

import numpy as np
import pytest
from PIL import Image

from tests.support import command_runs
from training import checkpoints

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

NUM_IMAGES = 24
NETWORK = (
    "--model_variant=xception_tiny",
    "--train_crop_size=33,33",
    "--train_batch_size=2",
    "--aspp_convs_filters=8",
    "--decoder_filters=8",
)


@pytest.fixture(scope="module")
def discs(tmp_path_factory) -> pathlib.Path:
    """A folder of images and masks."""
    folder = tmp_path_factory.mktemp("data") / "discs"
    random = np.random.RandomState(0)
    rows, columns = np.mgrid[:96, :120]
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for number in range(NUM_IMAGES):
        row, column = random.randint(20, 70), random.randint(20, 100)
        disc = (rows - row) ** 2 + (columns - column) ** 2 < 200
        image = random.randint(0, 60, (96, 120, 3)) + 160 * disc[..., None]
        Image.fromarray(image.astype(np.uint8)).save(folder / "images" / f"{number}.png")
        Image.fromarray(disc.astype(np.uint8)).save(folder / "masks" / f"{number}.png")
    return folder


def build_arguments(discs: pathlib.Path, output: pathlib.Path) -> list[str]:
    return ["--dataset=folder", f"--data_dir={discs}", f"--output_dir={output}", "--num_shards=6"]


def build(discs: pathlib.Path, output: pathlib.Path) -> None:
    result = command_runs.run(
        "datasets/build_tfrecords.py", *build_arguments(discs, output), cwd=output.parent
    )
    assert result.returncode == 0, result.stderr


@pytest.fixture(scope="module")
def records(discs, tmp_path_factory) -> pathlib.Path:
    """The records that a build without interruption makes."""
    output = tmp_path_factory.mktemp("reference") / "discs"
    build(discs, output)
    return output


def contents(folder: pathlib.Path) -> dict[str, bytes]:
    return {
        path.name: path.read_bytes()
        for path in folder.iterdir()
        if path.suffix in (".tfrecord", ".json")
    }


def leftovers(folder: pathlib.Path) -> list[str]:
    return [str(p) for p in folder.rglob("*") if p.name.endswith(".tmp") or "temp" in p.name]


def wait_for(condition, process, seconds: float = 240) -> None:
    """Waits until a condition holds or a process has ended."""
    deadline = time.monotonic() + seconds
    while not condition() and process.is_alive():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.002)


@pytest.mark.parametrize(
    ("place", "num_shards"),
    # While the images are checked, and while what was written meanwhile comes to its place.
    [(".build/ahead", 1), (".build/ahead", 3), (".build/ahead", 5), (".", 1), (".", 4)],
)
def test_a_killed_build_goes_on_to_the_same_bytes(discs, records, tmp_path, place, num_shards):
    output = tmp_path / "discs"
    with command_runs.started(
        "datasets/build_tfrecords.py", *build_arguments(discs, output), cwd=tmp_path
    ) as command:
        wait_for(
            lambda: len(list((output / place).glob("*.tfrecord"))) >= num_shards, command.process
        )
        command.process.kill()
    if place != ".":
        assert not list(output.glob("*.tfrecord"))
    assert not (output / "dataset.json").exists() or contents(output) == contents(records)
    build(discs, output)
    assert contents(output) == contents(records)
    assert leftovers(output) == []


def newest_step(logdir: pathlib.Path) -> int:
    newest = checkpoints.latest_checkpoint(str(logdir))
    return checkpoints.read_step(newest) if newest else 0


def train_arguments(records: pathlib.Path, logdir: pathlib.Path, steps: int) -> list[str]:
    return [
        *NETWORK,
        f"--dataset_dir={records}",
        f"--train_logdir={logdir}",
        f"--training_number_of_steps={steps}",
        "--save_interval_secs=1",
        "--log_steps=1",
    ]


def test_a_training_that_is_killed_again_and_again_arrives(records, tmp_path):
    """Half of the kills hit while a checkpoint is being written."""
    logdir, steps = tmp_path / "run", 10_000
    saved = 0
    for number in range(4):
        with command_runs.started(
            "train.py", *train_arguments(records, logdir, steps), cwd=tmp_path
        ) as command:
            wait_for(lambda: newest_step(logdir) > saved, command.process)  # noqa: B023
            if number % 2:
                wait_for(lambda: leftovers(logdir), command.process)
            assert command.process.is_alive(), command.stderr()
            command.process.kill()
        before, saved = saved, newest_step(logdir)
        assert saved > before
        reader = checkpoints.Reader(checkpoints.latest_checkpoint(str(logdir)))
        assert all(np.isfinite(reader.value(name)).all() for name in reader.weights)
    result = command_runs.run(
        "train.py", *train_arguments(records, logdir, saved + 2), cwd=tmp_path
    )
    assert result.returncode == 0, result.stderr
    assert newest_step(logdir) == saved + 2
    assert leftovers(logdir) == []


@pytest.fixture(scope="module")
def export(records, tmp_path_factory) -> pathlib.Path:
    """An exported network of a few steps."""
    folder = tmp_path_factory.mktemp("export")
    for script, arguments in (
        ("train.py", train_arguments(records, folder / "run", 2)),
        ("export_model.py", [f"--checkpoint_path={folder / 'run'}"]),
    ):
        result = command_runs.run(script, *arguments, cwd=folder)
        assert result.returncode == 0, result.stderr
    return folder / "run" / "export"


@pytest.mark.parametrize("num_files", [1, 3, 6])
def test_a_killed_inference_leaves_whole_files_only(discs, export, tmp_path, num_files):
    masks = tmp_path / "masks"
    arguments = [str(discs / "images"), f"--model={export}", f"--output={masks}"]
    with command_runs.started("infer.py", *arguments, cwd=tmp_path) as command:
        wait_for(lambda: masks.is_dir() and len(os.listdir(masks)) >= num_files, command.process)
        command.process.kill()
    for path in masks.iterdir():
        if not path.name.endswith(".tmp"):
            Image.open(path).load()
    assert command_runs.run("infer.py", *arguments, cwd=tmp_path).returncode == 0
    assert len(list(masks.glob("*_mask.png"))) == NUM_IMAGES
    assert leftovers(masks) == []


# What a command may write to one file, in bytes: less than a shard, a checkpoint, or an overlay.
SMALL_DISK = 4000


def test_a_build_on_a_full_disk_says_which_file_and_goes_on_later(discs, records, tmp_path):
    output = tmp_path / "discs"
    arguments = build_arguments(discs, output)
    result = command_runs.run(
        "datasets/build_tfrecords.py", *arguments, cwd=tmp_path, max_file_bytes=SMALL_DISK
    )
    check_one_line(result, r"\.tfrecord cannot be written: ")
    assert not (output / "dataset.json").exists()
    assert leftovers(output) == []
    build(discs, output)
    assert contents(output) == contents(records)


def test_a_training_on_a_full_disk_keeps_its_last_checkpoint(records, tmp_path):
    logdir = tmp_path / "run"
    result = command_runs.run("train.py", *train_arguments(records, logdir, 2), cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    result = command_runs.run(
        "train.py", *train_arguments(records, logdir, 4), cwd=tmp_path, max_file_bytes=SMALL_DISK
    )
    check_one_line(result, str(logdir))
    assert newest_step(logdir) == 2
    assert leftovers(logdir) == []
    result = command_runs.run("train.py", *train_arguments(records, logdir, 4), cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert newest_step(logdir) == 4


def test_scores_are_printed_before_a_full_disk_loses_them(records, export, tmp_path):
    run = export.parent
    arguments = [f"--checkpoint_dir={run}", f"--dataset_dir={records}", f"--eval_logdir={tmp_path}"]
    result = command_runs.run(
        *("eval.py", "--max_number_of_evaluations=1", *arguments), cwd=tmp_path, max_file_bytes=1500
    )
    check_one_line(result, str(tmp_path))
    assert "mean IoU" in result.stdout


def test_an_inference_on_a_full_disk_leaves_no_half_image(discs, export, tmp_path):
    masks = tmp_path / "masks"
    arguments = [str(discs / "images"), f"--model={export}", f"--output={masks}"]
    result = command_runs.run("infer.py", *arguments, cwd=tmp_path, max_file_bytes=SMALL_DISK)
    check_one_line(result, r"_overlay\.jpg cannot be written: ")
    for path in masks.iterdir():
        Image.open(path).load()
    assert leftovers(masks) == []


def check_one_line(result, message: str) -> None:
    assert result.returncode == 1, result.stderr
    errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, result.stderr
    assert re.search(message, errors[0])
    assert "Traceback" not in result.stderr
