"""What Linux tells of a process and its children: memory and time on the cores.

Elsewhere nothing is known: memory is None, and no time passes.
"""

import os
import pathlib

_PROC = pathlib.Path("/proc")


def peak_bytes(pid: int) -> int | None:
    """Returns the peak resident memory of a process and its children, bytes.

    Pages that a child shares with its parent count in both.
    """
    peaks = [_peak(member) for member in _family(pid)]
    return sum(peaks) if any(peaks) else None


def core_seconds(pid: int) -> float:
    """Returns the time that a process and its children have spent on the cores so far."""
    ticks = 0
    for member in _family(pid):
        # The name in the second field may hold spaces; 14 and 15 are user and system time.
        fields = _read(member, "stat").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12]) if fields else 0
    return ticks / os.sysconf("SC_CLK_TCK")


def _family(pid: int) -> list[int]:
    members, waiting = [], [pid]
    while waiting:
        member = waiting.pop()
        members.append(member)
        for task in (_PROC / str(member) / "task").glob("*"):
            waiting.extend(map(int, _read(member, f"task/{task.name}/children").split()))
    return members


def _peak(pid: int) -> int:
    for line in _read(pid, "status").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def _read(pid: int, name: str) -> str:
    try:
        return (_PROC / str(pid) / name).read_text()
    except OSError:  # it has ended meanwhile
        return ""
