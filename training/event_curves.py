"""Reads the numbers that a training run has written for TensorBoard."""

import contextlib
import dataclasses
import glob
import os
from collections.abc import Iterable

import tensorflow.compat.v1 as tf


@dataclasses.dataclass(frozen=True)
class Curve:
    """A number over the steps of a training run.

    Attributes:
      steps: in their order.
      values: as many.
    """

    steps: tuple[int, ...] = ()
    values: tuple[float, ...] = ()


def read(directory: str, tags: Iterable[str]) -> dict[str, Curve]:
    """Reads curves from the event files of a folder; empty ones for tags that are not there.

    A training run that was resumed repeats the steps that it had done since its last checkpoint:
    what the later file says counts. A file that ends in the middle of an event, as after a crash,
    is read as far as it goes.

    Args:
      directory: of the training run.
      tags: names of the numbers, such as "progress/loss".
    """
    found: dict[str, dict[int, float]] = {tag: {} for tag in tags}
    pattern = os.path.join(glob.escape(directory), "events.out.tfevents.*")
    for path in sorted(glob.glob(pattern)):
        of_file: dict[str, dict[int, float]] = {tag: {} for tag in found}
        with contextlib.suppress(tf.errors.DataLossError, tf.errors.NotFoundError):
            for event in tf.train.summary_iterator(path):
                for value in event.summary.value:
                    if value.tag in of_file and value.HasField("simple_value"):
                        of_file[value.tag][event.step] = value.simple_value
        for tag, points in of_file.items():
            first = min(points, default=0)
            kept = {step: value for step, value in found[tag].items() if step < first or not points}
            found[tag] = {**kept, **points}
    return {
        tag: Curve(tuple(sorted(points)), tuple(points[step] for step in sorted(points)))
        for tag, points in found.items()
    }
