"""Flags that name images: a file, a folder or a pattern."""

from serving import image_reading


def find_images(pattern: str | None, flag: str) -> list[str]:
    """Returns the paths of a flag's images; [] where the flag is not given.

    Raises:
      ValueError: there is none; the message names the flag.
    """
    if pattern is None:
        return []
    paths, problems = image_reading.find_images([pattern])
    if problems:
        raise ValueError(f"--{flag}: {problems[0]}")
    return paths
