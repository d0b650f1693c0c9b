"""The flags of every command, as users name commands.

That is "train.py", or "datasets.build_tfrecords" for `python -m datasets.build_tfrecords`.
"""

import functools
import pathlib
import re

from tests.support import command_runs


def path_of(command: str) -> pathlib.Path:
    """Returns the file of a script or module, whether it exists or not."""
    script = command if command.endswith(".py") else command.replace(".", "/") + ".py"
    return command_runs.ROOT / script


def is_ours(command: str) -> bool:
    """Returns whether it is a command of the project with flags."""
    return path_of(command).is_file() and "launcher" in path_of(command).read_text(encoding="utf-8")


# To have the flags without starting the command, REPLACE THE BODY of this function only.
@functools.cache
def flags_of(command: str) -> frozenset[str]:
    """Returns the names of a command's flags; `noNAME`, too, where NAME is true or false."""
    script = str(path_of(command).relative_to(command_runs.ROOT))
    page = command_runs.run(script, "--helpfull", cwd=command_runs.ROOT).stdout
    names = set()
    for optional_no, name in re.findall(r"^ +(?:-\S+,)?--(\[no\])?(\w+):", page, re.MULTILINE):
        names.update((name, f"no{name}") if optional_no else (name,))
    assert names, f"{command} --helpfull names no flags"
    return frozenset(names)
