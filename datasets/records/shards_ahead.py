"""Shards that are written while their examples are being checked, ahead of what the check says.

A check decodes every image and mask, and records are made of the same pixels: together they take
much less time than one after the other. Until everything is checked, the shards lie in a folder of
their own, so that what stands in their place stays as it is. They come into their place only if the
check finds nothing wrong; a build that was stopped meanwhile goes on with those that it has.
"""

import collections
import dataclasses
import itertools
import os
import threading
from collections.abc import Collection, Iterator
from typing import Generic

from datasets.records import build_folder, conversion, shard_plan
from datasets.records.encoder import Encoded, SampleT, SpecT, SplitT
from datasets.records.shard_plan import Failure, FinishedShard, Shard, ShardPlan


class ShardsAhead(Generic[SampleT, SplitT, SpecT]):
    """The shards of a plan that remain to be written, until the check of their examples ends.

    Args:
      plan: of the build.
      known_errors: (split, name) of examples that cannot be used, as the listing of files says.
      skip_failures: whether examples in which the check finds an error are left out; otherwise the
        first of them ends the writing.
    """

    def __init__(
        self,
        plan: ShardPlan[SampleT, SplitT, SpecT],
        known_errors: Collection[tuple[str, str]],
        skip_failures: bool,
    ) -> None:
        self._plan = plan
        self._skips = skip_failures
        self._is_stopped = threading.Event()
        build_folder.make_ahead(plan.output_dir)
        self._finished: dict[str, FinishedShard[SplitT]] = {}
        for shard in plan.pending:
            state = shard_plan.recall(plan.encoder, _ahead(shard))
            if state is not None and (skip_failures or not state.failures):
                self._finished[shard.path] = state
        self._unwanted = {*known_errors} | {
            (shard.split, sample.name)
            for shard in plan.shards
            if self._is_written(shard)
            for sample in shard.samples
        }

    @property
    def num_finished(self) -> int:
        """How many shards are written."""
        return len(self._finished)

    @property
    def is_of_use(self) -> bool:
        """Whether a later build finds shards here, the one that was just written included."""
        return any(os.path.exists(_ahead(shard).path) for shard in self._plan.pending)

    def wants(self, split: str, name: str) -> bool:
        """Whether a record of an example is of use; called from any thread."""
        return not self._is_stopped.is_set() and (split, name) not in self._unwanted

    def write(self, records: Iterator[Encoded | None]) -> None:
        """Writes the shards, and reads the iterator to its end whatever comes.

        Args:
          records: of all examples of the plan, in its order; None where there is none, because an
            example cannot be used, or was not wanted.
        """
        for shard in self._plan.shards:
            part = itertools.islice(records, len(shard.samples))
            if not self._is_written(shard) and not self._is_stopped.is_set():
                self._write(shard, part)
            collections.deque(part, maxlen=0)

    def keep(self, excluded: Collection[tuple[str, str]]) -> ShardPlan[SampleT, SplitT, SpecT]:
        """Brings the shards into their places after the check.

        Args:
          excluded: (split, name) of the examples that cannot be used. A shard that holds one of
            them, as only the comparison with others shows some errors, is not kept.

        Returns:
          The plan of what remains to be written.
        """
        kept = {}
        for shard in self._plan.pending:
            state = self._finished.get(shard.path)
            unusable = {each.name for each in shard.samples if (shard.split, each.name) in excluded}
            if state is not None and unusable == {failure.name for failure in state.failures}:
                kept[shard.path] = state
        if kept:
            self._plan.prepare()
            for path in kept:
                build_folder.bring(path)
        self.discard()
        return dataclasses.replace(self._plan, finished={**self._plan.finished, **kept})

    def discard(self) -> None:
        """Ends the writing, and removes what was written."""
        self._is_stopped.set()
        self._finished.clear()
        build_folder.remove_ahead(self._plan.output_dir)

    def _is_written(self, shard: Shard[SampleT]) -> bool:
        return shard.path in self._plan.finished or shard.path in self._finished

    def _write(self, shard: Shard[SampleT], part: Iterator[Encoded | None]) -> None:
        try:
            self._finished[shard.path] = conversion.write_encoded(
                _ahead(shard), self._plan.encoder, self._outcomes(shard, part), self._skips
            )
        except _CheckFailedError as failed:
            raise failed.error from None
        # Where a disk has no room for both, what is there makes room for the conversion.
        except (_UnusableExampleError, OSError):
            self.discard()

    def _outcomes(
        self, shard: Shard[SampleT], part: Iterator[Encoded | None]
    ) -> Iterator[Encoded | Failure]:
        for sample in shard.samples:
            try:
                encoded = next(part)
            except Exception as error:
                raise _CheckFailedError(error) from error
            if encoded is None and not self._skips:
                raise _UnusableExampleError
            yield encoded or conversion.skip_after_check(shard, sample)


class _UnusableExampleError(Exception):
    """An example has no record, so nothing will be kept."""


class _CheckFailedError(Exception):
    """The check itself has failed, not the writing of a shard."""

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


def _ahead(shard: Shard[SampleT]) -> Shard[SampleT]:
    """Returns the shard as it is while its examples are being checked."""
    return dataclasses.replace(shard, path=build_folder.path_ahead(shard.path))
