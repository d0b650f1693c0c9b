"""Whether one model takes further images: how many it has, and how long they will take."""

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence

from serving.http import refusals
from serving.http.pace import Pace
from serving.http.refusals import Refusal

# Times are guesses: further images come, and their tiles take turns with those that are here.
_MARGIN = 1.5
_ADVICE = "Scale it down; or have it shrunk: /segment?tile=off, serve.py --tile=off."


@dataclasses.dataclass(frozen=True)
class Limits:
    """What one model takes at once.

    Attributes:
      num_images: that are decoded, wait or run.
      num_tiles: of one image.
      seconds: until the last of the images is answered.
    """

    num_images: int = 32
    num_tiles: int = 256
    seconds: float = 30.0


class Admission:
    """Counts the images of a model from before they are decoded until they are answered.

    Used from the event loop only.

    Attributes:
      num_images: images that are counted now.
    """

    def __init__(self, limits: Limits, image_pace: Pace, tile_pace: Pace):
        """Takes limits, and how fast whole images and tiles have been going of late."""
        self._limits = limits
        self._image_pace = image_pace
        self._tile_pace = tile_pace
        self._num_whole = 0
        self._num_tiled = 0
        self._num_tiles = 0

    @property
    def num_images(self) -> int:
        return self._num_whole + self._num_tiled

    @contextlib.contextmanager
    def admit(self, num_tiles: Sequence[int]) -> Iterator[None]:
        """Counts images while they are answered.

        Args:
          num_tiles: tiles of each; 0 for an image that runs as a whole.

        Raises:
          Refusal: 413 for what is never taken, 429 for what is not taken now.
        """
        num_tiled = sum(number > 0 for number in num_tiles)
        num_whole = len(num_tiles) - num_tiled
        self._check_size(num_tiles)
        self._check_load(num_whole, num_tiled, sum(num_tiles))
        self._num_whole += num_whole
        self._num_tiled += num_tiled
        self._num_tiles += sum(num_tiles)
        try:
            yield
        finally:
            self._num_whole -= num_whole
            self._num_tiled -= num_tiled
            self._num_tiles -= sum(num_tiles)

    def _check_size(self, num_tiles: Sequence[int]) -> None:
        limits, most = self._limits, max(num_tiles)
        if len(num_tiles) > limits.num_images:
            raise Refusal(
                413,
                f"the request has {len(num_tiles)} images; at most {limits.num_images} are taken "
                "(--queue_size). Send several requests.",
            )
        needs = f"the image takes {most} tiles of the network's size"
        if most > limits.num_tiles:
            raise Refusal(
                413, f"{needs}; at most {limits.num_tiles} are taken (--max_tiles). {_ADVICE}"
            )
        seconds = sum(num_tiles) * self._tile_pace.fastest
        if seconds > limits.seconds:
            if len(num_tiles) > 1:
                needs = f"the request's images take {sum(num_tiles)} tiles of the network's size"
            raise Refusal(
                413,
                f"{needs}, at least {seconds:.0f} s; the server allows {limits.seconds:g} s "
                f"(--time_limit_secs). {_ADVICE}",
            )

    def _check_load(self, num_whole: int, num_tiled: int, num_tiles: int) -> None:
        if not self.num_images:
            return
        whole, tiles = self._num_whole + num_whole, self._num_tiles + num_tiles
        # Where both are there each has half of the batches.
        share = 2 if whole and tiles else 1
        waits = [
            (already * seconds, (already + new) * seconds)
            for already, new, seconds in (
                (self._num_whole, num_whole, self._image_pace.with_share(share)),
                (self._num_tiles, num_tiles, self._tile_pace.with_share(share)),
            )
            if new
        ]
        is_full = self.num_images + num_whole + num_tiled > self._limits.num_images
        if is_full or _MARGIN * max(end for _, end in waits) > self._limits.seconds:
            reason = "the model is busy with the images of others"
            raise refusals.busy(reason, max(start for start, _ in waits))
