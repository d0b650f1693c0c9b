"""Flags that name images: a file, a folder or a pattern."""

from serving import image_search


def find_images(pattern: str | None, flag: str) -> list[str]:
    """Returns the paths of a flag's images; [] where the flag is not given.

    Raises:
      ValueError: there is none; the message names the flag.
    """
    if pattern is None:
        return []
    found = image_search.search([pattern])
    if found.problems:
        raise ValueError(f"--{flag}: {found.problems[0]}")
    return found.paths
