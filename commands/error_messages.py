"""What a command prints of an error: one line, in words, that is safe on a terminal."""

import os
import sys

from common.texts import printable, shorten

# A longer message, such as TensorFlow's with all shapes of a network, buries its beginning.
_MAX_MESSAGE_CHARS = 2000


def is_users_fault(error: Exception) -> bool:
    """Whether the error speaks of the user's input: ValueError, a file, memory, a TensorFlow op."""
    if isinstance(error, (ValueError, OSError, MemoryError, RecursionError)):
        return True
    return _is_of_op(error)


def _is_of_op(error: Exception) -> bool:
    tensorflow = sys.modules.get("tensorflow")
    return tensorflow is not None and isinstance(error, tensorflow.errors.OpError)


def describe(error: Exception) -> str:
    """Returns what an error says, on one line that is safe to print.

    Our own errors name the file and the value. Those of the system and of libraries that come
    through are put into words here.
    """
    where = "(--traceback shows where)"
    if isinstance(error, OSError) and error.strerror:
        return one_line(_describe_of_system(error, where))
    if isinstance(error, UnicodeDecodeError):
        byte = error.object[error.start]
        return f"a file is not {error.encoding} text: byte {byte:#04x} at {error.start} {where}"
    if isinstance(error, MemoryError):
        detail = f" ({error})" if str(error) else ""
        return one_line(
            f"not enough memory{detail}: take a smaller crop or batch, or end other programs."
        )
    if isinstance(error, RecursionError):
        return f"the input is nested too deeply {where}"
    if _is_of_op(error):
        from common import tf_errors  # TensorFlow is loaded by now.

        return one_line(tf_errors.reason(error))
    return one_line(str(error) or type(error).__name__)


def _describe_of_system(error: OSError, where: str) -> str:
    names = [os.fsdecode(name) for name in (error.filename, error.filename2) if _is_path(name)]
    if isinstance(error, FileExistsError) and len(names) == 1 and os.path.isfile(names[0]):
        return f"{printable(names[0])} is a file, where a folder is wanted: give another name"
    if names:
        return f"{' and '.join(map(printable, names))}: {error.strerror}"
    return f"{error.strerror} {where}"


def _is_path(name: object) -> bool:
    return isinstance(name, str | bytes | os.PathLike)


def one_line(message: str) -> str:
    return shorten(printable(" ".join(message.split())), _MAX_MESSAGE_CHARS)
