"""A network over the records of a split, which takes the weights of one checkpoint at a time."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import tensorflow.compat.v1 as tf
import tqdm

from common import forward_session, saved_weights


class EvaluationSession:
    """A session on a graph that reads a dataset. `close` it afterwards.

    Args:
      graph: the network, and the iterators that feed it.
      variables: what checkpoints set.
      explain: returns an error that names the file at fault for one of TensorFlow's, or None.

    Attributes:
      checkpoint, step: the prefix of the checkpoint that was restored last, and its step count, 0
        where it has none.
    """

    def __init__(
        self,
        graph: tf.Graph,
        variables: list[tf.Variable],
        explain: Callable[[tf.errors.OpError], Exception | None],
    ):
        self._variables = variables
        self._explain = explain
        self.checkpoint, self.step = "", 0
        self._session = forward_session.open_session(graph)

    def close(self) -> None:
        """Frees the session."""
        self._session.close()

    def restore(self, checkpoint: str, saved_names: Mapping[str, str] | None = None) -> None:
        """Loads the weights of a checkpoint; arguments and errors are `saved_weights.restore`'s."""
        self.checkpoint = ""
        reader = saved_weights.restore(self._session, checkpoint, self._variables, saved_names)
        self.step = int(reader.value("global_step")) if "global_step" in reader.shapes else 0
        self.checkpoint = checkpoint

    def batches(self, iterator: Any, fetches: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Yields the values of tensors for each batch of an iterator, from its start.

        Args:
          iterator: of the batches.
          fetches: tensors, or further dictionaries of tensors, by name.

        Raises:
          ValueError: an example is broken; the message names it.
        """
        assert self.checkpoint, "restore a checkpoint first"
        self._session.run(iterator.initializer)
        while True:
            try:
                values = self._session.run(fetches)
            except tf.errors.OutOfRangeError:
                return
            except tf.errors.OpError as error:
                raise (self._explain(error) or error) from None
            yield values

    def counted_batches(
        self,
        iterator: Any,
        fetches: Mapping[str, Any],
        *,
        split: str,
        num_examples: int,
        explain_missing: Callable[[int], Exception],
    ) -> Iterator[dict[str, Any]]:
        """Like `batches`, with a progress bar on a terminal, and a check that all were read.

        Args:
          iterator, fetches: as of `batches`; the first of the fetches has a batch dimension.
          split: its name.
          num_examples: how many there are.
          explain_missing: returns the error for a number of examples that were read.
        """
        num_read = 0
        title = f"step {self.step} on {split}"
        with tqdm.tqdm(total=num_examples, desc=title, unit="image", disable=None) as progress:
            for values in self.batches(iterator, fetches):
                yield values
                size = len(next(iter(values.values())))
                num_read += size
                progress.update(size)
        if num_read != num_examples:
            raise explain_missing(num_read)
