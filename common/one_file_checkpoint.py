"""Checkpoints of TensorFlow before 0.12, which are one file: converts them into those of today.

research/slim's classifiers were published as such.
"""

import os
import tempfile

import tensorflow.compat.v1 as tf

from common import checkpoint_files
from common.checkpoint_writer import Writer
from common.texts import printable
from common.tf_errors import reason

# The end of such a file, a table as LevelDB's.
_MAGIC = 0xDB4775248B80FB57.to_bytes(8, "little")


def is_one(path: str) -> bool:
    """Returns whether a file is such a checkpoint, and not the index of one of today's."""
    if checkpoint_files.prefix_of(path) != path or not os.path.isfile(path):
        return False
    with open(path, "rb") as file:
        file.seek(max(0, os.path.getsize(path) - len(_MAGIC)))
        return file.read() == _MAGIC


def convert(path: str, prefix: str) -> None:
    """Writes all variables of a checkpoint of one file into a checkpoint of today's form.

    Args:
      path: the file.
      prefix: of the new checkpoint, in an existing folder.

    Raises:
      ValueError: the file is damaged; names it.
    """
    # TensorFlow takes a path that it reads as a pattern; the link's has nothing of one.
    with tempfile.TemporaryDirectory() as folder:
        link = os.path.join(folder, "checkpoint")
        os.symlink(os.path.abspath(path), link)
        try:
            reader = tf.train.NewCheckpointReader(link)
            types = dict(sorted(reader.get_variable_to_dtype_map().items()))
            values = {name: reader.get_tensor(name) for name in types}
        except Exception as error:  # TensorFlow raises some statuses as Python's own exceptions.
            text = printable(reason(error).replace(link, path).rstrip("."))
            raise ValueError(f"{printable(path)} is damaged: {text}. Copy it again.") from None
    Writer(types).write(prefix, values)
