"""Shards of images on the workers of Apache Beam: `make setup-beam`.

The only module that cannot be imported without it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import apache_beam
from apache_beam.ml.inference.base import ModelHandler, RunInference

from common import beam
from serving.beam import job
from serving.beam.job import Settings, Shard
from serving.deeplab_model import DeepLabModel


class _SegmentationHandler(ModelHandler[Shard, str, DeepLabModel]):
    """How `RunInference` loads the model, once a worker, and runs it on a shard."""

    def __init__(self, settings: Settings):
        super().__init__()
        self._settings = settings

    def load_model(self) -> DeepLabModel:
        """See `ModelHandler`."""
        return self._settings.load()

    def run_inference(
        self,
        batch: Sequence[Shard],
        model: DeepLabModel,
        inference_args: Mapping[str, Any] | None = None,
    ) -> Iterable[str]:
        """Segments shards; yields the files that remember them."""
        del inference_args
        for shard in batch:
            job.segment(model, shard, self._settings)
            yield shard.state_path

    def batch_elements_kwargs(self) -> Mapping[str, Any]:
        """See `ModelHandler`: a shard is a batch already."""
        return {"min_batch_size": 1, "max_batch_size": 1}


def run(shards: Sequence[Shard], settings: Settings, runner: str, options: str) -> None:
    """Segments shards on the workers of a runner, and waits for them.

    Args:
      shards: those to do.
      settings: how.
      runner: Beam's name of the engine, such as "DirectRunner" (this machine) or "SparkRunner".
      options: further options of Beam, as on a command line.

    Raises:
      ValueError: Beam refuses the options, or the model cannot be loaded by the workers.
      KeyboardInterrupt: Ctrl-C; what is finished is remembered.
    """
    pipeline = beam.make_pipeline(runner, options)
    created = pipeline | "Shards" >> apache_beam.Create(shards) | apache_beam.Reshuffle()
    _ = created | "Segment" >> RunInference(_SegmentationHandler(settings))
    try:
        pipeline.run().wait_until_finish()
    except Exception as error:
        if _was_interrupted(error):
            raise KeyboardInterrupt from None
        raise


def _was_interrupted(error: BaseException | None) -> bool:
    """Whether Ctrl-C is behind an error: a runner wraps what happens in its workers."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None
