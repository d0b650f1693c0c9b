"""What a command is: its words, its flags and where its code lies."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from commands.flags import Flags

Main = Callable[["Flags", list[str]], int | None]


@dataclasses.dataclass(frozen=True)
class Command:
    """A command of the project.

    Attributes:
      description: what `--help` says first: a paragraph, and more behind an empty line, which only
        `--helpfull` shows.
      main: the function that runs it, or its name: "module", which holds it as `main`, or
        "module:function". The module is imported once the flags are right. The function takes the
        flags and the positional arguments.
      options: dataclasses whose fields are its flags.
      positional: what its positional arguments are; "" where it takes none.
      computed_defaults: see `Flags`.
      needs_tensorflow: whether `main` uses TensorFlow in any case.
      keeps_memory: whether the process runs with the settings of `commands.allocator`.
      explain_unknown: explains a flag that does not exist better than a spelling check can, or
        returns None: (name, value given with it or "", the flags that do exist).
    """

    description: str
    main: Main | str
    options: Sequence[type] = ()
    positional: str = ""
    computed_defaults: Mapping[str, str] = dataclasses.field(default_factory=dict)
    needs_tensorflow: bool = True
    keeps_memory: bool = False
    explain_unknown: Callable[[str, str, "Flags"], str | None] = lambda *_: None
