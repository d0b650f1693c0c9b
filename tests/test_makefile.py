"""The Makefile's variables reach the commands as they were given; a stub stands in for Python."""

import os
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")

STUB = '#!/bin/sh\nprintf "%s\\0" "$@"\n'


@pytest.fixture
def checkout(tmp_path) -> pathlib.Path:
    """A folder in which `make` finds everything installed, and prints what it would run."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(STUB)
    python.chmod(0o755)
    (tmp_path / ".venv" / ".installed").touch()
    return tmp_path


def start(checkout, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    """Runs `make` without what a `make test` around it hands down."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        ["make", "--silent", *arguments],
        cwd=checkout,
        capture_output=True,
        text=True,
        env={**kept, **environment},
    )


def make(checkout, *arguments: str, **environment: str) -> list[str]:
    """Returns the arguments of the command that `make` runs."""
    result = start(checkout, *arguments, **environment)
    assert result.returncode == 0, result.stderr
    return result.stdout.split("\0")[:-1]


@pytest.mark.parametrize(
    "path",
    ["my data", "two  spaces", "it's", 'a "b"', "cost$5", "$(x)", "[a] *?", "~/my data", "a,b;c&d"],
)
def test_a_path_reaches_the_command_as_it_is(checkout, path):
    assert make(checkout, "tfrecords", "DATASET=folder", f"DATA_DIR={path}") == [
        "-m",
        "datasets.build_tfrecords",
        "--dataset=folder",
        f"--data_dir={path}",
    ]
    assert make(checkout, "train", LOGDIR=path) == ["train.py", f"--train_logdir={path}"]
    assert make(checkout, "tensorboard", f"LOGDIR={path}")[-1] == f"--logdir={path}"
    assert make(checkout, "report", LOGDIR=path) == ["report.py", f"--checkpoint_dir={path}"]
    assert make(checkout, "export", f"CHECKPOINT={path}", f"MODEL={path}") == [
        "export_model.py",
        f"--checkpoint_path={path}",
        f"--export_path={path}",
    ]


def test_variables_that_are_not_given_make_no_flag(checkout):
    assert make(checkout, "tfrecords", "DATA_DIR= ") == ["-m", "datasets.build_tfrecords"]
    assert make(checkout, "tensorboard")[-1] == "--logdir=runs"
    assert make(checkout, "train", "ARGS=--a='b c' --d") == ["train.py", "--a=b c", "--d"]


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        ("a b.jpg", ["a b.jpg"]),
        ("it's.jpg", ["it's.jpg"]),
        ("~/a b.jpg", ["{home}/a b.jpg"]),
        ("a.jpg c.jpg", ["a.jpg", "c.jpg"]),
        ("'a b.jpg' c.jpg", ["a b.jpg", "c.jpg"]),
        ("?.jpg", ["c.jpg"]),
        ("'*/x.jpg'", ["*/x.jpg"]),
    ],
)
def test_one_image_or_several(checkout, images, expected):
    for name in ("a b.jpg", "c.jpg", "it's.jpg"):
        (checkout / name).touch()
    arguments = make(checkout, "infer", f"PICTURES={images}", HOME=str(checkout))
    expected = [path.format(home=checkout) for path in expected]
    assert arguments == ["infer.py", *expected]


def test_the_output_is_the_command_s_own_unless_it_is_given(checkout):
    """A folder of masks for segmentation, a table for classifiers."""
    (checkout / "a.jpg").touch()
    arguments = make(checkout, "infer", "PICTURES=a.jpg", "OUTPUT=classes.csv")
    assert arguments == ["infer.py", "a.jpg", "--output=classes.csv"]


@pytest.mark.parametrize("arguments", [(), ("PICTURES= ",), ("-j4",)])
def test_images_are_asked_for_before_anything_is_installed(checkout, arguments):
    shutil.rmtree(checkout / ".venv")
    result = start(checkout, "infer", "PYTHON=false", *arguments)
    assert result.returncode == 2
    assert result.stderr.startswith("error: which images? make infer PICTURES='photo.jpg folder/")
    assert not (checkout / ".venv").exists()


@pytest.mark.parametrize("images", ["photo (1).jpg b.jpg", "it's.jpg b.jpg", "a;b) c"])
def test_names_that_the_shell_does_not_take_are_told(checkout, images):
    result = start(checkout, "infer", f"PICTURES={images}")
    assert result.returncode == 2
    assert result.stderr.startswith("error: PICTURES: put names with spaces, brackets or apostr")
    assert result.stdout == ""
