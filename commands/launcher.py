"""Starts commands: from the first line of a root script to its exit status.

What a command needs is imported in this order, inside functions, because the order matters: Ctrl-C
and closed streams are taken care of before anything is loaded; flags are parsed, and `--help` and
wrong flags answered, before TensorFlow is imported, which takes seconds; memory settings and
TensorFlow's silence come before its first line of code.
"""

import os
import sys
from typing import TYPE_CHECKING, NoReturn

from commands import startup

if TYPE_CHECKING:
    from commands.command import Command


def run(name: str) -> NoReturn:
    """Runs a command and exits: `python NAME.py [--task=TASK] …`.

    Args:
      name: of the command; `TASK/commands/NAME_flags.py` describes it or, for a command that has
        no task, that of the package in `task_choice.WITHOUT_TASK`.
    """
    startup.prepare()
    with startup.ending_at_once():
        from commands import task_choice, task_hints

        task = task_choice.WITHOUT_TASK.get(name) or task_choice.take(name, sys.argv)
        command = task_hints.find_command(task, name) or task_hints.refuse_command(task, name)
    execute(task_hints.with_other_tasks(command, task, name))


def execute(command: "Command") -> NoReturn:
    """Runs a command and exits.

    Exit status is what its `main` returns (None is 0), 1 for wrong input, 2 for a command line that
    cannot be read, 130 for Ctrl-C.
    """
    startup.prepare()
    with startup.ending_at_once():
        from commands import execution
    with execution.naming_stdout():
        flags, arguments = execution.parse(command, sys.argv)
        if command.keeps_memory:
            from commands import allocator

            allocator.apply()
        with startup.ending_at_once():
            from commands import tensorflow_start

            if command.needs_tensorflow:
                _require_tensorflow()
                tensorflow_start.import_quietly()
            else:
                tensorflow_start.import_quietly_when_needed()
            main = execution.load(command)
        sys.exit(execution.call(main, flags, arguments))


def _require_tensorflow() -> None:
    from common import tensorflow_package

    problem = tensorflow_package.problem(os.path.basename(sys.argv[0]))
    if problem is not None:
        print(f"error: {problem}", file=sys.stderr)
        sys.exit(1)
