"""What tells whether an export on this machine has changed, without reading it."""

import os


def state_of_files(path: str) -> tuple:
    """Returns what changes when any file of an export is replaced.

    Args:
      path: of the graph.
    """
    beside = os.path.splitext(path)[0]
    folder = os.path.dirname(path) or "."
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_file() and _belongs(entry.name, path, beside):
                status = entry.stat()
                found.append((entry.name, status.st_mtime_ns, status.st_size, status.st_ino))
    return tuple(sorted(found))


def _belongs(name: str, path: str, beside: str) -> bool:
    stem = os.path.basename(beside).removeprefix("frozen_")
    return name == os.path.basename(path) or name.removeprefix("frozen_").startswith(stem)
