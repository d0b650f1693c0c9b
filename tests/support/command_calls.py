"""Calls commands in this process, with flags as on their command lines."""

import importlib
import importlib.util

from commands import execution, task_choice
from commands.command import Command
from commands.flags import Flags


def command(name: str, task: str = "deeplab") -> Command:
    """Returns a command of a task, such as "train"."""
    return importlib.import_module(f"{task}.commands.{name}_flags").COMMAND


def tasks_with(name: str) -> list[str]:
    """Returns the packages of tasks that have a command, or of one without a task."""
    tasks = (*task_choice.TASKS, *task_choice.WITHOUT_TASK.values())
    return [task for task in tasks if importlib.util.find_spec(f"{task}.commands.{name}_flags")]


def command_flags(name: str) -> set[str]:
    """Returns the names of a command's flags."""
    return set(Flags(command(name).options).definitions)


def flags(name: str, *arguments: str, task: str = "deeplab") -> Flags:
    """Returns the flags of a command line."""
    found = command(name, task)
    parsed = Flags(found.options, found.computed_defaults)
    parsed.parse([f"{name}.py", *arguments])
    return parsed


def call(name: str, *arguments: str) -> int | None:
    """Calls the main function of a command; errors come through."""
    return execution.load(command(name))(flags(name, *arguments), [])
