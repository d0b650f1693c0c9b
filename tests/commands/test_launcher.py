"""How commands start: interrupts and closed streams before anything is loaded."""

import importlib.util
import os
import pathlib
import signal
import subprocess
import sys

import pytest

from commands import launcher

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_closed_streams_lead_nowhere(tmp_path):
    """Not into the file that is opened next."""
    script = """
from commands import launcher
from commands.command import Command
def main(flags, arguments):
    with open("result", "w") as file:
        print("scores", flush=True)
        file.write("mine")
    raise ValueError("theirs")
launcher.execute(Command("", main, needs_tensorflow=False))
"""
    shell = f"exec {sys.executable} -c '{script}' <&- >&- 2>&-"
    result = subprocess.run(
        ["sh", "-c", shell],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=120,
        check=False,
    )
    assert result.returncode == 1
    assert (tmp_path / "result").read_text() == "mine"


# Ctrl-C while a command loads: a module that stands in the place of another one is the clock.
RAISES = "raise KeyboardInterrupt\n"
IS_SIGNALLED = "import os, signal, time\nos.kill(os.getpid(), signal.{})\ntime.sleep(60)\n"
# As modules in C++ do it, and a callback in the middle of an import.
HIDES = """
import os, signal
try:
    os.kill(os.getpid(), signal.SIGINT)
    import time; time.sleep(60)
except KeyboardInterrupt as error:
    raise ImportError("initialization failed") from error
"""
IN_CALLBACK = """
class Interrupted:
    def __del__(self):
        raise KeyboardInterrupt
Interrupted()
raise AssertionError("must have ended")
"""
LOADING = {
    "early": (["train.py"], "absl", RAISES),
    "by a signal": (["eval.py"], "tensorflow", IS_SIGNALLED.format("SIGINT")),
    "by an exception": (["vis.py"], "tensorflow", RAISES),
    "hidden": (["export_model.py"], "tensorflow", HIDES),
    "in a callback": (["export_model.py"], "tensorflow", IN_CALLBACK),
    "a module": (["-m", "datasets.build_tfrecords"], "absl", RAISES),
    "a script": (["-m", "scripts.demo"], "absl", IS_SIGNALLED.format("SIGINT")),
    "late": (["eval.py"], "tqdm", RAISES),
}


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


def _interrupt(folder, arguments, module, content):
    (folder / f"{module}.py").write_text(content)
    if arguments[0] != "-m":
        arguments = [str(ROOT / arguments[0]), *arguments[1:]]
    return _python(arguments, folder, modules=[str(folder)])


@pytest.mark.parametrize("case", LOADING)
def test_ctrl_c_while_it_loads_is_one_word(tmp_path, case):
    result = _interrupt(tmp_path, *LOADING[case])
    assert (result.returncode, result.stdout, result.stderr) == (130, "", "interrupted\n")


def test_sigterm_while_it_loads_ends_it_without_a_word(tmp_path):
    result = _interrupt(tmp_path, ["eval.py"], "tensorflow", IS_SIGNALLED.format("SIGTERM"))
    assert (result.returncode, result.stdout, result.stderr) == (-signal.SIGTERM, "", "")


def test_without_tensorflow_a_command_that_needs_it_is_one_line(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["/somewhere/eval.py"])
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit) as ended:
        launcher._require_tensorflow()
    assert ended.value.code == 1
    assert capsys.readouterr().err.startswith("error: eval.py needs TensorFlow, which is not inst")
