"""Writes docs/flag-reference.md, the flags of every command, from the fields that they are made of.

python -m scripts.flag_reference
"""

import importlib
import importlib.util
import os
from collections.abc import Iterator

from commands import help_pages, launcher, task_choice
from commands.command import Command
from commands.flags import Flags
from common import files

DOCUMENT = os.path.join("docs", "flag-reference.md")
_COMMANDS = {
    "python train.py": "train",
    "python eval.py": "eval",
    "python vis.py": "vis",
    "python report.py": "report",
    "python export_model.py": "export_model",
    "python infer.py": "infer",
    "python serve.py": "serve",
    "python -m datasets.build_tfrecords": "build_tfrecords",
    "python -m datasets.describe_tfrecords": "describe_tfrecords",
    "python -m datasets.cut_tiles": "cut_tiles",
    "python -m style_transfer.stylize": "stylize",
}


def text() -> str:
    """Returns the document."""
    parts = [
        "# All flags",
        "`python -m scripts.flag_reference` writes this page from the options in the code, like "
        "`--helpfull`. [Flags](flags.md) tells what differs from research/deeplab, how a training "
        "run starts and what may disturb it.",
    ]
    for line, name, task in _commands():
        command = importlib.import_module(f"{task}.commands.{name}_flags").COMMAND
        flags = Flags(command.options, command.computed_defaults)
        parts.append(f"## {line}")
        for group, definitions in help_pages.by_group(flags.definitions.values()).items():
            rows = [
                f"| `{help_pages.spelling(each)}` | {_cell(help_pages.full_text(each))} | "
                f"{_cell(help_pages.shown_default(each))} |"
                for each in definitions
            ]
            head = [f"**{group}**\n", "| flag | | default |", "|---|---|---|"]
            parts.append("\n".join([*head, *rows]))
    return "\n\n".join(parts) + "\n"


def _commands() -> Iterator[tuple[str, str, str]]:
    """Yields how a command is called, its name, and the package of its task."""
    for task in dict.fromkeys((*task_choice.TASKS, *task_choice.WITHOUT_TASK.values())):
        for line, name in _COMMANDS.items():
            if importlib.util.find_spec(f"{task}.commands.{name}_flags") is not None:
                needs_no_flag = task not in task_choice.TASKS[1:]
                yield (line if needs_no_flag else f"{line} --task={task}"), name, task


def _cell(content: str) -> str:
    return content.replace("|", "\\|").replace("<", "&lt;")


def main(_, arguments: list[str]) -> None:
    """Writes the document."""
    del arguments
    files.write(DOCUMENT, text().encode())
    print(DOCUMENT)


COMMAND = Command(
    "Writes docs/flag-reference.md.", "scripts.flag_reference", needs_tensorflow=False
)

if __name__ == "__main__":
    launcher.execute(COMMAND)
