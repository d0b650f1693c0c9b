"""Options that are written once, as fields of dataclasses.

A field that `option` makes carries its help beside name, type and default. Flags, `--help`, the log
and the flag tables of the docs are made from it (`commands.flags`); `options.json` from the
dataclass.
"""

import dataclasses
import typing
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_METADATA_KEY = "option"

_Options = TypeVar("_Options", bound="DataclassInstance")

# A flag has the default of its field.
OF_FIELD = object()

# The groups of `--help`, in its order.
DATA = "Data"
NETWORK = "Network"
START = "Weights"
SCHEDULE = "Schedule and optimizer"
LOSS = "Loss and batch norm"
HARDWARE = "Where it runs"
RESULTS = "What is kept"
COMPATIBILITY = "Accepted for scripts of research/deeplab, research/slim and research/im2txt"
GENERAL = "General"
GROUPS = (DATA, NETWORK, START, SCHEDULE, LOSS, HARDWARE, RESULTS, COMPATIBILITY, GENERAL)


@dataclasses.dataclass(frozen=True)
class Option:
    """What a flag needs besides the name, type and default of its field.

    Attributes:
      help: what the option does, its unit, and when to change it: sentences.
      group: one of `GROUPS`.
      is_common: whether the short `--help` shows it.
      computed_default: what holds where the flag is not given, if the field's default does not say
        it.
      choices: allowed values; () for all of the type.
      lower, upper: bounds of a number; None for none.
      aliases: names under which other programs have it; they lead to this flag.
      synonyms: further names of the flag, for command lines of another program.
      flag: name of the flag, if it is not the field's.
      flag_type: type of the flag's value, if it is not the field's, such as the name of a file.
      flag_default: default of the flag where it differs from the field's, such as None for "chosen
        by the command".
      refusal: why no value but the default is accepted; "" for a flag that has a meaning here.
    """

    help: str
    group: str
    is_common: bool = False
    computed_default: str = ""
    choices: Sequence[str] = ()
    lower: float | None = None
    upper: float | None = None
    aliases: Sequence[str] = ()
    synonyms: Sequence[str] = ()
    flag: str = ""
    flag_type: type | None = None
    flag_default: Any = OF_FIELD
    refusal: str = ""


def option(default: Any, help: str, group: str, **details: Any) -> Any:
    """Returns a dataclass field that is also a flag.

    Args:
      default: of the field; `dataclasses.MISSING` for none.
      help, group, **details: fields of `Option`.
    """
    metadata = {_METADATA_KEY: Option(help, group, **details)}
    return dataclasses.field(default=default, metadata=metadata)


def refused(default: Any, reason: str) -> Any:
    """Returns a field whose flag accepts research/deeplab's default and nothing else.

    research/deeplab's scripts pass such flags to every command. To ignore another value would build
    another network than the one asked for.

    Args:
      default: of research/deeplab.
      reason: why the flag has no other value here, and what to do instead; part of a sentence.
    """
    return option(default, f"{reason[0].upper()}{reason[1:]}.", COMPATIBILITY, refusal=reason)


def of(field: dataclasses.Field) -> Option | None:
    """Returns what `option` says of a field; None where it is no flag."""
    return field.metadata.get(_METADATA_KEY)


@dataclasses.dataclass(frozen=True)
class Change:
    """Another default of an option, and what else is different of its `Option`."""

    default: Any
    details: Mapping[str, Any]


def change(default: Any, **details: Any) -> Change:
    """Returns a `Change`; `details` are fields of `Option`."""
    return Change(default, details)


def changed(options_class: type[_Options], **changes: Change) -> type[_Options]:
    """Returns a subclass of a dataclass of options in which some have other defaults.

    Args:
      options_class: the dataclass, frozen.
      **changes: by name of the field.
    """
    fields = {field.name: field for field in dataclasses.fields(options_class)}
    hints = typing.get_type_hints(options_class)
    new = []
    for name, each in changes.items():
        metadata = dict(fields[name].metadata)
        metadata[_METADATA_KEY] = dataclasses.replace(metadata[_METADATA_KEY], **each.details)
        new.append((name, hints[name], dataclasses.field(default=each.default, metadata=metadata)))
    made = dataclasses.make_dataclass(
        options_class.__name__, new, bases=(options_class,), frozen=True
    )
    made.__doc__ = options_class.__doc__
    return made
