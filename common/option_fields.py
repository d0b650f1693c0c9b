"""Options that are written once, as fields of dataclasses.

A field that `option` makes carries its help beside its name, type and default. Commands make flags
of such fields (`commands.option_flags`).
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

_METADATA_KEY = "option"

# A flag has the default of its field.
OF_FIELD = object()

# What options are about.
DATA = "Data"
NETWORK = "Network"
START = "How training starts"
SCHEDULE = "Schedule and optimizer"
LOSS = "Loss and batch norm"
HARDWARE = "Where it runs"
RESULTS = "What is kept"


@dataclasses.dataclass(frozen=True)
class Option:
    """What a flag needs besides the name, type and default of its field.

    Attributes:
      help: what the option does, its unit, and when to change it: sentences.
      group: what it is about, such as `DATA`.
      is_common: whether most users need to know it.
      computed_default: what holds where the flag is not given, if the field's default does not say
        it.
      choices: allowed values; () for all of the type.
      lower: smallest number that is allowed; None for no bound.
      aliases: names under which other programs have it.
      flag: name of the flag, if it is not the field's.
      flag_type: type of the flag's value, if it is not the field's, such as the name of a file.
      flag_default: default of the flag where it differs from the field's, such as None for "chosen
        by the command".
    """

    help: str
    group: str
    is_common: bool = False
    computed_default: str = ""
    choices: Sequence[str] = ()
    lower: int | None = None
    aliases: Sequence[str] = ()
    flag: str = ""
    flag_type: type | None = None
    flag_default: Any = OF_FIELD


def option(default: Any, help: str, group: str, **details: Any) -> Any:
    """Returns a dataclass field that is also a flag.

    Args:
      default: of the field; `dataclasses.MISSING` for none.
      help, group, **details: fields of `Option`.
    """
    metadata = {_METADATA_KEY: Option(help, group, **details)}
    return dataclasses.field(default=default, metadata=metadata)


def of(field: dataclasses.Field) -> Option | None:
    """Returns what `option` says of a field; None where it is no flag."""
    return field.metadata.get(_METADATA_KEY)
