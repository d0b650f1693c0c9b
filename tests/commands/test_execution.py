"""What every command does with errors, interrupts and flags that are wrong."""

import dataclasses
import errno
import os
import pathlib
import signal
import subprocess
import sys

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from commands import launcher
from commands.command import Command
from common.option_fields import DATA, option

ROOT = pathlib.Path(__file__).resolve().parents[2]
HINT = "Pass --help to see the flags that matter, --helpfull to see all."


@dataclasses.dataclass(frozen=True)
class Options:
    """Options of these tests."""

    number: int = option(1, "A number.", DATA, is_common=True, aliases=("count", "n"))
    numbers: tuple[float, ...] = option((1.0,), "Numbers.", DATA)


def _command(main) -> Command:
    return Command("Does nothing.\n\nAt length.", main, (Options,), needs_tensorflow=False)


@pytest.fixture
def run(monkeypatch, capsys):
    """Runs a main function as a command; returns (exit status, stdout, stderr)."""

    def run(main, *arguments):
        monkeypatch.setattr(sys, "argv", ["command.py", *arguments])
        with pytest.raises(SystemExit) as ended:
            launcher.execute(_command(main))
        return (ended.value.code, *capsys.readouterr())

    return run


def _failing(error: Exception):
    def main(flags, arguments):
        raise error

    return main


ERRORS = [
    (ValueError("crop is 3; expected 4."), "crop is 3; expected 4."),
    (ValueError("two\nlines \x1b[31mand\x07 colors"), r"two lines \x1b[31mand\x07 colors"),
    (ValueError("x" * 9000), "x" * 1331 + " … " + "x" * 666),
    (
        FileNotFoundError(errno.ENOENT, "No such file or directory", "a\n\x1b[31mb"),
        r"a\n\x1b[31mb: No such file or directory",
    ),
    (IsADirectoryError(errno.EISDIR, "Is a directory", b"x"), "x: Is a directory"),
    (FileExistsError(errno.EEXIST, "File exists", "a", None, "b"), "a and b: File exists"),
    (OSError(errno.ENOSPC, "No space left on device"), "No space left on device (--traceback sho"),
    (OSError("runs/x cannot be written: full"), "runs/x cannot be written: full"),
    (MemoryError(), "not enough memory: take a smaller crop or batch, or end other programs."),
    (RecursionError("maximum recursion depth"), "the input is nested too deeply (--traceback"),
    (
        UnicodeDecodeError("utf-8", b"ab\xff", 2, 3, "invalid start byte"),
        "a file is not utf-8 text: byte 0xff at 2 (--traceback shows where)",
    ),
    (
        tf.errors.NotFoundError(
            None, None, "Graph execution error:\n\nDetected at node 'x'\n(0) NOT_FOUND: no file a"
        ),
        "NOT_FOUND: no file a",
    ),
]


@pytest.mark.parametrize(("error", "message"), ERRORS, ids=lambda each: type(each).__name__)
def test_an_error_of_the_users_input_is_one_line(run, error, message):
    status, out, err = run(_failing(error))
    assert (status, out) == (1, "")
    assert err.startswith(f"error: {message}")
    assert err.count("\n") == 1


def test_too_large_an_array_is_told_with_its_size(run):
    status, _, err = run(lambda flags, arguments: np.zeros(1 << 50))
    assert status == 1
    assert err.startswith("error: not enough memory (Unable to allocate 8.00 PiB for an array")


def test_a_mistake_of_ours_and_a_wish_for_one_show_the_traceback(run, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["command.py"])
    with pytest.raises(TypeError, match="ours"):
        launcher.execute(_command(_failing(TypeError("ours"))))
    monkeypatch.setattr(sys, "argv", ["command.py", "--traceback"])
    with pytest.raises(ValueError, match="theirs"):
        launcher.execute(_command(_failing(ValueError("theirs"))))


def _script(call: str) -> str:
    return (
        "from commands import launcher; from commands.command import Command; "
        f"launcher.execute(Command('', lambda flags, arguments: {call}, needs_tensorflow=False))"
    )


def test_a_full_disk_behind_standard_output_is_named(tmp_path):
    """In a process of its own: at the exit Python would print another two lines."""
    script = _script("print('scores')")
    for options in ([], ["-u"]):  # The error comes with the flush, or with the print.
        with open("/dev/full", "w") as full:
            result = _python([*options, "-c", script], tmp_path, stdout=full)
        assert result.returncode == 1
        assert result.stderr == "error: standard output: No space left on device\n"


def test_output_that_nobody_reads_ends_a_command_quietly(tmp_path):
    for arguments in ([], ["--help"]):
        reader, writer = os.pipe()
        os.close(reader)
        result = _python(["-c", _script("print('scores')"), *arguments], tmp_path, writer)
        os.close(writer)
        assert (result.returncode, result.stderr) == (1, "")


def test_a_name_that_is_not_utf_8_is_printed_with_escapes(tmp_path):
    result = _python(["-c", _script("print('a\\udcffb ß')")], tmp_path)
    assert (result.returncode, result.stdout, result.stderr) == (0, "a\\udcffb ß\n", "")


def _flagfile(content: bytes | None):
    def write(folder: pathlib.Path) -> pathlib.Path:
        path = folder / "recipe.flags"
        if content is None:
            path.mkdir()
        elif content:
            path.write_bytes(content)
        return path

    return write


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (_flagfile(b""), "flagfile {}: No such file or directory"),
        (_flagfile(None), "flagfile {}: Is a directory"),
        (_flagfile(b"\xff\xfe-\0-\0"), "--flagfile={}: the file is not UTF-8 text. Save it as"),
        (
            _flagfile(b"--notrace=\x1b[31m\n"),
            "there is no flag --notrace.",
        ),
        (_flagfile(b"--traceback=21\n"), "flag --traceback=21: expected true or false"),
        (_flagfile(b"--flagfile=/nowhere/x\n"), "flagfile /nowhere/x: No such file or directory"),
    ],
)
def test_a_wrong_flagfile_is_one_line_and_status_2(run, tmp_path, write, message):
    path = write(tmp_path)
    status, out, err = run(_failing(AssertionError("must not run")), f"--flagfile={path}")
    assert (status, out) == (2, "")
    assert err.startswith("error: " + message.format(path))
    assert err.splitlines()[1:] == [HINT]


@pytest.mark.parametrize(
    ("flag", "expected"),
    [
        ("--number=99999999999999999999", "at most 4611686018427387904"),
        ("--numbers=nan", "a number"),
    ],
)
def test_a_number_that_nothing_can_be_is_a_wrong_flag(run, flag, expected):
    status, _, err = run(_failing(AssertionError("must not run")), flag)
    assert status == 2
    assert err.startswith(f"error: flag {flag}: expected {expected}\n")


def test_a_value_of_a_negated_flag_is_a_wrong_flag(run):
    status, _, err = run(_failing(AssertionError("must not run")), "--notraceback=false")
    assert status == 2
    assert err.splitlines() == [
        "error: --notraceback takes no value: write --notraceback or --traceback=false.",
        HINT,
    ]


@pytest.mark.parametrize("flag", ["--help", "-h", "--help=true", "--helpfull=1"])
def test_help_is_printed_however_it_is_asked_for(run, flag):
    status, out, _ = run(_failing(AssertionError("must not run")), flag)
    assert status == 0
    assert out.startswith("Does nothing.")


def test_a_file_in_a_folders_place_is_named(run, tmp_path):
    (tmp_path / "runs").write_text("")
    status, _, err = run(lambda flags, arguments: os.makedirs(tmp_path / "runs", exist_ok=True))
    assert status == 1
    assert err == f"error: {tmp_path}/runs is a file, where a folder is wanted: give another name\n"


def test_an_argument_that_was_not_meant_is_named_safely(run):
    status, _, err = run(_failing(AssertionError("must not run")), "=camvid\x1b[31m")
    assert status == 2
    assert err.startswith(r"error: unexpected argument '=camvid\x1b[31m': flags are written")


def test_ctrl_c_while_it_runs_is_one_word(run):
    def main(flags, arguments):
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("must have been interrupted")

    assert run(main) == (130, "", "interrupted\n")


def _python(arguments, folder, stdout=subprocess.PIPE, modules=()):
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([*modules, str(ROOT)])},
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
        check=False,
    )
