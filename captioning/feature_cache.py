"""Features of a split's images, computed once for a frozen encoder instead of in every step.

They lie in a folder of the dataset, named by a fingerprint of all that they depend on, as records
like those of the dataset: float16 numbers in place of an image.
"""

import contextlib
import dataclasses
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator

import numpy as np
import tensorflow.compat.v1 as tf
import tqdm

from captioning.data import input_pipeline, preprocess
from captioning.network import network
from captioning.run_description import RunDescription
from common import checkpoint_reader, files, forward_session, locks, tf_errors
from common.texts import printable
from datasets.captioning import record_format, specs
from datasets.captioning.specs import CaptioningSpec
from datasets.images import image_graph
from datasets.records import shard_check, tfrecords
from nets.batch_norm import BatchNormMode

FOLDER = "features"
# Of the fingerprint: another one when something in the code changes what features are.
_VERSION = 2
_FINGERPRINT_LETTERS = 16
_BATCH_SIZE = 16
_LARGEST_FLOAT16 = float(np.finfo(np.float16).max)


def ensure(
    spec: CaptioningSpec,
    split: str,
    description: RunDescription,
    checkpoint: str,
    report: Callable[[str], None] = print,
) -> CaptioningSpec:
    """Returns a dataset of features, which is computed if it is not there yet.

    Args:
      spec, split: the dataset and its split.
      description: the network, and how it sees an image.
      checkpoint: has the encoder's weights.
      report: takes each line that a user should see.

    Raises:
      ValueError: the checkpoint does not have the encoder, an image is broken, features are too
        large for float16, or the disk has too little space.
      OSError: a file cannot be written.
    """
    with tf.Graph().as_default(), forward_session.open_session() as session:
        encoder = _Encoder(spec, split, description, session)
        encoder.load(checkpoint)
        directory = os.path.join(spec.directory, FOLDER, encoder.fingerprint())
        if (found := _find(directory, spec, split)) is not None:
            report(f"features of {split}: {printable(directory)}")
            return found
        os.makedirs(directory, exist_ok=True)
        advice = "Wait for it, or train without --cache_features."
        with locks.sole_writer(directory, "a training run that computes features", advice):
            if (found := _find(directory, spec, split)) is not None:
                return found
            return encoder.write(directory, report)


class _Encoder:
    """Computes features in a session."""

    def __init__(
        self, spec: CaptioningSpec, split: str, description: RunDescription, session: tf.Session
    ):
        """Builds the graph in the default one."""
        self._spec, self._split, self._description = spec, split, description
        self._session = session
        self._shard = tf.placeholder(tf.string, [], name="shard")
        size = description.view.image_size

        @tf.autograph.experimental.do_not_convert
        def prepare(serialized: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            image = image_graph.decode(record_format.parse_example(serialized)["encoded"])
            return serialized, preprocess.evaluation_images(image[tf.newaxis], size)[0]

        records = tf.data.TFRecordDataset(self._shard)
        batches = records.map(prepare, num_parallel_calls=tf.data.AUTOTUNE).batch(_BATCH_SIZE)
        self._iterator = tf.data.make_initializable_iterator(batches.prefetch(2))
        self._records, images = self._iterator.get_next()
        self._features = network.encode(images, description.model, 0.0, BatchNormMode())
        self._variables = sorted(tf.global_variables(), key=lambda variable: variable.op.name)

    def load(self, checkpoint: str) -> None:
        """Loads the weights."""
        reader = checkpoint_reader.Reader(checkpoint)
        missing = [
            variable.op.name
            for variable in self._variables
            if reader.shapes.get(variable.op.name) != tuple(variable.shape.as_list())
        ]
        if missing:
            raise ValueError(
                f"checkpoint {printable(checkpoint)} does not have the encoder "
                f"{self._description.model.model_variant}, whose features --cache_features is to "
                f"keep: {missing[0]} is missing or has another shape."
            )
        by_name = {variable.op.name: variable for variable in self._variables}
        checkpoint_reader.load(self._session, reader, by_name)

    def fingerprint(self) -> str:
        """Returns what tells the features from others: letters and digits."""
        model = self._description.model
        digest = hashlib.sha256()
        arguments = sorted(model.encoder_arguments().items())
        what = (_VERSION, model.model_variant, arguments, self._description.view)
        digest.update(repr(what).encode())
        for name, value in zip(self._variables, self._session.run(self._variables), strict=True):
            digest.update(name.op.name.encode() + value.tobytes())
        for path in self._spec.shard_paths(self._split):
            status = os.stat(path)
            digest.update(
                f"{os.path.basename(path)} {status.st_size} {status.st_mtime_ns}".encode()
            )
        return digest.hexdigest()[:_FINGERPRINT_LETTERS]

    def write(self, directory: str, report: Callable[[str], None]) -> CaptioningSpec:
        """Computes the features of all images; `dataset.json` comes last."""
        files.remove_leftovers(directory)
        paths = self._spec.shard_paths(self._split)
        split = self._spec.split(self._split)
        num_bytes = 2 * int(np.prod(self._features.shape.as_list()[1:]))
        self._check_space(directory, split.num_examples * num_bytes)
        report(
            f"computing features of {split.num_examples} images, {num_bytes / 1024:.0f} KiB each, "
            f"once: {printable(directory)}"
        )
        start, counts = time.monotonic(), []
        with tqdm.tqdm(total=split.num_examples, unit="image", disable=None) as progress:
            for path in paths:
                target = os.path.join(directory, os.path.basename(path))
                if not _is_whole(target, path):  # Some are there after an interruption.
                    with tfrecords.write_shard(target) as writer:
                        for record in self._computed(path):
                            writer.write(record)
                            progress.update()
                counts.append(tfrecords.count_records(target))
                progress.update(sum(counts) - progress.n)
        targets = [os.path.join(directory, os.path.basename(path)) for path in paths]
        described = dataclasses.replace(
            split,
            shard_examples=tuple(counts),
            shard_bytes=tuple(map(os.path.getsize, targets)),
        )
        found = _of_features(self._spec, self._split, directory, described)
        shard_check.complete_shards(found, self._split)
        specs.write_spec(found)
        report(f"features are there, after {time.monotonic() - start:.0f} s")
        return found

    def _computed(self, shard: str) -> Iterator[bytes]:
        """Yields the records of a shard with features in place of images."""
        self._session.run(self._iterator.initializer, {self._shard: shard})
        while True:
            try:
                records, features = self._session.run([self._records, self._features])
            except tf.errors.OutOfRangeError:
                return
            except tf.errors.OpError as error:
                explained = input_pipeline.explain(error, self._spec, self._split)
                raise explained or ValueError(tf_errors.reason(error)) from error
            largest = float(np.abs(features).max())
            if not largest <= _LARGEST_FLOAT16:
                raise ValueError(
                    f"features of {printable(shard)} are up to {largest:g}, and float16 goes up to "
                    f"{_LARGEST_FLOAT16:g}: train without --cache_features."
                )
            for record, of_image in zip(records, features.astype(np.float16), strict=True):
                yield record_format.with_features(record, of_image)

    def _check_space(self, directory: str, needed: int) -> None:
        free = shutil.disk_usage(directory).free
        if needed > free:
            raise ValueError(
                f"features take {needed / 1e9:.1f} GB, and {printable(directory)} has "
                f"{free / 1e9:.1f} GB left: train without --cache_features."
            )


def _is_whole(target: str, source: str) -> bool:
    """Whether a shard of features is there, with as many records as the one of images."""
    with contextlib.suppress(ValueError, OSError):
        return tfrecords.count_records(target) == tfrecords.count_records(source)
    return False


def _find(directory: str, spec: CaptioningSpec, split: str) -> CaptioningSpec | None:
    """Returns the dataset of features in a folder; None where there is none, or not all of it."""
    with contextlib.suppress(ValueError, OSError):
        found = specs.read_spec(directory)
        shard_check.complete_shards(found, split)
        return _of_features(spec, split, directory, found.split(split))
    return None


def _of_features(
    spec: CaptioningSpec, name: str, directory: str, split: specs.CaptioningSplit
) -> CaptioningSpec:
    return dataclasses.replace(spec, directory=directory, splits={name: split})
