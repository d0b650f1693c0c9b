"""Runs commands; memory and processor time of a process and its children, from Linux.

On other systems nothing is known: memory is None, and no time passes.
"""

import os
import pathlib
import re
import subprocess
import sys
from collections.abc import Iterator


def run(*command: str) -> str | None:
    """Runs a command that prepares something; returns why it failed, in one line, or None."""
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode == 0:
        return None
    lines = (finished.stderr or finished.stdout).strip().splitlines()
    errors = [line for line in lines if line.startswith("error: ")] or lines[-1:]
    return errors[0].strip() if errors else f"exit status {finished.returncode}"


def peak_bytes(pid: int) -> int | None:
    """Returns the peak resident memory of a process and its children, bytes.

    Pages that a child shares with its parent count in both.
    """
    peaks = (re.search(r"VmHWM:\s*(\d+) kB", _read(member, "status")) for member in _family(pid))
    return sum(int(peak[1]) * 1024 for peak in peaks if peak) or None


def peak_bytes_of_ended() -> int | None:
    """Returns the peak resident memory of the largest process that this one has waited for."""
    if sys.platform != "linux":
        return None
    import resource  # Windows has none.

    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024


def core_seconds(pid: int) -> float:
    """Returns the time that a process and its children have spent on the cores so far."""
    ticks = 0
    for member in _family(pid):
        # The name in the second field may hold spaces; 14 and 15 are user and system time.
        fields = _read(member, "stat").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12]) if fields else 0
    return ticks / os.sysconf("SC_CLK_TCK")


def _family(pid: int) -> Iterator[int]:
    yield pid
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*"):
        for child in _read(pid, f"task/{task.name}/children").split():
            yield from _family(int(child))


def _read(pid: int, name: str) -> str:
    try:
        return pathlib.Path(f"/proc/{pid}/{name}").read_text()
    except OSError:  # it has ended meanwhile
        return ""
