"""Runs the commands of a demo, each printed before, so that one can repeat it by hand."""

import subprocess
import sys
from collections.abc import Collection, Sequence

# The arguments of a command of Python, without the interpreter.
Command = Sequence[str]


def run(commands: Sequence[Command], together: Collection[int] = ()) -> int:
    """Runs commands one after the other, up to the first that fails.

    Args:
      commands: all of them.
      together: numbers, from 1, of those that run beside the one before them, of which they need
        nothing: each takes seconds to start, on one core. What they print comes after it.

    Returns:
      The exit status of the first that failed; 0 where none did.
    """
    number = 1
    while number <= len(commands):
        end = number + 1
        while end in together:
            end += 1
        status = _run_group(commands[number - 1 : end - 1], number, len(commands))
        if status:
            return status
        number = end
    return 0


def _run_group(group: Sequence[Command], first: int, total: int) -> int:
    _announce(group[0], first, total)
    others = [
        subprocess.Popen(
            [sys.executable, *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        for command in group[1:]
    ]
    statuses = [subprocess.run([sys.executable, *group[0]], check=False).returncode]
    for number, process in enumerate(others, start=1):
        _announce(group[number], first + number, total)
        printed, _ = process.communicate()
        print(printed.decode(errors="replace"), end="", flush=True)
        statuses.append(process.returncode)
    for number, status in enumerate(statuses, start=first):
        if status:
            print(f"error: step {number} of the demo ended with status {status}", file=sys.stderr)
            return status
    return 0


def _announce(command: Command, number: int, total: int) -> None:
    print(f"\n[{number}/{total}] python {' '.join(command)}", flush=True)
