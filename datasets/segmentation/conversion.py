"""Turns a source into TFRecord shards and `dataset.json`, on all cores.

Threads read, decode and encode the images; the calling thread writes the records in order, so the
same input gives the same bytes however many threads there are, and memory does not grow with the
number of images. `dataset.json` is there only when all shards are.
"""

import contextlib
from collections.abc import Collection, Generator, Iterator, Mapping
from typing import NamedTuple

import numpy as np

from datasets.images.memory_limit import MemoryLimit, count_pixels
from datasets.records import build_folder, tfrecords, workers
from datasets.segmentation import laplacian, record_format
from datasets.segmentation.class_statistics import ClassCounter, add_shards, count_ids
from datasets.segmentation.shard_plan import Failure, FinishedShard, Shard, ShardPlan
from datasets.segmentation.sources.source import Sample, Source
from datasets.segmentation.specs import DatasetSpec, write_spec


class _Encoded(NamedTuple):
    """The serialized record of one example."""

    record: bytes
    histogram: np.ndarray  # int64 [256], pixels of each id of the mask
    size: tuple[int, int]  # height, width


def convert(
    plan: ShardPlan,
    *,
    excluded: Collection[tuple[str, str]] = (),
    skip_failures: bool = False,
    num_workers: int | None = None,
    show_progress: bool = True,
    memory_limit: MemoryLimit = MemoryLimit(),  # noqa: B008 (it is frozen)
) -> tuple[DatasetSpec, list[Failure]]:
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
    encoded: Generator[_Encoded | Failure, None, None] = workers.map_in_order(
        lambda argument: _encode(plan, *argument, excluded),
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
            finished[shard.path] = _write(shard, plan.source, encoded, skip_failures)
    return finish(plan, finished)


def write_shard(
    plan: ShardPlan,
    shard: Shard,
    excluded: Collection[tuple[str, str]],
    skip_failures: bool,
    memory_limit: MemoryLimit,
) -> FinishedShard:
    """Writes one shard by itself, in this thread; see `convert`."""

    def encode(sample: Sample) -> _Encoded | Failure:
        pixels = count_pixels(*sample.paths)
        if pixels > memory_limit.max_pixels:
            return _refuse(memory_limit, shard, sample, pixels)
        return _encode(plan, shard, sample, excluded)

    return _write(shard, plan.source, map(encode, shard.samples), skip_failures)


def finish(
    plan: ShardPlan, finished: Mapping[str, FinishedShard]
) -> tuple[DatasetSpec, list[Failure]]:
    """Writes `dataset.json`; returns it and the examples that were skipped.

    Args:
      finished: every shard of the plan, by path.

    Raises:
      ValueError: nothing remains of a split.
    """
    splits = {}
    for split in plan.source.splits:
        shards = [finished[shard.path] for shard in plan.shards if shard.split == split]
        splits[split] = add_shards(
            [shard.statistics for shard in shards], [shard.num_bytes for shard in shards]
        )
        if not splits[split].num_examples:
            raise ValueError(
                f"no example of split {split!r} can be used: fix its files, or remove the split."
            )
    spec = DatasetSpec(
        name=plan.source.name,
        directory=plan.output_dir,
        class_names=plan.source.class_names,
        palette=plan.source.palette,
        ignore_label=plan.source.ignore_label,
        has_gradient=plan.gradient_format is not None,
        splits=splits,
    )
    write_spec(spec)
    return spec, [failure for shard in plan.shards for failure in finished[shard.path].failures]


def _encode(
    plan: ShardPlan, shard: Shard, sample: Sample, excluded: Collection[tuple[str, str]]
) -> _Encoded | Failure:
    """Makes the record of one example; runs in worker threads."""
    if (shard.split, sample.name) in excluded:
        return Failure(shard.split, sample.name, f"{sample.image_path}: skipped after the check.")
    try:
        image, mask = plan.source.read_example(sample, with_pixels=plan.gradient_format is not None)
        histogram = count_ids(mask)
        wrong = plan.source.describe_unknown_ids(histogram)
        if wrong is not None:
            raise ValueError(f"{sample.mask_path}: {wrong}")
    except (OSError, ValueError) as error:
        return Failure(shard.split, sample.name, str(error))
    example = record_format.encode_example(
        sample.name,
        image.encoded,
        image.format,
        mask,
        None if image.rgb is None else laplacian.laplacian(image.rgb),
        gradient_format=plan.gradient_format or record_format.GRADIENT_FORMATS[0],
        is_laplacian_of_image=True,
    )
    return _Encoded(example.SerializeToString(deterministic=True), histogram, image.size)


def _refuse(memory_limit: MemoryLimit, shard: Shard, sample: Sample, pixels: int) -> Failure:
    path, message = memory_limit.describe_excess(pixels, *sample.paths)
    return Failure(shard.split, sample.name, f"{path}: {message}")


def _write(
    shard: Shard, source: Source, encoded: Iterator[_Encoded | Failure], skip_failures: bool
) -> FinishedShard:
    """Writes one shard from the next results, and that it is finished just before it appears."""
    build_folder.discard(shard.path)
    counter = ClassCounter(source.num_classes, source.ignore_label)
    num_bytes = 0
    failures = []
    with tfrecords.write_shard(shard.path) as writer:
        for _ in shard.samples:
            result = next(encoded)
            if isinstance(result, _Encoded):
                writer.write(result.record)
                num_bytes += tfrecords.stored_size(result.record)
                counter.add(result.histogram, result.size)
            elif skip_failures:
                failures.append(result)
            else:
                raise ValueError(
                    f"{result.message} Fix it, or skip such examples with --on_error=skip; the "
                    "same command goes on from here."
                )
        finished = FinishedShard(shard.fingerprint, num_bytes, counter.to_split(), tuple(failures))
        build_folder.remember(shard.path, finished)
    return finished
