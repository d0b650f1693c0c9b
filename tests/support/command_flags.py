"""The flags of every command, as users name commands.

That is "train.py", or "datasets.build_tfrecords" for `python -m datasets.build_tfrecords`.
"""

import functools
import importlib
import pathlib

from commands import execution
from commands.command import Command
from commands.flags import Flags
from tests.support import command_calls, command_runs


def path_of(command: str) -> pathlib.Path:
    """Returns the file of a script or module, whether it exists or not."""
    script = command if command.endswith(".py") else command.replace(".", "/") + ".py"
    return command_runs.ROOT / script


def is_ours(command: str) -> bool:
    """Returns whether it is a command of the project with flags."""
    return path_of(command).is_file() and "launcher" in path_of(command).read_text(encoding="utf-8")


@functools.cache
def flags_of(command: str) -> frozenset[str]:
    """Returns the names of a command's flags in any task; `noNAME`, too, for a truth value."""
    names = {"help", "helpfull", "version", "flagfile", "task"}
    definitions = {}
    for found in _commands(command):
        flags = Flags([*found.options, execution.GeneralOptions])
        definitions.update(flags.definitions)
        names.update(*(each.option.synonyms for each in flags.definitions.values()))
    names.update(definitions)
    names |= {f"no{name}" for name, each in definitions.items() if each.type is bool}
    return frozenset(names)


def _commands(command: str) -> list[Command]:
    """Returns what a file starts: a command of its own, or one of each task that has it."""
    if "launcher.execute" in path_of(command).read_text(encoding="utf-8"):
        return [importlib.import_module(command).COMMAND]
    name = command.removesuffix(".py").rpartition(".")[2]
    return [command_calls.command(name, task) for task in command_calls.tasks_with(name)]
