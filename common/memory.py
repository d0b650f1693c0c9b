"""How much memory this process may use."""

import contextlib
import ctypes
import os
import pathlib
import re
import sys

_MEMINFO = pathlib.Path("/proc/meminfo")
_OWN_GROUPS = pathlib.Path("/proc/self/cgroup")
_GROUPS = pathlib.Path("/sys/fs/cgroup")
# Control groups without a limit say "max", or a number of this order.
_NO_LIMIT = 1 << 60

# Parameters of glibc's mallopt, from malloc.h, and their values in bytes.
_TRIM_THRESHOLD, _KEPT_BYTES = -1, 256 << 20
_MMAP_THRESHOLD, _LARGEST_KEPT_BLOCK = -3, 32 << 20  # It takes no more.


def total_bytes() -> int | None:
    """Returns memory and swap, or a container's limit if that is less; None if unknown."""
    info = _meminfo()
    if "MemTotal" not in info:
        return None
    swap = info.get("SwapTotal", 0)
    limits = [limit + swap for limit, _ in _group_limits()]
    return min([info["MemTotal"] + swap, *limits])


def available_bytes(with_swap: bool = True) -> int | None:
    """Returns what is free now, or would be if caches were given up; None if unknown.

    Without swap for what has to be fast: swap only keeps a process alive.
    """
    info = _meminfo()
    if "MemAvailable" not in info:
        return None
    swap = info.get("SwapFree", 0) if with_swap else 0
    free = [max(limit - used, 0) + swap for limit, used in _group_limits()]
    return min([info["MemAvailable"] + swap, *free])


def check(needed_bytes: int, what: str, advice: str) -> None:
    """Refuses (ValueError) to begin something for which memory and swap can never suffice.

    TensorFlow ends the process when the system refuses memory, and the system ends it when it has
    promised too much; neither says why.

    Args:
      needed_bytes: what is needed at least.
      what: what needs it, for the error: "a batch of 8 images".
      advice: what the user can do about it, for the error.
    """
    total, available = total_bytes(), available_bytes()
    if total is None or needed_bytes <= total:
        return
    free = "" if available is None else f", {in_words(available)} of it free now"
    raise ValueError(
        f"{what} needs {in_words(needed_bytes)} of memory or more, and there are "
        f"{in_words(total)} with swap{free}. {advice}"
    )


def keep_freed() -> None:
    """Makes glibc, where it is used, keep freed blocks of memory for this process's next ones.

    By default arrays of an image's size go back to the system when they are freed, and new ones
    come page by page: a quarter of the processor time of a conversion, two thirds of that of
    scaling an image to a classifier's size.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # Another C library.
            mallopt = ctypes.CDLL(None).mallopt
            mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)
            mallopt(_MMAP_THRESHOLD, _LARGEST_KEPT_BLOCK)


def in_words(num_bytes: float) -> str:
    """Formats a number of bytes: '3.2 GB', '57 MB', '12 KB', '1,024 GB'."""
    if num_bytes < 1e6:
        return f"{num_bytes / 1e3:.0f} KB"
    if num_bytes < 1e9:
        return f"{num_bytes / 1e6:.0f} MB"
    return f"{num_bytes / 1e9:.1f} GB" if num_bytes < 1e11 else f"{num_bytes / 1e9:,.0f} GB"


def _meminfo() -> dict[str, int]:
    lines = re.findall(r"^(\w+):\s+(\d+) kB$", _read(_MEMINFO), re.MULTILINE)
    return {name: int(kilobytes) * 1024 for name, kilobytes in lines}


def _group_limits() -> list[tuple[int, int]]:
    """Returns (limit, used without caches) of this process's control groups and those above."""
    limits = []
    for line in _read(_OWN_GROUPS).splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            root, names = _GROUPS, ("memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            root = _GROUPS / "memory"
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        else:
            continue
        # Inside a container the path may be that outside of it; the root is then its own.
        folder = pathlib.Path(os.path.normpath(root / path.lstrip("/")))
        for each in {folder, *folder.parents, root}:
            if each == root or root in each.parents:
                limits += _group_limit(each, *names)
    return limits


def _group_limit(
    folder: pathlib.Path, limit_name: str, used_name: str, cache_name: str
) -> list[tuple[int, int]]:
    limit, used = _read(folder / limit_name).strip(), _read(folder / used_name).strip()
    if not limit.isdigit() or int(limit) >= _NO_LIMIT or not used.isdigit():
        return []
    cached = re.search(rf"^{cache_name} (\d+)$", _read(folder / "memory.stat"), re.MULTILINE)
    return [(int(limit), int(used) - int(cached[1] if cached else 0))]


def _read(path: pathlib.Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
