"""What the arguments of infer.py stand for: images, and videos, cameras and streams."""

import dataclasses
import os
from collections.abc import Sequence

from common import image_files, video_files
from common.texts import printable
from serving import image_search, results
from serving.video import results as video_results
from serving.video import sources


@dataclasses.dataclass
class Inputs:
    """What a command reads.

    Attributes:
      images: paths of images.
      name_paths: for each image, the path that its results are named after.
      shown: how messages call an image, where that is not its path.
      videos: files first, then what has no end.
      problems: a message for each argument that leads to nothing.
      notes: messages about skipped files.
    """

    images: list[str] = dataclasses.field(default_factory=list)
    name_paths: list[str] = dataclasses.field(default_factory=list)
    shown: dict[str, str] = dataclasses.field(default_factory=dict)
    videos: list[sources.Source] = dataclasses.field(default_factory=list)
    problems: list[str] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not self.images and not self.videos

    def files(self) -> dict[str, str]:
        """Returns the files that are read: real path → what messages call it."""
        paths = [path for path in self.images if path not in self.shown]
        paths += [str(source.address) for source in self.videos if source.is_file]
        return {os.path.realpath(path): printable(path) for path in paths}


def find(arguments: Sequence[str], download_folder: str) -> Inputs:
    """Finds what arguments stand for.

    Args:
      arguments: files, folders, patterns, cameras and addresses.
      download_folder: an existing folder for images from the web.
    """
    inputs = Inputs()
    paths: list[str] = []
    remote: dict[str | int, sources.Source] = {}
    for argument in arguments:
        try:
            source = sources.parse(argument)
        except ValueError as error:
            inputs.problems.append(str(error))
            continue
        if source is None:
            paths.append(argument)
        else:
            remote[source.address] = source
    endings = (*results.ENDINGS, video_results.OVERLAY_ENDING)
    found = image_search.search(paths, endings, with_videos=True)
    inputs.problems += found.problems
    inputs.notes += found.notes
    num_results = 0
    for path in found.paths:
        if path not in paths and video_results.is_result(path):
            num_results += 1
        elif is_video(path):
            inputs.videos.append(sources.of_file(path))
        else:
            inputs.images.append(path)
            inputs.name_paths.append(path)
    if num_results:
        inputs.notes.append(f"skipped the class ids of {num_results} frames of videos.")
    for source in remote.values():
        _add_remote(inputs, source, download_folder)
    endless = [source for source in inputs.videos if source.is_live]
    for source in endless[1:]:
        inputs.videos.remove(source)
        inputs.problems.append(
            f"{source.shown}: {endless[0].shown} goes on until Ctrl-C ends the command; give one "
            "camera or stream at a time."
        )
    inputs.videos.sort(key=lambda source: source.is_live)
    return inputs


def is_video(path: str) -> bool:
    """Returns whether a file is a video by its first bytes, or by its name if they say nothing."""
    try:
        with open(path, "rb") as file:
            head = file.read(video_files.HEAD_BYTES)
            if video_files.is_video(head):
                return True
            if not path.lower().endswith(video_files.ENDINGS):
                return False
            file.seek(0)
            image_files.open_image(file, path)
    except (OSError, ValueError):
        return path.lower().endswith(video_files.ENDINGS)
    return False


def _add_remote(inputs: Inputs, source: sources.Source, download_folder: str) -> None:
    if not source.is_on_web:
        inputs.videos.append(source)
        return
    from serving.video import web  # It takes a while to load.

    try:
        found = web.resolve(source, download_folder)
    except ValueError as error:
        inputs.problems.append(str(error))
        return
    if isinstance(found, sources.Source):
        inputs.videos.append(found)
    else:
        inputs.images.append(found)
        inputs.name_paths.append(source.name_path)
        inputs.shown[found] = source.shown
