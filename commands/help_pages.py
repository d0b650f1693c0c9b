"""`--help`, `--helpfull` and what is said of a flag that does not exist."""

import re
import shutil
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

from commands.flags import Definition
from common import option_fields

_MAX_WIDTH = 100
# More are listed in the text.
_MAX_CHOICES_IN_HEAD = 4


def short(title: str, definitions: Iterable[Definition]) -> str:
    """Returns the page of `--help`: the flags that matter to most users.

    Args:
      title: what the command does.
      definitions: all of its flags.
    """
    definitions = list(definitions)
    common = [each for each in definitions if each.option.is_common]
    page = _page(title.split("\n\n", 1)[0], common)
    all_flags = f"all {len(definitions)} flags" if len(definitions) > 1 else "every flag"
    return f"{page}\n--helpfull shows {all_flags}, --version the versions.\n"


def full(title: str, definitions: Iterable[Definition]) -> str:
    """Returns the page of `--helpfull`: every flag."""
    return _page(title, definitions)


def by_group(definitions: Iterable[Definition]) -> dict[str, list[Definition]]:
    """Returns flags by the title of their group, groups in their order."""
    groups: dict[str, list[Definition]] = {group: [] for group in option_fields.GROUPS}
    for each in definitions:
        groups[each.option.group].append(each)
    return {group: members for group, members in groups.items() if members}


def _page(title: str, definitions: Iterable[Definition]) -> str:
    width = min(_MAX_WIDTH, shutil.get_terminal_size().columns)
    parts = [title.strip()]
    for group, members in by_group(definitions).items():
        parts.append("\n".join([f"{group}:", *(_entry(each, width) for each in members)]))
    return "\n\n".join(parts) + "\n"


def _entry(definition: Definition, width: int) -> str:
    text = full_text(definition)
    default = shown_default(definition)
    if default:
        text = f"{text} Default: {default}."
    head = f"  {spelling(definition)}  "
    return textwrap.fill(
        text, width, initial_indent=head, subsequent_indent=" " * 8, break_on_hyphens=False
    )


def full_text(definition: Definition) -> str:
    """Returns the help of a flag, with its choices where `spelling` does not list them."""
    text, choices = definition.option.help, definition.option.choices
    if definition.option.synonyms:
        also = " or ".join(f"--{each}" for each in definition.option.synonyms)
        text = f"{text} Also {also}."
    if not choices or _spells_choices(definition):
        return text
    return f"{text} One of {', '.join(choices)}."


def spelling(definition: Definition) -> str:
    """Returns how a flag is written, such as `--train_crop_size=INT,INT…`."""
    if definition.type is bool:
        return f"--[no]{definition.name}"
    if _spells_choices(definition):
        return f"--{definition.name}={'|'.join(definition.option.choices)}"
    names = {int: "INT", float: "FLOAT", str: "TEXT", list[int]: "INT,…", list[float]: "FLOAT,…"}
    return f"--{definition.name}={names.get(definition.type, 'TEXT,…')}"


def _spells_choices(definition: Definition) -> bool:
    return definition.type is str and 0 < len(definition.option.choices) <= _MAX_CHOICES_IN_HEAD


def shown_default(definition: Definition) -> str:
    """Returns the default that is in force where a flag is not given; "" for none worth telling."""
    if definition.option.computed_default:
        return definition.option.computed_default
    return show_value(definition.default)


def show_value(value: Any) -> str:
    """Returns a value as it is written on a command line; "" for None."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ",".join(map(show_value, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def unknown_flag(name: str, suggestions: Sequence[str], definitions: Iterable[Definition]) -> str:
    """Returns what to say of a flag that does not exist.

    Args:
      name: of the flag, without dashes.
      suggestions: flags that are spelt like it.
      definitions: the command's flags.
    """
    plain = re.sub(r"^no(?=.)", "", name)
    for each in definitions:
        if plain in each.option.aliases or name in each.option.aliases:
            first_sentence = each.option.help.split(". ")[0].rstrip(".")
            return f"there is no flag --{name}; use {spelling(each)}: {first_sentence}."
    did_you_mean = ""
    if suggestions:
        did_you_mean = f" Did you mean {' or '.join(f'--{each}' for each in suggestions)}?"
    return f"there is no flag --{name}.{did_you_mean}"
