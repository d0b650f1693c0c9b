"""Parses a command's flags and calls it: failures become one line and an exit status."""

import contextlib
import dataclasses
import difflib
import importlib
import importlib.metadata
import io
import os
import platform
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import NoReturn

from absl import flags as absl_flags

from commands import error_messages, help_pages, startup
from commands.command import Command, Main
from commands.flags import Flags
from common.option_fields import GENERAL, option
from common.version import VERSION

_STDOUT = "standard output"
# absl's and Python's words for values that a flag does not take.
_IN_OTHER_WORDS = {
    r"\('Non-boolean .*\)": "expected true or false",
    r"invalid literal for int\(\) .*": "expected a whole number",
    r"could not convert string to float: .*": "expected a number",
    r"value should be one of <(.*)>": r"expected \1",
}
# absl's words, in a ValueError, for a value of a flag such as --nocheck.
_NO_ARGUMENT = re.compile(r"--?no(.*)=.* does not take an argument")
_HELP = {"help": help_pages.short, "helpshort": help_pages.short, "helpfull": help_pages.full}


@dataclasses.dataclass(frozen=True)
class GeneralOptions:
    """Flags of every command."""

    traceback: bool = option(
        False,
        "Show the whole Python traceback when the command fails, for a bug report.",
        GENERAL,
    )


def parse(command: Command, argv: Sequence[str]) -> tuple[Flags, list[str]]:
    """Parses a command line, or answers it: `--help`, `--version`, a wrong flag; then it exits.

    Returns:
      (the flags, the positional arguments).
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # What it cannot encode is printed as escapes.
            stream.reconfigure(errors="backslashreplace")
    flags = Flags([*command.options, GeneralOptions], command.computed_defaults)
    _answer_questions(command, flags, argv)
    try:
        arguments = flags.parse(argv)
    except absl_flags.UnrecognizedFlagError as error:
        names = difflib.get_close_matches(error.flagname, flags.definitions, n=2, cutoff=0.7)
        value = _value_of(error.flagvalue, argv)
        reason = command.explain_unknown(error.flagname, value, flags)
        _refuse(
            reason or help_pages.unknown_flag(error.flagname, names, flags.definitions.values())
        )
    except absl_flags.Error as error:
        reason = str(error)
        for pattern, words in _IN_OTHER_WORDS.items():
            reason = re.sub(pattern, words, reason)
        if isinstance(error.__context__, OSError):  # absl's own words have the number of the error
            reason = f"flagfile {error_messages.describe(error.__context__)}"
        _refuse(reason)
    except UnicodeDecodeError:
        files = [each for each in argv if each.lstrip("-").startswith("flagfile")]
        _refuse(f"{' '.join(files)}: the file is not UTF-8 text. Save it as UTF-8.")
    except ValueError as error:
        negated = _NO_ARGUMENT.fullmatch(str(error))
        if negated is None:
            raise
        name = negated[1]
        _refuse(f"--no{name} takes no value: write --no{name} or --{name}=false.")
    if arguments and not command.positional:
        _refuse(
            f"unexpected argument {arguments[0]!r}: flags are written --name=value, without spaces "
            "around '='"
        )
    return flags, arguments


def _value_of(word: str, argv: Sequence[str]) -> str:
    """Returns the value of a flag that stands as `--name=value` or `--name value`; "" for none."""
    _, equals, value = word.partition("=")
    if equals or word not in argv:  # In a flag file, each line is a word.
        return value
    return "".join(argv[argv.index(word) + 1 :][:1])


def load(command: Command) -> Main:
    """Returns the function that runs a command."""
    if isinstance(command.main, str):
        module, _, function = command.main.partition(":")
        return getattr(importlib.import_module(module), function or "main")
    return command.main


def call(main: Main, flags: Flags, arguments: list[str]) -> int:
    """Calls a command and returns its exit status."""
    try:
        status = main(flags, arguments)
        sys.stdout.flush()  # An error here would end in a page of text at the exit.
        return status or 0
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return startup.EXIT_STATUS
    except Exception as error:
        shows_traceback = flags.options(GeneralOptions).traceback
        if not isinstance(error, BrokenPipeError) and (
            shows_traceback or not error_messages.is_users_fault(error)
        ):
            raise
        return _report(error)


@contextlib.contextmanager
def naming_stdout() -> Iterator[None]:
    """Names standard output in errors of printing, such as that of a full disk."""

    def naming(call: Callable) -> Callable:
        def named(*arguments):
            try:
                return call(*arguments)
            except OSError as error:
                error.filename = _STDOUT
                raise

        return named

    stream = sys.stdout
    for name in ("write", "flush"):
        setattr(stream, name, naming(getattr(stream, name)))
    try:
        yield
    except OSError as error:  # What --help prints does not arrive.
        if error.filename != _STDOUT:
            raise
        sys.exit(_report(error))
    finally:
        del stream.write, stream.flush


def _answer_questions(command: Command, flags: Flags, argv: Sequence[str]) -> None:
    """Prints what `--help` and `--version` ask for, and exits, whatever other flags say."""
    for argument in argv[1:]:
        name = re.sub("=(true|1)?$", "", argument.lstrip("-"))
        if argument == "--":  # After it, there are only names of files.
            break
        if argument == "-h":
            name = "help"
        if not argument.startswith("-") or name not in {*_HELP, "version"}:
            continue
        if name == "version":
            tensorflow = importlib.metadata.version("tensorflow")
            python = platform.python_version()
            text = f"DeepLabV3+ {VERSION}, TensorFlow {tensorflow}, Python {python}\n"
        else:
            text = _HELP[name](command.description, flags.definitions.values())
        sys.stdout.write(text)
        sys.stdout.flush()
        sys.exit(0)


def _refuse(reason: str) -> NoReturn:
    print(
        f"error: {error_messages.one_line(reason)}\nPass --help to see the flags that matter, "
        "--helpfull to see all.",
        file=sys.stderr,
    )
    sys.exit(2)


def _report(error: Exception) -> int:
    """Prints an error of the user's input; returns the exit status."""
    if isinstance(error, OSError) and error.filename == _STDOUT:
        # What is still to be printed goes nowhere, so that nothing fails once more at the exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if not isinstance(error, BrokenPipeError):
        print(f"error: {error_messages.describe(error)}", file=sys.stderr)
    return 1
