"""Runs the root scripts in processes of their own that need not start TensorFlow anew.

Importing TensorFlow takes three seconds, and the tests of the commands start dozens of processes.
Each is forked here from a server that has imported it and done nothing with it. What a command
does from its first line on is the same: arguments, folder, environment, output, exit status.
"""

import multiprocessing
import multiprocessing.forkserver
import os
import pathlib
import runpy
import subprocess
import sys
import tempfile
import unittest.mock
from collections.abc import Mapping

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Starts processes from the server; `start_server` comes first.
CONTEXT = multiprocessing.get_context("forkserver")
# Nothing that starts a thread: a fork keeps only the one that calls it.
CONTEXT.set_forkserver_preload(["tensorflow.compat.v1", "tf_slim", "PIL.Image", "cv2", "tqdm"])


def start_server() -> None:
    """Starts the server at the first call; quietly, as `command_line` imports TensorFlow."""
    with unittest.mock.patch.dict(os.environ, TF_CPP_MIN_LOG_LEVEL="2"):
        multiprocessing.forkserver.ensure_running()


def run(
    script: str,
    *arguments: str,
    cwd: os.PathLike | str,
    environment: Mapping[str, str] | None = None,
    timeout: float = 300,
) -> subprocess.CompletedProcess:
    """Runs `python SCRIPT ARGUMENTS` to its end.

    Args:
      script: file name of a script in the project's root.
      arguments: its arguments.
      cwd: folder to run it in.
      environment: variables to set besides those of this process.
      timeout: seconds after which it is killed.

    Returns:
      Exit status, standard output and standard error, as of `subprocess.run(…, text=True)`.

    Raises:
      TimeoutError: it took too long.
    """
    with tempfile.TemporaryDirectory() as folder:
        outputs = [os.path.join(folder, name) for name in ("stdout", "stderr")]
        process = CONTEXT.Process(
            target=_run_script,
            args=(
                str(ROOT / script),
                list(arguments),
                str(cwd),
                # The variable keeps `allocator` from starting the process again.
                {**os.environ, "GLIBC_TUNABLES": "", **(environment or {})},
                outputs,
            ),
        )
        start_server()
        process.start()
        process.join(timeout)
        if process.is_alive():
            process.kill()
            process.join()
            raise TimeoutError(f"{script} {' '.join(arguments)} took more than {timeout} s")
        stdout, stderr = (pathlib.Path(path).read_text() for path in outputs)
    return subprocess.CompletedProcess([script, *arguments], process.exitcode, stdout, stderr)


def _run_script(
    script: str, arguments: list[str], cwd: str, environment: dict[str, str], outputs: list[str]
) -> None:
    for descriptor, path in enumerate(outputs, start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), descriptor)
    sys.stdin = open(os.devnull)  # noqa: SIM115
    sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    sys.path.insert(0, os.path.dirname(script))
    sys.argv = [script, *arguments]
    try:
        runpy.run_path(script, run_name="__main__")
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
