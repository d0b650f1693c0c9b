"""Turns a source into TFRecord shards and `dataset.json`, on all cores.

Threads read, decode and encode the images; the calling thread writes the records in order, so the
same input gives the same bytes however many threads there are, and memory does not grow with the
number of images. `dataset.json` is there only when all shards are.
"""

import contextlib
from collections.abc import Collection, Generator, Iterator, Mapping

from common import files
from datasets.images.memory_limit import MemoryLimit, count_pixels
from datasets.records import build_folder, tfrecords, workers
from datasets.records.encoder import Encoded, Encoder, SampleT, SpecT, SplitT
from datasets.records.shard_plan import Failure, FinishedShard, Shard, ShardPlan


def convert(
    plan: ShardPlan[SampleT, SplitT, SpecT],
    *,
    excluded: Collection[tuple[str, str]] = (),
    skip_failures: bool = False,
    num_workers: int | None = None,
    show_progress: bool = True,
    memory_limit: MemoryLimit = MemoryLimit(),  # noqa: B008 (it is frozen)
) -> tuple[SpecT, list[Failure]]:
    """Writes the shards that remain and then `dataset.json`.

    Args:
      excluded: (split, name) of examples that are known to be unusable; they are skipped.
      skip_failures: skip examples that cannot be converted; otherwise the first one ends the
        conversion, and the shards that are finished by then are kept for the next run.
      num_workers: threads; None for one per core.
      memory_limit: what the images in work may take together; an example that alone takes more
        cannot be converted.

    Returns:
      The dataset, and the examples that were skipped.

    Raises:
      OSError: a shard cannot be written.
      ValueError: an example cannot be converted, or nothing remains of a split.
    """
    plan.prepare()
    finished = dict(plan.finished)
    work = [(shard, sample) for shard in plan.pending for sample in shard.samples]
    encoded: Generator[Encoded | Failure, None, None] = workers.map_in_order(
        lambda argument: _encode(plan.encoder, *argument, excluded),
        work,
        description="converting",
        num_workers=num_workers,
        show_progress=show_progress and bool(work),
        limit=workers.WeightLimit(
            weigh=lambda argument: count_pixels(*argument[1].paths),
            max_weight=memory_limit.max_pixels,
            refuse=lambda argument, pixels: _refuse(memory_limit, *argument, pixels),
        ),
    )
    with contextlib.closing(encoded):
        for shard in plan.pending:
            finished[shard.path] = write_encoded(shard, plan.encoder, encoded, skip_failures)
    return finish(plan, finished)


def write_shard(
    plan: ShardPlan[SampleT, SplitT, SpecT],
    shard: Shard[SampleT],
    excluded: Collection[tuple[str, str]],
    skip_failures: bool,
    memory_limit: MemoryLimit,
) -> FinishedShard[SplitT]:
    """Writes one shard by itself, in this thread; see `convert`."""

    def encode(sample: SampleT) -> Encoded | Failure:
        pixels = count_pixels(*sample.paths)
        if pixels > memory_limit.max_pixels:
            return _refuse(memory_limit, shard, sample, pixels)
        return _encode(plan.encoder, shard, sample, excluded)

    return write_encoded(shard, plan.encoder, map(encode, shard.samples), skip_failures)


def finish(
    plan: ShardPlan[SampleT, SplitT, SpecT], finished: Mapping[str, FinishedShard[SplitT]]
) -> tuple[SpecT, list[Failure]]:
    """Writes `dataset.json`; returns it and the examples that were skipped.

    Args:
      finished: every shard of the plan, by path.

    Raises:
      ValueError: nothing remains of a split.
    """
    splits = {}
    for split in plan.splits:
        shards = [finished[shard.path] for shard in plan.shards if shard.split == split]
        splits[split] = plan.encoder.add_shards(
            [shard.statistics for shard in shards], [shard.num_bytes for shard in shards]
        )
        if not splits[split].num_examples:
            raise ValueError(
                f"no example of split {split!r} can be used: fix its files, or remove the split."
            )
    spec = plan.encoder.write_spec(plan.output_dir, splits)
    return spec, [failure for shard in plan.shards for failure in finished[shard.path].failures]


def _encode(
    encoder: Encoder[SampleT, SplitT, SpecT],
    shard: Shard[SampleT],
    sample: SampleT,
    excluded: Collection[tuple[str, str]],
) -> Encoded | Failure:
    """Makes the record of one example; runs in worker threads."""
    if (shard.split, sample.name) in excluded:
        return skip_after_check(shard, sample)
    try:
        return encoder.encode(sample)
    except (OSError, ValueError) as error:
        return Failure(shard.split, sample.name, files.describe_error(error))


def skip_after_check(shard: Shard[SampleT], sample: SampleT) -> Failure:
    """Returns what becomes of an example that a check has found to be unusable."""
    return Failure(shard.split, sample.name, f"{sample.paths[0]}: skipped after the check.")


def _refuse(
    memory_limit: MemoryLimit, shard: Shard[SampleT], sample: SampleT, pixels: int
) -> Failure:
    path, message = memory_limit.describe_excess(pixels, *sample.paths)
    return Failure(shard.split, sample.name, f"{path}: {message}")


def write_encoded(
    shard: Shard[SampleT],
    encoder: Encoder[SampleT, SplitT, SpecT],
    encoded: Iterator[Encoded | Failure],
    skip_failures: bool,
) -> FinishedShard[SplitT]:
    """Writes one shard from the next results, and that it is finished just before it appears.

    Raises:
      OSError: the shard cannot be written.
      ValueError: an example cannot be converted, and failures are not to be skipped.
    """
    build_folder.discard(shard.path)
    statistics = encoder.start_statistics()
    num_bytes = 0
    failures = []
    with tfrecords.write_shard(shard.path) as writer:
        for _ in shard.samples:
            result = next(encoded)
            if isinstance(result, Encoded):
                writer.write(result.record)
                num_bytes += tfrecords.stored_size(result.record)
                statistics.add(*result.facts)
            elif skip_failures:
                failures.append(result)
            else:
                raise ValueError(
                    f"{result.message} Fix it, or skip such examples with --on_error=skip; the "
                    "same command goes on from here."
                )
        finished = FinishedShard(
            shard.fingerprint, num_bytes, statistics.to_split(), tuple(failures)
        )
        build_folder.remember(shard.path, finished)
    return finished
