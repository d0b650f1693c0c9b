"""Very many images with Apache Beam: infer.py --runner=…"""

import logging
import sys
import time

from common import beam
from common.texts import printable
from deeplab.commands.infer_flags import InferOptions
from serving import engines, export_file, memory, results, tiling
from serving.beam import file_store, job
from serving.beam.job import Settings, Shard


def segment(
    given: InferOptions,
    arguments: list[str],
    options: results.ResultOptions,
    tiles: tiling.TileOptions,
) -> int:
    """Segments images on the workers of a runner; returns the exit status.

    Raises:
      ValueError: Beam is not installed or refuses its options, or a shard cannot be finished.
    """
    assert given.runner is not None
    beam.require(given.runner)
    # Beam names every cloud whose packages are missing, and every error that it raises as well.
    logging.disable(logging.ERROR)
    beam.make_pipeline(given.runner, given.beam_options)  # Refuses wrong options.
    from serving.beam import pipeline

    settings = Settings(
        model=_find_model(given),
        engine=given.engine,
        precision=given.precision,
        num_threads=given.num_threads,
        trust=given.trust,
        output=given.output,
        results=options,
        tiles=tiles,
        batch_size=given.batch_size,
        max_pixels=given.max_pixels,
        memory_limit=None if given.memory_limit_mb is None else given.memory_limit_mb * memory.MIB,
    )
    found = file_store.find_images(arguments, results.ENDINGS)
    for note in found.notes:
        print(f"note: {note}", file=sys.stderr)
    for problem in found.problems:
        print(f"error: {problem}", file=sys.stderr)
    if not found.images:
        return 1
    names = results.choose_names([image.path for image in found.images])
    shards = job.plan(found.images, names, settings, given.shard_size)
    job.check_results(shards, settings.output)
    states = file_store.states(settings.output)
    pending = [shard for shard in shards if not job.is_finished(shard, states)]
    num_pending = sum(len(shard.paths) for shard in pending)
    print(
        f"{len(found.images)} images in {len(shards)} shards, of which {len(pending)} are to be "
        f"done on {given.runner}"
    )
    if pending:
        _check(settings)
    start = time.time()
    job.write_failures([], settings.output)  # Those of an earlier run.
    if pending:
        pipeline.run(pending, settings, given.runner, given.beam_options)
    records = [_finished(shard) for shard in shards]
    failures = [failure for record in records for failure in record.failures]
    for path, reason in failures:
        name = printable(path)
        print(f"error: {reason if name in reason else f'{name}: {reason}'}", file=sys.stderr)
    table = job.write_failures(records, settings.output)
    num_written = len(found.images) - len(failures)
    summary = f"{num_written} of {len(found.images)} images"
    if num_written:
        rate = num_pending / (time.time() - start)
        summary += f", {rate:.1f} images/s: {printable(settings.output)}"
    print(summary + (f"; those that failed are in {printable(table)}" if table else ""))
    num_tiled = sum(record.num_tiled for record in records)
    if num_tiled:
        print(
            f"note: {num_tiled} of {len(found.images)} images are larger than the model takes and "
            "ran in tiles",
            file=sys.stderr,
        )
    num_shrunk = sum(record.num_shrunk for record in records)
    if num_shrunk:
        print(
            f"warning: {num_shrunk} of {len(found.images)} images are larger than the model takes "
            "and were shrunk for it, so small objects are lost: --tile=SIDE runs them in tiles",
            file=sys.stderr,
        )
    return 1 if failures or found.problems else 0


def _find_model(given: InferOptions) -> str:
    """Returns the file of the export, after a look at whether it can be used."""
    path = given.model or export_file.find_newest_export()
    if file_store.is_remote(path):
        return path
    export = export_file.read_export(path, given.trust)
    engines.choose(export, given.engine, given.precision)  # Refuses what cannot run it.
    return export.path


def _check(settings: Settings) -> None:
    """Loads the model once here, so that what is wrong is said once, and not by every worker.

    Raises:
      ValueError: no engine can run it, or it does not take such tiles.
      OSError: it cannot be read.
    """
    with settings.load() as model:
        model.plan_tiles(*model.crop_size, settings.tiles.tile, settings.tiles.overlap)


def _finished(shard: Shard) -> job.Record:
    record = job.recall(shard)
    if record is None:
        raise ValueError(
            f"{printable(shard.state_path)} is missing although the run has ended: check that "
            "every machine has the model, the images and --output under the same paths as this one."
        )
    if record.error is not None:
        raise ValueError(record.error)
    return record
