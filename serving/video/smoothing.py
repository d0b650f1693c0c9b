"""Class ids of frames, from probabilities that are averaged over time.

Each frame alone may give a pixel near a border now one class and now another; the mean of several
flickers less, and lags behind what moves.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from serving import tiling, upscaling

if TYPE_CHECKING:
    from serving.deeplab_model import DeepLabModel

# A larger mean difference between two frames, of 255, is a cut to another scene, or movement so
# fast that a pixel's past is that of other things. Frames are compared at this (width, height).
CUT_DIFFERENCE = 30.0
_COMPARED_SIZE = (32, 18)
# Probabilities that come from the network at once: 128 MiB of float32.
_MAX_VALUES = 1 << 25


class Smoother:
    """An exponential moving average over the frames of a video.

    It is kept at the size at which the network sees a frame; only class ids are brought to the
    frame's own. In tiles, that is the frame's size.

    Attributes:
      num_cuts: how often it has begun again with another scene.
    """

    def __init__(self, model: "DeepLabModel", share: float, tiles: tiling.TileOptions):
        """Begins without a past.

        Args:
          model: the network; it has to give probabilities.
          share: weight of the past, 0 <= share < 1: a frame's probabilities become `share` times
            those of the frame before, as they were smoothed, plus `1 - share` times its own.
          tiles: what becomes of frames larger than the network takes.

        Raises:
          ValueError: the model has no probabilities.
        """
        if not model.has_probabilities:
            raise ValueError(
                f"{model.path} gives no probabilities, which --temporal_smoothing averages. "
                "Export the checkpoint again with python export_model.py, or omit the flag."
            )
        self.num_cuts = 0
        self._model = model
        self._share = share
        self._tiles = tiles
        self._mean: np.ndarray | None = None
        self._before: np.ndarray | None = None

    def num_bytes(self, height: int, width: int) -> int:
        """Returns the memory that smoothing takes for frames of a size."""
        num_classes = self._model.num_classes
        planned = self._plan(height, width)
        if planned is not None:
            return 4 * height * width * num_classes + planned.num_bytes(num_classes)
        height, width = self._model.fitted_size(height, width)
        values = height * width * num_classes
        return 4 * (3 * values + max(values, _MAX_VALUES))

    def segment(self, frames: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
        """Yields the class ids of frames of one size, each uint8 [height, width].

        Args:
          frames: uint8 [height, width, 3], RGB, in their order; those of a video one after another.
        """
        for start in range(0, len(frames), self._num_at_once(frames[0])):
            some = frames[start : start + self._num_at_once(frames[0])]
            planned = self._plan(*some[0].shape[:2])
            if planned is not None:
                for frame in some:
                    yield self._in_tiles(frame, planned)
                continue
            fitted = [np.asarray(self._model.fit(Image.fromarray(frame))) for frame in some]
            predictions = self._model.predict_batch(fitted, True, np.uint8, tile=tiling.OFF)
            for frame, prediction in zip(some, predictions, strict=True):
                assert prediction.probabilities is not None
                mean = self._add(frame, prediction.probabilities)
                yield _to_ids(mean, (frame.shape[0], frame.shape[1]))

    def _num_at_once(self, frame: np.ndarray) -> int:
        height, width = self._model.fitted_size(frame.shape[0], frame.shape[1])
        return max(1, _MAX_VALUES // (height * width * self._model.num_classes))

    def _plan(self, height: int, width: int) -> tiling.Plan | None:
        return self._model.plan_tiles(height, width, self._tiles.tile, self._tiles.overlap)

    def _in_tiles(self, frame: np.ndarray, planned: tiling.Plan) -> np.ndarray:
        goes_on = self._goes_on(frame, (*planned.size, self._model.num_classes))
        if not goes_on:
            self._mean = np.empty([*planned.size, self._model.num_classes], np.float32)
        assert self._mean is not None
        class_ids: np.ndarray = np.empty(planned.size, np.uint8)
        blocks = self._model.blocks(
            planned, lambda top, bottom, left, right: frame[top:bottom, left:right]
        )
        for block in blocks:
            assert block.probabilities is not None
            height, width = block.ids.shape
            part = np.s_[block.top : block.top + height, block.left : block.left + width]
            if goes_on:
                _blend(self._mean[part], block.probabilities, self._share)
            else:
                self._mean[part] = block.probabilities
            class_ids[part] = self._mean[part].argmax(axis=2)
        return class_ids

    def _add(self, frame: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
        """Returns the mean, with a frame's probabilities in it."""
        if self._goes_on(frame, probabilities.shape):
            assert self._mean is not None
            _blend(self._mean, probabilities, self._share)
        else:
            self._mean = probabilities.copy()
        return self._mean

    def _goes_on(self, frame: np.ndarray, shape: tuple[int, ...]) -> bool:
        """Returns whether a frame shows the scene of the one before, at its size."""
        reduced = Image.fromarray(frame).resize(_COMPARED_SIZE, Image.Resampling.BOX)
        now = np.asarray(reduced, np.float32)
        before, self._before = self._before, now
        if before is None or self._mean is None or self._mean.shape != shape:
            return False
        is_cut = float(np.abs(now - before).mean()) > CUT_DIFFERENCE
        self.num_cuts += is_cut
        return not is_cut


def _blend(mean: np.ndarray, new: np.ndarray, share: float) -> None:
    """Moves a mean toward new values, in place."""
    mean *= share
    mean += (1 - share) * new


def _to_ids(probabilities: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    if probabilities.shape[:2] == size:
        return probabilities.argmax(axis=2).astype(np.uint8)
    return upscaling.upscale_to_ids(probabilities, size, np.uint8)
