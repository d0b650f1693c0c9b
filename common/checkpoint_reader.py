"""Reads checkpoints, whatever their path, and gives variables their values.

TensorFlow takes the path of a checkpoint that it reads as a pattern, so that it finds nothing in a
folder whose name has brackets. Where a path could be one, it gets links to the files instead.
"""

import os
import tempfile
from collections.abc import Iterable, Mapping

import numpy as np
import tensorflow.compat.v1 as tf

from common import checkpoint_files, checkpoint_index
from common.texts import first_few, printable
from common.tf_errors import reason

_PATTERN_CHARACTERS = frozenset("*?[\\")
# Values that one call of a session is given, so that a large checkpoint is not in memory twice.
_BYTES_PER_RUN = 1 << 28


class Reader:
    """The variables of a checkpoint.

    Attributes:
      checkpoint: its prefix.
      shapes: shape by variable name.

    Raises:
      ValueError: it does not exist, or its index cannot be read or does not fit its data files;
        names the file, and the checkpoints beside it.
    """

    def __init__(self, checkpoint: str):
        self.checkpoint = checkpoint
        if not checkpoint_files.exists(checkpoint):
            raise ValueError(
                f"checkpoint {printable(checkpoint)} does not exist (no file "
                f"{printable(checkpoint)}.index)."
            )
        try:
            checkpoint_index.check(checkpoint)
            self._path = _PlainPath(checkpoint)
            self._reader = tf.train.NewCheckpointReader(self._path.prefix)
            self.shapes: dict[str, tuple[int, ...]] = {
                name: tuple(shape)
                for name, shape in self._reader.get_variable_to_shape_map().items()
            }
        except checkpoint_index.DamagedIndexError as error:
            raise self._damaged(str(error)) from error
        # TensorFlow raises some statuses as Python's own exceptions: a file that ends too early is
        # an IndexError.
        except Exception as error:
            raise self._damaged(f"its index cannot be read: {reason(error)}") from error

    def value(self, name: str, dtype: tf.DType | None = None) -> np.ndarray:
        """Returns the value of a variable, of another type if one is given.

        Raises:
          ValueError: its bytes are damaged or missing, or cannot have that type.
        """
        try:
            value = np.asarray(self._reader.get_tensor(name))
            return value if dtype is None else value.astype(dtype.as_numpy_dtype, copy=False)
        except Exception as error:
            raise self._damaged(f"{name} cannot be read: {reason(error)}") from error

    def _damaged(self, what: str) -> ValueError:
        others = checkpoint_files.find_all(os.path.dirname(self.checkpoint) or ".")[::-1]
        names = [os.path.basename(prefix) for prefix in others]
        names = [name for name in names if name != os.path.basename(self.checkpoint)]
        name = printable(self.checkpoint)
        advice = "Copy it again, or take another one."
        if names:
            advice = (
                f"Copy it again, or take another one; beside it are {first_few(names)}. To have "
                f"commands take one of these by themselves, remove {name}.*"
            )
        return ValueError(f"checkpoint {name} is damaged: {printable(what.rstrip('.'))}. {advice}")


def load(session: tf.Session, reader: Reader, variables: Mapping[str, tf.Variable]) -> None:
    """Gives variables the values that a checkpoint holds.

    Args:
      session: of the variables' graph, to which nothing is added.
      reader: the checkpoint.
      variables: by the names that the checkpoint has for them; shapes are equal.

    Raises:
      ValueError: the checkpoint is damaged; some variables may have their values by then.
    """
    assign(
        session,
        (
            (variable, reader.value(name, variable.dtype.base_dtype))
            for name, variable in variables.items()
        ),
    )


def assign(session: tf.Session, pairs: Iterable[tuple[tf.Variable, np.ndarray]]) -> None:
    """Gives variables of a session's graph their values; adds nothing to the graph."""
    values: dict[tf.Tensor, np.ndarray] = {}
    initializers: list[tf.Operation] = []
    size = 0
    for variable, value in pairs:
        if size and size + value.nbytes > _BYTES_PER_RUN:
            session.run(initializers, values)
            values, initializers, size = {}, [], 0
        # Feeding the initial value runs the variable's own assignment.
        initial_value = variable.initializer.inputs[1]
        assert initial_value not in values, f"{variable.op.name} shares its initial value"
        values[initial_value] = value
        initializers.append(variable.initializer)
        size += value.nbytes
    session.run(initializers, values)


class _PlainPath:
    """A path of a checkpoint (`prefix`) in which TensorFlow sees no pattern; links, where needed.

    The links exist as long as this object does.
    """

    def __init__(self, checkpoint: str):
        self.prefix = checkpoint
        if _is_plain(checkpoint):
            return
        root = tempfile.gettempdir()
        self._folder = tempfile.TemporaryDirectory(dir=root if _is_plain(root) else "/tmp")
        self.prefix = os.path.join(self._folder.name, "checkpoint")
        for path in checkpoint_files.files_of(checkpoint):
            ending = os.path.basename(path).removeprefix(os.path.basename(checkpoint))
            os.symlink(os.path.abspath(path), self.prefix + ending)


def _is_plain(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False  # TensorFlow takes paths in UTF-8 only.
    return not _PATTERN_CHARACTERS & set(path)
