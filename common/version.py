"""The version of this project, and the revision of a clone of it."""

import os
import subprocess

VERSION = "0.2.0"

_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def revision() -> str:
    """Returns what git calls this code, "-dirty" where it was changed; "" outside of a clone."""
    if not os.path.exists(os.path.join(_ROOT, ".git")):
        return ""
    command = ["git", "-C", _ROOT, "describe", "--always", "--dirty", "--exclude=*"]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return run.stdout.strip()
