"""What is said of a command line that does not fit its task, but would fit another one."""

import dataclasses
import difflib
import importlib
import importlib.util
import sys
from collections.abc import Iterator
from typing import NoReturn

from commands import task_choice
from commands.command import Command
from commands.flags import Flags

# What does the work of a command that a task does not have.
_INSTEAD = {
    ("captioning", "vis"): "python infer.py IMAGES… --sheet_dir=FOLDER draws its captions",
    ("captioning", "report"): "python eval.py prints its scores",
    ("classification", "report"): "python eval.py prints its scores, python vis.py draws sheets",
}


def find_command(task: str, name: str) -> Command | None:
    """Returns the command of a task; None where it has none of that name."""
    module = f"{task}.commands.{name}_flags"
    if importlib.util.find_spec(module) is None:
        return None
    return importlib.import_module(module).COMMAND


def refuse_command(task: str, name: str) -> NoReturn:
    """Says that a task does not have a command, and exits."""
    instead = _INSTEAD.get((task, name))
    hint = f"; {instead}" if instead else ""
    print(f"error: the task {task} has no command {name}{hint}.", file=sys.stderr)
    sys.exit(2)


def with_other_tasks(command: Command, task: str, name: str) -> Command:
    """Returns a command that says of an unknown flag which other task has it.

    Args:
      command: as the task describes it.
      task, name: of the command.
    """

    def explain(flag: str, value: str, flags: Flags) -> str | None:
        own = command.explain_unknown(flag, value, flags)
        # What is spelt like a flag of this task is most likely meant to be that flag.
        if own or difflib.get_close_matches(flag, flags.definitions, n=1, cutoff=0.8):
            return own
        others = list(_tasks_with(flag, name))
        if not others:
            return None
        return (
            f"there is no flag --{flag} in the task {task}, which this command line is taken to "
            f"be about; {' and '.join(others)} {'has' if len(others) == 1 else 'have'} it. Give "
            f"--task={others[0]}, or check what the other flags name."
        )

    return dataclasses.replace(command, explain_unknown=explain)


def _tasks_with(flag: str, name: str) -> Iterator[str]:
    plain = flag.removeprefix("no")
    for task in task_choice.TASKS:
        command = find_command(task, name)
        if command is not None and {flag, plain} & Flags(command.options).definitions.keys():
            yield task
