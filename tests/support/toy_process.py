"""Trains `toy_training` in a process of its own: `python …/toy_process.py LOGDIR STEPS`."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from commands import launcher
from commands.command import Command

if __name__ == "__main__":
    launcher.execute(Command("", "tests.support.toy_training:main", positional="LOGDIR STEPS"))
