"""How a training run gets its memory from the system.

A step allocates and frees gigabytes in blocks of up to 100 MB. By default glibc returns such blocks
to the system at once and gets them again page by page, each page cleared by the kernel. The
settings below keep them, in huge pages, of which the processor needs fewer translations, and in one
place for all threads. glibc reads them when a process starts, so the command starts itself again,
under the same process id, before it has loaded anything (50 ms).

GLIBC_TUNABLES in the environment has the last word: a value of the user's, even an empty one, is
left as it is. docs/training-speed.md has the figures.
"""

import os
import sys

_VARIABLE = "GLIBC_TUNABLES"
_TUNABLES = {
    "hugetlb": 1,  # ask for transparent huge pages
    "mmap_threshold": 1 << 32,  # bytes; blocks from here on are returned when they are freed
    "trim_threshold": 1 << 34,  # bytes of free memory at the end of the heap that are kept
    "arena_max": 1,  # a block freed by one thread can be used by another
}


def settings() -> str:
    """Returns the value of GLIBC_TUNABLES."""
    return ":".join(f"glibc.malloc.{name}={value}" for name, value in _TUNABLES.items())


def apply() -> None:
    """Starts this process again with the settings, unless it has settings already."""
    if sys.platform == "linux" and _VARIABLE not in os.environ:
        os.environ[_VARIABLE] = settings()
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
