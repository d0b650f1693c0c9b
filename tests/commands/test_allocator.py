"""train.py starts with the memory settings, and only there."""

import os
import pathlib
import shutil
import subprocess
import sys

from commands import allocator

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHOW = "import allocator, os, sys; print(os.environ.get('GLIBC_TUNABLES'), sys.argv[1:])"


def _run(folder, name: str, **environment: str) -> str:
    shutil.copy(ROOT / "commands/allocator.py", folder)
    script = folder / name
    script.write_text(SHOW, encoding="utf-8")
    clean = {name: value for name, value in os.environ.items() if name != "GLIBC_TUNABLES"}
    result = subprocess.run(
        [sys.executable, str(script), "--flag=a b"],
        env={**clean, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return result.stdout.strip()


def test_a_training_is_started_again_with_the_settings(tmp_path):
    assert "glibc.malloc.hugetlb=1" in allocator.settings()
    expected = allocator.settings() if sys.platform == "linux" else None
    assert _run(tmp_path, "train.py") == f"{expected} ['--flag=a b']"


def test_settings_of_the_user_and_other_commands_are_left_alone(tmp_path):
    mine = "glibc.malloc.perturb=0"
    assert _run(tmp_path, "train.py", GLIBC_TUNABLES=mine) == f"{mine} ['--flag=a b']"
    assert _run(tmp_path, "eval.py") == "None ['--flag=a b']"
