"""The flags of a command: made from the fields of dataclasses, parsed, and turned into them again.

Syntax and flag files (`--flagfile`) are absl's, as in research/deeplab. Each command has flags of
its own, so that no library and no other command can add any.
"""

import dataclasses
import itertools
import math
import os
import re
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

import absl.logging  # Its flags, such as --logtostderr, which research/deeplab's scripts pass.
from absl import flags

from common import option_fields
from common.option_fields import Option

_Options = TypeVar("_Options")

# Seeds are added to step counts and worker numbers, in 64 bits.
_LARGEST_NUMBER = 1 << 62


@dataclasses.dataclass(frozen=True)
class Definition:
    """A flag as `--help` shows it.

    Attributes:
      name: without dashes.
      option: what its field says.
      type: of its value: bool, int, float, str, or a list of numbers as `list[int]`.
      default: of the flag; None where the command chooses.
    """

    name: str
    option: Option
    type: Any
    default: Any


class Flags:
    """The flags of one command.

    Args:
      options_classes: dataclasses; each field made by `option_fields.option` is a flag.
      computed_defaults: how defaults are told that differ from those of the fields, by flag; for
        options that are read from a training run, say.
    """

    def __init__(
        self, options_classes: Sequence[type], computed_defaults: Mapping[str, str] | None = None
    ):
        self._values = flags.FlagValues()
        self.definitions: dict[str, Definition] = {}
        for options_class in options_classes:
            for _, definition in _definitions(options_class):
                told = (computed_defaults or {}).get(definition.name)
                if told is not None:
                    option = dataclasses.replace(definition.option, computed_default=told)
                    definition = dataclasses.replace(definition, option=option)
                self._define(definition)
        for flag in flags.FLAGS.flags_by_module_dict()[absl.logging.__name__]:
            self._values[flag.name] = flag

    def parse(self, argv: Sequence[str]) -> list[str]:
        """Parses a command line; what it gives itself wins over its flag files (`--flagfile`).

        Args:
          argv: the program's name and its arguments.

        Returns:
          The positional arguments.

        Raises:
          flags.Error: a flag does not exist or has a value that is not allowed.
          UnicodeDecodeError: a flag file is not UTF-8.
        """
        flag_files, given = _part_flag_files(argv[1:])
        positional: list[str] = []
        if flag_files:
            in_files = filter(_is_no_task, self._values.read_flags_from_files(flag_files))
            positional += self._values([argv[0], *in_files])[1:]
            for flag in map(self._values.__getitem__, self.definitions):
                if isinstance(flag, _ListFlag):
                    flag.is_replaced = True
        positional += self._values([argv[0], *given])[1:]
        for name in self.definitions:
            flag = self._values[name]
            if flag.present:
                _check_number(name, flag.value)
                flag.value = expand_home(flag.value)
        return [expand_home(argument) for argument in positional]

    def add(self, values: Mapping[str, Any]) -> None:
        """Takes values of flags as if the command line had them; those that it has itself stay.

        Raises:
          flags.Error: there is no such flag, or it does not take its value.
        """
        self.add_lines([spell(name, value) for name, value in values.items()])

    def add_lines(self, lines: Sequence[str]) -> None:
        """Takes the lines of a flag file; flags that the command line has stay as they are.

        Raises:
          flags.Error: there is no such flag, or it does not take its value.
        """
        words = [line.strip() for line in lines if line.startswith("-")]
        self._values(["", *(word for word in words if not self._has(word))])

    def _has(self, word: str) -> bool:
        """Whether the command line has the flag of a word such as `--name=value`."""
        name = word.lstrip("-").partition("=")[0]
        known = name if name in self._values else name.removeprefix("no")
        return known in self._values and self._values[known].present > 0

    def value(self, name: str) -> Any:
        """Returns the value of a flag; a list as a tuple."""
        value = self._values[name].value
        return tuple(value) if isinstance(value, list) else value

    def value_or(self, name: str, default: Any) -> Any:
        """Returns the value of a flag, or another one where it has none."""
        value = self.value(name)
        return default if value is None else value

    def is_given(self, name: str) -> bool:
        """Whether the command line gives a flag."""
        return bool(self._values[name].present)

    def given(self, options_class: type) -> dict[str, Any]:
        """Returns the values of those flags of a class that the command line gives, by field."""
        return {
            field.name: self.value(definition.name)
            for field, definition in _definitions(options_class)
            if self.is_given(definition.name)
        }

    def options(self, options_class: type[_Options], **values: Any) -> _Options:
        """Returns options with the values of their flags.

        Args:
          options_class: a dataclass.
          **values: fields that no flag sets, or that another value than the flag's is to set.
        """
        for field, definition in _definitions(options_class):
            if field.name not in values:
                values[field.name] = self.value(definition.name)
        return options_class(**values)

    def _define(self, definition: Definition) -> None:
        option, name = definition.option, definition.name
        if name in self.definitions:
            raise ValueError(f"two options classes have the flag {name}.")
        self.definitions[name] = definition
        flags.DEFINE_flag(_make_flag(definition), self._values)
        for synonym in option.synonyms:
            flags.DEFINE_alias(synonym, name, self._values)
        if option.refusal:
            flags.register_validator(
                name,
                lambda value: value == definition.default,
                f"{option.refusal}.",
                self._values,
            )


def _make_flag(definition: Definition) -> flags.Flag:
    name, option, default = definition.name, definition.option, definition.default
    if definition.type is bool:
        return flags.BooleanFlag(name, default, option.help)
    if definition.type is str and option.choices:
        return flags.EnumFlag(name, default, option.help, list(option.choices))
    parser: flags.ArgumentParser
    if definition.type is int:
        parser = flags.IntegerParser(option.lower, option.upper)  # type: ignore[arg-type]
    elif definition.type is float:
        parser = flags.FloatParser(option.lower, option.upper)
    elif definition.type is str:
        parser = flags.ArgumentParser()
    else:
        parser = _ListParser(typing.get_args(definition.type)[0], option.choices)
        serializer: flags.ListSerializer[Any] = flags.ListSerializer(",")
        return _ListFlag(parser, serializer, name, default, option.help)
    return flags.Flag(parser, flags.ArgumentSerializer(), name, default, option.help)


def _definitions(options_class: type) -> Iterator[tuple[dataclasses.Field, Definition]]:
    hints = typing.get_type_hints(options_class)
    for field in dataclasses.fields(options_class):
        option = option_fields.of(field)
        if option is None:
            continue
        default = (
            field.default if option.flag_default is option_fields.OF_FIELD else option.flag_default
        )
        if isinstance(default, tuple):
            default = list(default)
        kind = option.flag_type or _flag_type(hints[field.name])
        yield field, Definition(option.flag or field.name, option, kind, default)


def _flag_type(hint: Any) -> Any:
    """Returns the type of a flag's value: that of the field, None aside, a tuple as a list."""
    if isinstance(hint, types.UnionType):
        (hint,) = (each for each in typing.get_args(hint) if each is not types.NoneType)
    if typing.get_origin(hint) is tuple:
        return list[typing.get_args(hint)[0]]  # type: ignore[misc]
    return hint


def spell(name: str, value: Any) -> str:
    """Returns a flag as it is written on a command line: `--name=value`, `--name` or `--noname`."""
    if isinstance(value, bool):
        return f"--{name}" if value else f"--no{name}"
    if isinstance(value, tuple | list):
        return f"--{name}={','.join(map(_spell_number, value))}"
    return f"--{name}={_spell_number(value)}"


def _spell_number(value: Any) -> str:
    return f"{value:.8g}" if isinstance(value, float) else str(value)


class _ListParser(flags.ArgumentParser):
    """Parses '6,12,18' and '6' into a list of numbers or words."""

    def __init__(self, item_type: type, choices: Sequence[str]):
        super().__init__()
        self._item_type = item_type
        self._choices = choices

    def parse(self, argument):
        items = argument if isinstance(argument, list | tuple) else str(argument).split(",")
        try:
            values = [self._item_type(item) for item in items if str(item).strip()]
        except ValueError:
            raise ValueError(
                f"{argument!r} is not a comma separated list of {self._item_type.__name__} values"
            ) from None
        for value in values:
            if self._choices and value not in self._choices:
                raise ValueError(f"value should be one of <{'|'.join(self._choices)}>")
        return values

    def flag_type(self) -> str:
        return f"list of {self._item_type.__name__}"


class _ListFlag(flags.Flag):
    """A list flag, of which the last use holds, but whose repeated single numbers add up.

    `--x=6 --x=12` is `--x=6,12`: research/deeplab of 2018 repeats such flags and that of 2019
    separates some of them by commas; its guides have both spellings. Lists with commas, and words,
    are replaced as any other flag is.

    Attributes:
      is_replaced: whether the next value replaces those before.
    """

    is_replaced = False

    def parse(self, argument):
        before = list(self.value or ()) if self.present and not self.is_replaced else []
        super().parse(argument)
        values = list(self.value or ())
        is_single_number = len(values) == 1 and not isinstance(values[0], str)
        self.is_replaced = not is_single_number
        if before and is_single_number:
            self.value = before + values


def _part_flag_files(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Parts `--flagfile=PATH` and `--flagfile PATH` from the other arguments."""
    in_files: list[str] = []
    given: list[str] = []
    words = iter(arguments)
    for word in words:
        if word == "--":
            given += [word, *words]
        elif word in ("-flagfile", "--flagfile"):
            in_files += [word, *itertools.islice(words, 1)]
        else:
            (in_files if re.match("--?flagfile=", word) else given).append(word)
    return in_files, given


def _is_no_task(word: str) -> bool:
    """Whether a word of a flag file is not `--task=NAME`, which the launcher has read there."""
    return re.fullmatch(r"--?task=.*\D.*", word) is None


def _check_number(name: str, value: Any) -> None:
    """Refuses what no flag means, and some library would answer with a traceback, or never."""
    for number in value if isinstance(value, list) else [value]:
        if isinstance(number, float) and math.isnan(number):
            expected = "a number"
        elif isinstance(number, int) and abs(number) > _LARGEST_NUMBER:
            expected = f"at most {_LARGEST_NUMBER}"
        else:
            continue
        raise flags.IllegalFlagValueError(f"flag --{name}={number}: expected {expected}")


def expand_home(value: Any) -> Any:
    """Replaces a leading `~` in a path; the shell does so in `~/x`, but not in `--flag=~/x`."""
    if isinstance(value, list):
        return [expand_home(item) for item in value]
    if isinstance(value, str) and value.startswith("~") and not os.path.exists(value):
        return os.path.expanduser(value)
    return value
