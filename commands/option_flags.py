"""Flags made from the fields of options, and options made from the flags again."""

import dataclasses
import types
import typing
from collections.abc import Collection
from typing import Any

from absl import flags

from commands.launcher import define_numbers
from common import option_fields


def define(
    options_class: type, *, names: Collection[str] | None = None, default_told: str = ""
) -> None:
    """Defines a flag for each field that `option_fields.option` made.

    Args:
      options_class: a dataclass.
      names: of the fields to take; None for all.
      default_told: what help says of the defaults, where it is not what the fields say.
    """
    hints = typing.get_type_hints(options_class)
    for field in dataclasses.fields(options_class):
        option = option_fields.of(field)
        if option is not None and (names is None or field.name in names):
            value_type = option.flag_type or _without_none(hints[field.name])
            _define(field, option, value_type, default_told or option.computed_default)


def from_flags(options_class: type, **values: Any) -> Any:
    """Makes options of the flags that have the names of the class's fields.

    Args:
      options_class: a dataclass.
      **values: fields that no flag sets, or that another value than the flag's is to set.
    """
    for field in dataclasses.fields(options_class):
        if field.name not in values:
            value = flags.FLAGS[field.name].value
            values[field.name] = tuple(value) if isinstance(value, list) else value
    return options_class(**values)


def _define(
    field: dataclasses.Field, option: option_fields.Option, value_type: Any, default_told: str
) -> None:
    name = option.flag or field.name
    default: Any = field.default
    if option.flag_default is not option_fields.OF_FIELD:
        default = option.flag_default
    text = f"{option.help} Default: {default_told}." if default_told else option.help
    if typing.get_origin(value_type) is tuple:
        define_numbers(name, default, text, number_type=typing.get_args(value_type)[0])
    elif value_type is bool:
        flags.DEFINE_bool(name, default, text)
    elif value_type is int:
        flags.DEFINE_integer(name, default, text, lower_bound=option.lower)
    elif value_type is float:
        flags.DEFINE_float(name, default, text, lower_bound=option.lower)
    elif option.choices:
        flags.DEFINE_enum(name, default, list(option.choices), text)
    else:
        flags.DEFINE_string(name, default, text)


def _without_none(hint: Any) -> Any:
    if isinstance(hint, types.UnionType):
        (hint,) = (each for each in typing.get_args(hint) if each is not types.NoneType)
    return hint
