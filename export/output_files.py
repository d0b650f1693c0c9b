"""The files of an export, which agree whenever the process is killed.

Files that belong to an old graph are removed before the new graph is written, and the new
description is written last.
"""

import os
import re

from common import export_names, files


def metadata_path(export_path: str) -> str:
    """Returns the path of the metadata of an export."""
    return export_names.beside(export_path, export_names.DESCRIPTION_ENDING)


def check_writable(export_path: str) -> None:
    """Raises ValueError if a graph cannot be written there: before it is built."""
    if os.path.isdir(export_path):
        raise ValueError(f"export_path {export_path} is a folder; expected the name of a file.")
    obstacle = files.find_obstacle(os.path.dirname(export_path) or ".")
    if obstacle is not None:
        raise ValueError(f"export_path {export_path}: {' '.join(obstacle)}; choose another one.")


def write(export_path: str, graph: bytes, description: bytes) -> list[str]:
    """Writes a graph and its description (to `metadata_path`), whole or not at all.

    Returns:
      The paths of the removed forms of an earlier, other graph of that name.

    Raises:
      OSError: a file cannot be written; the message names it, and all is as it was.
    """
    folder = os.path.dirname(export_path) or "."
    os.makedirs(folder, exist_ok=True)
    # What killed exports left there, also those of earlier versions.
    stem = re.escape(os.path.splitext(os.path.basename(export_path))[0])
    former_leftover = re.compile(rf"{stem}(_int8)?\.(pb|json|tflite)\.(?P<pid>\d+)\.tmp")
    files.remove_leftovers(folder, former_leftover)
    described = metadata_path(export_path)
    former = export_names.beside_formerly(export_path, export_names.DESCRIPTION_ENDING)
    forms = [] if _holds(export_path, graph) else export_names.form_paths(export_path)
    with files.replacing(described) as new_description:
        with open(new_description, "wb") as file:
            file.write(description)
        with files.set_aside({described, former, *forms}) as removed:
            files.write(export_path, graph)
    return sorted(set(removed) - {described, former})


def _holds(path: str, content: bytes) -> bool:
    """Whether a file exists and holds nothing else."""
    try:
        with open(path, "rb") as file:
            return file.read() == content
    except OSError:
        return False
