"""A process starts again with the memory settings, unless the user has settings of his own."""

import os
import subprocess
import sys

from commands import allocator
from tests.support.command_runs import ROOT

SHOW = """
import os, sys
from commands import allocator
allocator.apply()
print(os.environ.get("GLIBC_TUNABLES"), sys.argv[1:])
"""


def _run(**environment: str) -> str:
    clean = {name: value for name, value in os.environ.items() if name != "GLIBC_TUNABLES"}
    result = subprocess.run(
        [sys.executable, "-c", SHOW, "--flag=a b"],
        env={**clean, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return result.stdout.strip()


def test_it_starts_again_with_the_settings():
    assert "glibc.malloc.hugetlb=1" in allocator.settings()
    expected = allocator.settings() if sys.platform == "linux" else None
    assert _run() == f"{expected} ['--flag=a b']"


def test_settings_of_the_user_are_left_alone():
    mine = "glibc.malloc.perturb=0"
    assert _run(GLIBC_TUNABLES=mine) == f"{mine} ['--flag=a b']"
    assert _run(GLIBC_TUNABLES="") == " ['--flag=a b']".strip()
