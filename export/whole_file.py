"""Writes files whole or not at all."""

import os


def write(path: str, content: bytes) -> None:
    """Writes a file under a temporary name in its folder, then renames it.

    Raises:
      OSError: it cannot be written; nothing is left behind.
    """
    temporary = f"{path}.{os.getpid()}.tmp"
    try:
        with open(temporary, "wb") as file:
            file.write(content)
        os.replace(temporary, path)
    finally:
        if os.path.exists(temporary):
            os.remove(temporary)
