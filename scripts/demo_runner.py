"""Runs the commands of a demo, each printed before, so that one can repeat it by hand."""

import subprocess
import sys
from collections.abc import Sequence


def run(commands: Sequence[Sequence[str]]) -> int:
    """Runs commands of Python one after the other, up to the first that fails.

    Args:
      commands: the arguments of each, without the interpreter.

    Returns:
      The exit status of the last one that ran.
    """
    for number, command in enumerate(commands, start=1):
        print(f"\n[{number}/{len(commands)}] python {' '.join(command)}", flush=True)
        status = subprocess.run([sys.executable, *command], check=False).returncode
        if status:
            print(f"error: step {number} of the demo ended with status {status}", file=sys.stderr)
            return status
    return 0
