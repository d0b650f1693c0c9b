"""Calls commands in this process, with flags as on their command lines."""

import importlib

from commands import execution
from commands.command import Command
from commands.flags import Flags


def command(name: str) -> Command:
    """Returns a command of segmentation, such as "train"."""
    return importlib.import_module(f"deeplab.commands.{name}_flags").COMMAND


def command_flags(name: str) -> set[str]:
    """Returns the names of a command's flags."""
    return set(Flags(command(name).options).definitions)


def flags(name: str, *arguments: str) -> Flags:
    """Returns the flags of a command line."""
    parsed = Flags(command(name).options, command(name).computed_defaults)
    parsed.parse([f"{name}.py", *arguments])
    return parsed


def call(name: str, *arguments: str) -> int | None:
    """Calls the main function of a command; errors come through."""
    return execution.load(command(name))(flags(name, *arguments), [])
