"""The conversion of `conversion` on Apache Beam, for data larger than one machine.

A shard is the unit of work: whichever machine gets it reads its images, writes it, and remembers
it beside it, all as `conversion` does, so the bytes are the same and an interrupted run
goes on. Images and records lie in folders that every machine sees under one path.

Beam (https://beam.apache.org) is the optional extra `beam`: `make setup-beam`.
"""

import dataclasses
import functools
import logging
from collections.abc import Callable, Collection

from common import beam, files
from datasets.images.memory_limit import MemoryLimit
from datasets.records import build_folder, conversion, shard_plan
from datasets.records.encoder import SampleT, SpecT, SplitT
from datasets.records.shard_plan import Failure, Shard, ShardPlan


def convert(
    plan: ShardPlan[SampleT, SplitT, SpecT],
    *,
    runner: str,
    options: str = "",
    excluded: Collection[tuple[str, str]] = (),
    skip_failures: bool = False,
    memory_limit: MemoryLimit = MemoryLimit(),  # noqa: B008 (it is frozen)
) -> tuple[SpecT, list[Failure]]:
    """Writes the shards that remain and then `dataset.json`, as `conversion.convert` does.

    An example that cannot be converted ends the conversion, unless it is skipped, when the other
    shards are written.

    Args:
      runner: Beam's name of the engine, such as "DirectRunner" (this machine) or "SparkRunner".
      options: further options of Beam, as on a command line: "--direct_num_workers=2".
      memory_limit: what an example may take on a worker, which converts one at a time.

    Raises:
      ValueError: Beam is not installed or refuses its options, or as in `conversion.convert`.
    """
    beam.require(runner)
    write = functools.partial(
        conversion.write_shard,
        # Without what would be sent with each piece of work.
        dataclasses.replace(plan, shards=(), finished={}),
        excluded=frozenset(excluded),
        skip_failures=skip_failures,
        memory_limit=memory_limit,
    )
    _run(plan, runner, options, functools.partial(_write_shard, write))
    finished = dict(plan.finished)
    for shard in plan.pending:
        message = build_folder.recall_failure(shard.path)
        if message is not None:
            raise ValueError(message)
        state = shard_plan.recall(plan.encoder, shard)
        if state is None:
            raise ValueError(
                f"{shard.path} is missing although the run on {runner} has ended: check that every "
                "machine has its folder and the images under the same paths as this one."
            )
        finished[shard.path] = state
    return conversion.finish(plan, finished)


def _run(
    plan: ShardPlan[SampleT, SplitT, SpecT],
    runner: str,
    options: str,
    write: Callable[[Shard], None],
) -> None:
    """Writes the shards that remain on the workers of a runner."""
    # It logs every cloud that is not installed and every worker that it starts.
    logging.getLogger("apache_beam").setLevel(logging.ERROR)
    import apache_beam

    pipeline = beam.make_pipeline(runner, options)
    plan.prepare()
    if plan.pending:
        shards = pipeline | "Shards" >> apache_beam.Create(plan.pending) | apache_beam.Reshuffle()
        _ = shards | "Write" >> apache_beam.Map(write)
        pipeline.run().wait_until_finish()


def _write_shard(write: Callable[[Shard], object], shard: Shard) -> None:
    """Writes a shard on a worker."""
    try:
        write(shard)
    except (OSError, ValueError) as error:
        # A runner wraps what a worker raises into pages of its own, and tries it again before
        # that. `convert` raises this line instead.
        build_folder.remember_failure(shard.path, files.describe_error(error))
