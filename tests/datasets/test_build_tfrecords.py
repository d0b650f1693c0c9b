"""The command: what it writes and prints, and one clear line when something is wrong."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import unicodedata

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from datasets.records import build_folder, shard_names, tfrecords
from datasets.segmentation import specs
from tests.support import command_runs, sample_images

COMMAND = [sys.executable, "-m", "datasets.build_tfrecords"]
ROOT = str(pathlib.Path(__file__).resolve().parents[2])


def run(*arguments: str, cwd=ROOT, **how) -> subprocess.CompletedProcess:
    return command_runs.run("datasets/build_tfrecords.py", *arguments, cwd=cwd, **how)


def last_line(result: subprocess.CompletedProcess) -> str:
    assert "Traceback" not in result.stderr
    return result.stderr.strip().splitlines()[-1]


@pytest.fixture
def data_dir(tmp_path):
    for index in range(6):
        mask = np.zeros((24, 40), np.uint8)
        mask[: 4 + index] = 1
        sample_images.save_pair(tmp_path / "pets", f"p{index}", mask, index)
    return tmp_path / "pets"


def test_a_folder_becomes_the_last_dataset_built(data_dir, tmp_path):
    result = subprocess.run(
        [*COMMAND, f"--data_dir={data_dir}", "--val_fraction=0.4"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": ROOT},
    )
    assert result.returncode == 0, result.stderr
    directory = specs.find_last_dataset(str(tmp_path / "data" / "tfrecords"))
    assert os.path.basename(directory) == "pets"
    spec = specs.read_spec(directory)
    assert spec.has_gradient
    assert sum(split.num_examples for split in spec.splits.values()) == 6
    for name, split in spec.splits.items():
        (path,) = spec.shard_paths(name)
        assert tfrecords.count_records(path) == split.num_examples
    assert "pets: 2 classes in" in result.stdout
    assert "--label_weights=" in result.stdout
    assert "Train on it: python train.py\n" in result.stdout
    assert "img/s" in result.stderr


def test_records_of_another_folder_of_the_same_name_are_not_replaced(data_dir, tmp_path):
    assert run(f"--data_dir={data_dir}", cwd=tmp_path).returncode == 0
    other = tmp_path / "x" / "pets"
    for index in range(4):
        mask = np.repeat(np.array([[0, 1]], np.uint8), 20, axis=1)
        sample_images.save_pair(other, f"q{index}", mask, index)
    output = tmp_path / "data" / "tfrecords" / "pets"
    before = {path: path.read_bytes() for path in output.glob("*.[tj]*")}
    result = run(f"--data_dir={other}", cwd=tmp_path)
    assert result.returncode == 1
    assert last_line(result) == (
        f"error: data/tfrecords/pets holds the dataset 'pets' of {data_dir}, and this is the one "
        f"of {other}: choose another folder with --output_dir (with make: TFRECORDS=FOLDER), or "
        "remove that one."
    )
    assert {path: path.read_bytes() for path in output.glob("*.[tj]*")} == before

    shutil.move(data_dir, tmp_path / "moved")
    result = run(f"--data_dir={other}", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert build_folder.recall_data_dir(str(output)) == str(other)


def test_check_only_draws_a_sheet_writes_nothing_else_and_tells_by_its_status(data_dir, tmp_path):
    os.truncate(data_dir / "masks" / "p1.png", 50)
    sample_images.write_json(data_dir / "classes.json", {"names": ["background", "pet"]})
    result = run(f"--data_dir={data_dir}", "--check_only", cwd=tmp_path)
    assert result.returncode == 1
    assert f"{data_dir}/masks/p1.png" in result.stdout
    assert sorted(os.listdir(tmp_path)) == ["data", "pets"]
    assert [*(tmp_path / "data").rglob("*.*")] == [tmp_path / "data" / "sheets" / "pets.png"]
    assert "data/sheets/pets.png shows 5 images with their masks in color." in result.stdout

    result = run(f"--data_dir={data_dir}", "--check_only", "--sheet=", cwd=tmp_path)
    assert "sheets" not in result.stdout
    result = run(f"--data_dir={data_dir}", "--sheet=pets/a.jpg", cwd=tmp_path)
    assert last_line(result) == "error: --sheet=pets/a.jpg: expected the name of a PNG file: a.png."


def test_errors_end_the_command_before_anything_is_written_or_are_skipped(data_dir, tmp_path):
    sample_images.write_json(data_dir / "classes.json", {"names": ["background", "pet"]})
    damaged = data_dir / "images" / "p1.jpg"
    os.truncate(damaged, damaged.stat().st_size // 2)
    out = tmp_path / "out"
    options = [f"--data_dir={data_dir}", f"--output_dir={out}", "--val_fraction=0.4"]

    result = run(*options)
    assert result.returncode == 1
    assert str(damaged) in result.stdout
    assert last_line(result).startswith("error: the check found 1 error ")
    assert "--on_error=skip" in last_line(result)
    assert not out.exists()

    result = run(*options, "--on_error=skip")
    assert result.returncode == 0, result.stderr
    assert "p1: " in result.stderr
    assert f"Train on it: python train.py --dataset_dir={out}\n" in result.stdout
    spec = specs.read_spec(str(out))
    assert sum(split.num_examples for split in spec.splits.values()) == 5

    result = run(*options, "--on_error=skip")
    assert "2 of 2 shards are there already" in result.stderr
    assert "checking" not in result.stderr

    os.utime(data_dir / "masks" / "p0.png", (0, 0))
    result = run(*options, "--on_error=skip")
    assert "1 of 2 shards are written again" in result.stderr


def test_folders_odd_names_and_a_split_without_masks(tmp_path):
    """One run over what people have; the records' names are composed and hold the folder."""
    mask = np.zeros((24, 40), np.uint8)
    mask[:5] = 1
    data_dir = tmp_path / "cars [v2] *?'\" é"
    for index, name in enumerate(["a", "town/w 1", unicodedata.normalize("NFD", "é")]):
        sample_images.save_pair(data_dir / "train", name, mask, index)
    for index, name in enumerate(["b", "\x1b[31m", "e" * 251]):
        sample_images.save_pair(data_dir / "valid", name, mask, index + 3)
    sample_images.save(data_dir / "test" / "images" / "c.jpg", sample_images.smooth_rgb(24, 40, 6))
    for side, ending in (("images", ".jpg"), ("masks", ".png")):
        path = data_dir / "train" / side / f"a{ending}"
        os.rename(path, os.fsencode(path.parent) + b"/caf\xe9" + ending.encode())
    out = tmp_path / "out"
    options = ["--data_dir=~/" + data_dir.name, f"--output_dir={out}"]
    home = {"HOME": str(tmp_path)}

    result = run(*options, environment=home)
    assert last_line(result).startswith("error: the check found 1 error in the dataset")
    assert r"train/images/caf\udce9.jpg: the name of this file is not UTF-8" in result.stdout
    assert not out.exists()

    result = run(*options, "--on_error=skip", environment=home)
    assert result.returncode == 0, result.stderr
    assert "Split 'test' has no masks and is left out." in result.stdout
    assert r"skipped: caf\udce9: " in result.stderr
    assert "\x1b" not in result.stdout
    spec = specs.read_spec(str(out))
    assert list(spec.splits) == ["train", "val"]
    names = {
        split: [
            tf.train.Example.FromString(record)
            .features.feature["image/filename"]
            .bytes_list.value[0]
            .decode()
            for path in spec.shard_paths(split)
            for record in tfrecords.read_records(path)
        ]
        for split in spec.splits
    }
    assert names == {"train": ["town/w 1", "é"], "val": ["\x1b[31m", "b", "e" * 251]}


def test_a_typo_in_a_list_is_told_without_the_check_too(data_dir, tmp_path):
    for split, lines in (("train", "p0\np1\npp2\n"), ("val", "p4\n")):
        sample_images.write(data_dir / "splits" / f"{split}.txt", lines)
    options = [f"--data_dir={data_dir}", f"--output_dir={tmp_path}/out", "--nocheck"]
    result = run(*options)
    assert last_line(result).startswith("error: listing the files found 1 error in the dataset")
    assert "train.txt: line 3 names 'pp2': " in result.stderr
    assert "Did you mean 'p" in result.stderr
    result = run(*options, "--on_error=skip")
    assert result.returncode == 0, result.stderr
    assert specs.read_spec(f"{tmp_path}/out").split("train").num_examples == 2


def interrupt_at_a_pipe(
    command: list[str], pipe: str, out: str, num_shards: int
) -> tuple[int, str]:
    """Sends SIGINT to a command that waits for an image; returns the exit status and stderr.

    Args:
      command: what to run.
      pipe: a named pipe in the place of the image, so that the command cannot be faster.
      out: folder of the shards.
      num_shards: how many shards lie before that image, to wait for.
    """
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        # Whoever started the tests in the background had the shell ignore SIGINT for them.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 120

    def wait() -> None:
        assert time.monotonic() < deadline
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)

    while True:
        try:  # This end opens once the command has opened the other one for reading.
            writing_end = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
            break
        except OSError:
            wait()
    while len(shard_names.list_ours(out)) < num_shards:
        wait()
    process.send_signal(signal.SIGINT)
    os.close(writing_end)
    _, stderr = process.communicate(timeout=60)
    return process.returncode, stderr


def test_ctrl_c_keeps_what_is_finished_and_the_next_run_goes_on(data_dir, tmp_path):
    """Shards hold one image each; the first of the split `val` stops in the middle."""
    sample_images.write_json(data_dir / "classes.json", {"names": ["background", "pet"]})
    for split, names in (("train", ["p0", "p1", "p2", "p3"]), ("val", ["p4", "p5"])):
        sample_images.write(data_dir / "splits" / f"{split}.txt", "\n".join(names))
    image = data_dir / "images" / "p4.jpg"
    os.rename(image, tmp_path / "p4.jpg")
    os.mkfifo(image)
    out = tmp_path / "out"
    options = [f"--data_dir={data_dir}", f"--output_dir={out}", "--nocheck", "--num_workers=1"]
    options += ["--num_shards=4"]

    status, stderr = interrupt_at_a_pipe([*COMMAND, *options], str(image), str(out), 4)
    assert status == 130
    assert "Traceback" not in stderr
    assert "goes on where this one stopped" in stderr
    kept = shard_names.list_ours(str(out))
    assert len(kept) == 4
    visible = sorted(name for name in os.listdir(out) if name != ".build")
    assert visible == [os.path.basename(path) for path in kept]
    times = {path: os.stat(path).st_mtime_ns for path in kept}

    os.replace(tmp_path / "p4.jpg", image)
    result = run(*options)
    assert result.returncode == 0, result.stderr
    assert "4 of 6 shards are there already" in result.stderr
    assert "2/2" in result.stderr
    assert {path: os.stat(path).st_mtime_ns for path in kept} == times
    assert "written again" not in result.stderr
    spec = specs.read_spec(str(out))
    assert {name: split.num_examples for name, split in spec.splits.items()} == {
        "train": 4,
        "val": 2,
    }


def test_a_second_build_into_one_folder_is_refused(data_dir, tmp_path):
    """The lock of this process stands for that of a first build."""
    out = tmp_path / "out"
    options = [f"--data_dir={data_dir}", f"--output_dir={out}", "--nocheck"]
    with build_folder.sole_build(str(out)):
        result = run(*options)
    assert result.returncode == 1
    line = last_line(result)
    assert line.startswith(f"error: {out} is in use by another build of a dataset, process ")
    assert str(os.getpid()) in line
    assert line.endswith("Wait until that one has ended, or choose another output_dir.")
    assert os.listdir(out) == [".build"]
    # Its end frees the folder, and its lock is no part of the dataset.
    assert run(*options).returncode == 0
    with build_folder.sole_build(str(out)):
        assert sorted(os.listdir(out / ".build")) == [
            ".lock",
            "owner.json",
            "train-00000-of-00001.json",
            "val-00000-of-00001.json",
        ]


def test_a_full_disk_is_one_line_and_leaves_no_half_file(data_dir, tmp_path):
    """A limit on file sizes stands in for the full disk."""
    out = tmp_path / "out"
    options = [f"--data_dir={data_dir}", f"--output_dir={out}", "--nocheck"]
    result = run(*options, max_file_bytes=4096)
    assert result.returncode == 1
    assert last_line(result).startswith(f"error: {out}/train-00000-of-00001.tfrecord cannot be")
    assert os.listdir(out) == [".build"]


def test_wrong_input_is_told_in_one_line(data_dir, tmp_path):
    cases = (
        (["--dataset=camvid"], 1, "error: --dataset=camvid needs --data_dir"),
        (["--data_dir=pets", "--output_dir=pets/images/p0.jpg/x"], 1, "is not a folder"),
        (["--data_dir=pets", "--beam_options=--x=1"], 1, "--beam_options goes with --runner"),
        (["--dataset=camvit", "--data_dir=pets"], 2, "camvit"),
        (["--data_dir=pets", "--mask_values=0:0,0:1"], 2, "value 0 is named twice"),
        (["--data_dir=pets", "--mask_values=0:0,1:2"], 2, "has the ids 0, 2, but not 1"),
        (
            ["--dataset=camvid", "--data_dir=pets", "--mask_values=0:0"],
            1,
            "does not take",
        ),
    )
    inputs = [arguments for arguments, _, _ in cases]
    results = command_runs.run_series("build_tfrecords", inputs, cwd=tmp_path)
    for (_, status, message), result in zip(cases, results, strict=True):
        assert result.returncode == status, result.stderr
        assert "Traceback" not in result.stderr
        assert message in result.stderr
    assert os.listdir(tmp_path) == ["pets"]


@pytest.mark.slow
def test_the_demo_needs_no_argument(tmp_path):
    result = run(cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    spec = specs.read_spec(specs.find_last_dataset(str(tmp_path / "data" / "tfrecords")))
    assert "No --data_dir is given, so this is the demo" in result.stderr
    assert spec.name == "demo"
    assert spec.num_classes >= 7
    assert spec.split("train").ignored_pixels > 0


@pytest.mark.slow
def test_camvid(shared, tmp_path):
    result = run("--dataset=camvid", f"--data_dir={shared}/camvid", f"--output_dir={tmp_path}/out")
    assert result.returncode == 0, result.stderr
    spec = specs.read_spec(str(tmp_path / "out"))
    assert (spec.split("train").num_examples, spec.split("val").num_examples) == (367, 101)
    assert (spec.num_classes, spec.ignore_label) == (11, 255)
    assert (spec.split("val").max_height, spec.split("val").max_width) == (360, 480)
