"""What is written of a video: an overlay, and class ids of its frames if they are wanted."""

import contextlib
import os
import re
import shutil
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from common import files
from common.texts import printable
from serving.drawing import visualize
from serving.drawing.frame_legend import FrameLegend
from serving.results import ResultOptions
from serving.video import writing

OVERLAY_ENDING = f"_overlay{writing.ENDING}"
IDS_ENDING = "_ids"
# Of what was finished when the command was interrupted.
_PARTIAL = "_partial"
_FRAME_NAME = re.compile(r"\d{6,}\.(png|npy)")
_FRAME_DIGITS = 6


def overlay_path(directory: str, name: str, is_partial: bool = False) -> str:
    return os.path.join(directory, name + _PARTIAL * is_partial + OVERLAY_ENDING)


def ids_path(directory: str, name: str, is_partial: bool = False) -> str:
    """Returns the folder of the class ids of frames."""
    return os.path.join(directory, name + _PARTIAL * is_partial + IDS_ENDING)


def is_frame_of_ids(path: str) -> bool:
    """Returns whether a file has the name of a frame's class ids, in a folder of such."""
    folder, name = os.path.split(path)
    return folder.endswith(IDS_ENDING) and _FRAME_NAME.fullmatch(name) is not None


def is_result(path: str) -> bool:
    """Returns whether a file is a frame's class ids, beside the overlay of its video."""
    overlay = os.path.dirname(path).removesuffix(IDS_ENDING) + OVERLAY_ENDING
    return is_frame_of_ids(path) and os.path.isfile(overlay)


class DrawnFrame(NamedTuple):
    """A frame whose results are ready to be written.

    Attributes:
      overlay: uint8 [height, width, 3], RGB, with its legend, of even sides.
      class_ids: uint8 [height, width].
      shares: float64 [num_classes], each class's share of the pixels.
    """

    overlay: np.ndarray
    class_ids: np.ndarray
    shares: np.ndarray


class ResultWriter:
    """Writes the results of a video frame by frame, as a context.

    They have names that say that they are partial until `complete` is called; when the block
    raises, nothing but class ids is left, under such a name.

    Attributes:
      num_frames: frames that have been written.
      has_legend: whether the overlay has one: frames may be too small for it.
    """

    def __init__(
        self,
        directory: str,
        name: str,
        size: tuple[int, int],
        rate: float,
        class_names: Sequence[str],
        palette: visualize.Palette,
        options: ResultOptions,
    ):
        """Opens the results.

        Args:
          directory: an existing folder.
          name: what the results' names begin with.
          size: (height, width) of the frames.
          rate: frames a second.
          class_names: name of each class id.
          palette: RGB color, 0..255, of each class id.
          options: what to write; probabilities are not.
        """
        self.num_frames = 0
        self._directory = directory
        self._name = name
        self._class_names = class_names
        self._palette = palette
        self._options = options
        self._num_pixels = np.zeros(len(class_names), np.float64)
        self._legend = FrameLegend(size, class_names, palette) if options.legend else None
        self.has_legend = self._legend is not None and self._legend.height > 0
        strip = self._legend.height if self._legend else 0
        self._partial_ids = ids_path(directory, name, is_partial=True)
        with contextlib.ExitStack() as stack:
            self._video = stack.enter_context(
                writing.writing(
                    overlay_path(directory, name, is_partial=True),
                    writing.even((size[0] + strip, size[1])),
                    rate,
                )
            )
            if options.ids_format is not None:
                _remove_frames(self._partial_ids)
                os.makedirs(self._partial_ids, exist_ok=True)
            self._stack = stack.pop_all()

    def __enter__(self) -> "ResultWriter":
        return self

    def __exit__(self, *error) -> None:
        self._stack.__exit__(*error)

    @property
    def shares(self) -> np.ndarray:
        """Each class's share of the pixels of all frames, float64 [num_classes]."""
        return self._num_pixels / max(1.0, self._num_pixels.sum())

    def draw(self, pixels: np.ndarray, class_ids: np.ndarray) -> DrawnFrame:
        """Returns what `write` takes; several threads may draw at once.

        Args:
          pixels: the frame, uint8 [height, width, 3], RGB.
          class_ids: uint8 [height, width].
        """
        shares = visualize.class_shares(class_ids, len(self._class_names))
        image = Image.fromarray(pixels)
        visualize.paint_overlay(
            image, class_ids, self._palette, self._class_names, self._options.opacity
        )
        overlay = np.asarray(image)
        if self._legend is not None and self._legend.height:
            overlay = np.concatenate([overlay, np.asarray(self._legend.draw(shares))])
        return DrawnFrame(writing.pad_to_even(overlay), class_ids, shares)

    def write(self, drawn: DrawnFrame) -> None:
        """Writes the results of the next frame."""
        self._video.write(drawn.overlay)
        self._num_pixels += drawn.shares
        self.num_frames += 1
        if self._options.ids_format is not None:
            self._write_ids(drawn.class_ids)

    def complete(self) -> list[str]:
        """Gives the results of a block that has ended their names; returns these."""
        path = overlay_path(self._directory, self._name)
        os.replace(overlay_path(self._directory, self._name, is_partial=True), path)
        partial_ids = self._partial_ids
        if self._options.ids_format is None:
            _remove_frames(partial_ids)  # Of an interrupted run.
            return [path]
        folder = ids_path(self._directory, self._name)
        _remove_frames(folder)
        if os.path.isdir(folder):  # It holds something else besides.
            for each in os.listdir(partial_ids):
                os.replace(os.path.join(partial_ids, each), os.path.join(folder, each))
            os.rmdir(partial_ids)
        else:
            os.rename(partial_ids, folder)
        return [path, folder]

    def partial_paths(self) -> list[str]:
        """Returns the results of a block that has ended and was not completed."""
        paths = [overlay_path(self._directory, self._name, is_partial=True)]
        return paths + ([self._partial_ids] if self._options.ids_format else [])

    def _write_ids(self, class_ids: np.ndarray) -> None:
        ending = self._options.ids_format
        path = os.path.join(self._partial_ids, f"{self.num_frames:0{_FRAME_DIGITS}}.{ending}")
        try:
            if ending == "png":
                Image.fromarray(class_ids).save(path)
            else:
                np.save(path, class_ids.astype(np.int32))
        except OSError as error:
            raise files.cannot_write(printable(path), error) from error


def _remove_frames(folder: str) -> None:
    """Removes the class ids of an earlier run, and their folder if nothing else is in it."""
    if not os.path.isdir(folder):
        return
    names = os.listdir(folder)
    frames = [name for name in names if _FRAME_NAME.fullmatch(name)]
    if len(frames) == len(names) and not os.path.islink(folder):
        shutil.rmtree(folder)
        return
    for name in frames:
        os.remove(os.path.join(folder, name))
