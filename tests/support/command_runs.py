"""Runs the root scripts in processes of their own that need not start TensorFlow anew.

Importing TensorFlow takes three seconds, and the tests of the commands start dozens of processes.
Each is forked here from a server that has imported it and done nothing with it. What a command
does from its first line on is the same: arguments, folder, environment, output, exit status. Graphs
run as they were built, unless a test asks for TensorFlow's optimizer of graphs.
"""

import contextlib
import json
import multiprocessing
import multiprocessing.forkserver
import os
import pathlib
import resource
import runpy
import subprocess
import sys
import tempfile
import unittest.mock
from collections.abc import Iterator, Mapping, Sequence

from tests.support import sessions

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Starts processes from the server; `start_server` comes first.
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.support.preloaded"])

_SERIES = """
import contextlib, io, json, sys
from commands import launcher

command, inputs = sys.argv[1:]
results = []
for arguments in json.loads(inputs):
    status, streams = 0, (io.StringIO(), io.StringIO())
    sys.argv = [command + ".py", *arguments]
    with contextlib.redirect_stdout(streams[0]), contextlib.redirect_stderr(streams[1]):
        try:
            launcher.run(command)
        except SystemExit as end:
            status = end.code or 0
    results.append([status, *(stream.getvalue() for stream in streams)])
print(json.dumps(results))
"""


def start_server() -> None:
    """Starts the server at the first call; quietly, as `commands.launcher` imports TensorFlow."""
    with unittest.mock.patch.dict(os.environ, TF_CPP_MIN_LOG_LEVEL="2"):
        multiprocessing.forkserver.ensure_running()


class Command:
    """A running command.

    Attributes:
      process: its process.
    """

    def __init__(self, process: multiprocessing.Process, outputs: Sequence[str]):
        self.process = process
        self._outputs = outputs

    def stdout(self) -> str:
        """Returns what it has printed so far."""
        return pathlib.Path(self._outputs[0]).read_text()

    def stderr(self) -> str:
        """Returns what it has printed as errors so far."""
        return pathlib.Path(self._outputs[1]).read_text()


@contextlib.contextmanager
def started(
    script: str,
    *arguments: str,
    cwd: os.PathLike | str,
    environment: Mapping[str, str] | None = None,
    max_file_bytes: int | None = None,
    is_optimized: bool = False,
) -> Iterator[Command]:
    """Starts `python SCRIPT ARGUMENTS`, and kills it when the block ends, if it still runs.

    Args:
      script: its path; one of the project's, relative to the project's root.
      arguments: its arguments.
      cwd: folder to run it in.
      environment: variables to set besides those of this process.
      max_file_bytes: size beyond which no file can be written, as on a full disk.
      is_optimized: whether TensorFlow rewrites graphs before it runs them, as it does for users;
        see `sessions.unoptimized`.

    Yields:
      The command.
    """
    with tempfile.TemporaryDirectory() as folder:
        outputs = [os.path.join(folder, name) for name in ("stdout", "stderr")]
        for path in outputs:
            pathlib.Path(path).touch()
        process = CONTEXT.Process(
            target=_run_script,
            args=(
                str(ROOT / script),
                list(arguments),
                str(cwd),
                # The variable keeps `allocator` from starting the process again.
                {**os.environ, "GLIBC_TUNABLES": "", **(environment or {})},
                outputs,
                max_file_bytes,
                is_optimized,
            ),
        )
        start_server()
        process.start()
        try:
            yield Command(process, outputs)
        finally:
            process.kill()
            process.join()


def run(
    script: str,
    *arguments: str,
    timeout: float = 300,
    **how,
) -> subprocess.CompletedProcess:
    """Runs `python SCRIPT ARGUMENTS` to its end.

    Args:
      script: see `started`.
      arguments: its arguments.
      timeout: seconds after which it is killed.
      **how: see `started`.

    Returns:
      Exit status, standard output and standard error, as of `subprocess.run(…, text=True)`.

    Raises:
      TimeoutError: it took too long.
    """
    with started(script, *arguments, **how) as command:
        command.process.join(timeout)
        if command.process.is_alive():
            raise TimeoutError(f"{script} {' '.join(arguments)} took more than {timeout} s")
        return subprocess.CompletedProcess(
            [script, *arguments], command.process.exitcode, command.stdout(), command.stderr()
        )


def run_program(program: str, *arguments: str, **how) -> subprocess.CompletedProcess:
    """Runs `python -c PROGRAM ARGUMENTS` with the project's modules; see `run`."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "program.py")
        pathlib.Path(path).write_text(program, encoding="utf-8")
        return run(path, *arguments, **how)


def run_series(
    command: str, inputs: Sequence[Sequence[str]], **how
) -> list[subprocess.CompletedProcess]:
    """Runs a command with several lines of arguments, one after the other, in one process.

    Args:
      command: its name, such as "train".
      inputs: the arguments of each run.
      **how: see `started`.

    Returns:
      What each run gave, as of `run`.
    """
    result = run_program(_SERIES, command, json.dumps(inputs), **how)
    assert result.returncode == 0, result.stderr
    outcomes = json.loads(result.stdout)
    return [
        subprocess.CompletedProcess([command, *arguments], *outcome)
        for arguments, outcome in zip(inputs, outcomes, strict=True)
    ]


def _run_script(
    script: str,
    arguments: list[str],
    cwd: str,
    environment: dict[str, str],
    outputs: list[str],
    max_file_bytes: int | None,
    is_optimized: bool,
) -> None:
    for descriptor, path in enumerate(outputs, start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), descriptor)
    sys.stdin = open(os.devnull)  # noqa: SIM115
    sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    sys.path.insert(0, str(ROOT))
    sys.argv = [script, *arguments]
    if max_file_bytes is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (max_file_bytes, max_file_bytes))
    if not is_optimized:
        sessions.leave_graphs_as_built()
    try:
        runpy.run_path(script, run_name="__main__")
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
