"""The checkpoints of a training run as they appear, for a command that runs beside it.

The training run removes its older checkpoints, also one that is about to be read.
"""

import math
import os
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import tensorflow.compat.v1 as tf

from common import checkpoint_files
from training import checkpoints

_POLL_SECS = 1.0
# What reading a checkpoint raises when its files vanish.
_READ_ERRORS = (ValueError, OSError, RuntimeError, IndexError, tf.errors.OpError)

_Result = TypeVar("_Result")


class Arrivals(Iterator[str]):
    """Yields the newest checkpoint of a folder, then waits for the next one.

        for checkpoint in arrivals:
            weights = arrivals.read(checkpoint, read_weights)
            if weights is not None: ...

    Args:
      source: the folder, or the prefix of a checkpoint, which alone is then taken.
      limit: number of checkpoints that are read before it ends; 1 takes the newest one there is and
        does not wait; 0 or less waits for new ones until the process ends.
      interval_secs: minimum seconds between the starts on two checkpoints.
      report, warn: take lines for the user.

    Raises (from the iteration):
      ValueError: with a limit of 1 there is no checkpoint; or the folder has been removed.
    """

    def __init__(
        self,
        source: str,
        limit: int,
        interval_secs: float,
        *,
        report: Callable[[str], None],
        warn: Callable[[str], None],
    ):
        self._source = source
        self._limit = limit
        self._interval_secs = interval_secs
        self._report = report
        self._warn = warn
        self._last: str | None = None
        self._last_start = -math.inf
        self._num_read = 0

    def __next__(self) -> str:
        if 0 < self._limit <= self._num_read:
            raise StopIteration
        self._last = self._find_newest() if self._limit == 1 else self._wait()
        self._last_start = time.monotonic()
        return self._last

    def read(self, checkpoint: str, read: Callable[[str], _Result]) -> _Result | None:
        """Returns `read(checkpoint)`; None if the checkpoint's files are removed meanwhile.

        `read` must not return None. A checkpoint that is removed does not count.
        """
        try:
            result = read(checkpoint)
        except _READ_ERRORS:
            if checkpoint_files.exists(checkpoint) or checkpoint == self._source:
                raise
            self._warn(
                f"checkpoint {checkpoint} was removed before it could be read, so the next one is "
                "taken (train.py keeps more with a larger max_checkpoints_to_keep)"
            )
            self._last_start = -math.inf
            return None
        self._num_read += 1
        return result

    def _find_newest(self) -> str:
        checkpoint = checkpoints.find_checkpoint(self._source)
        if checkpoint == self._last:
            raise ValueError(f"checkpoint {checkpoint} was removed, and there is no other.")
        return checkpoint

    def _wait(self) -> str:
        """Returns the newest checkpoint once it is another than the last one."""
        said = ""
        while True:
            pause = self._last_start + self._interval_secs - time.monotonic()
            newest = checkpoints.latest_checkpoint(self._source) if pause <= 0 else None
            if newest not in (None, self._last):
                return newest
            if not os.path.isdir(self._source):
                raise ValueError(f"{self._source} was removed: there is nothing to wait for.")
            if not said:
                said = self._describe_wait(pause)
                self._report(said)
            time.sleep(max(_POLL_SECS, pause))

    def _describe_wait(self, pause: float) -> str:
        if self._last is None:
            return (
                f"waiting for the first checkpoint in {self._source}: it holds none yet (train.py "
                "saves one every save_interval_secs, and when it ends)"
            )
        line = f"waiting for the next checkpoint in {self._source}"
        if pause > 0:
            return f"{line} (looking again in {pause:.0f} s)"
        return f"{line}: {os.path.basename(self._last)} is the newest"
