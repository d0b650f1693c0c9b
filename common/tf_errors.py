"""What TensorFlow says when an op fails, without the stack traces around it."""

import tensorflow.compat.v1 as tf

_FRAME = ("Graph execution error", "Detected at", "File ", "Node: ", "[[")


def reason(error: tf.errors.OpError) -> str:
    """Returns the line of an error's message that tells what was wrong.

    Args:
      error: raised by a session. Of several failures at once the first is taken.
    """
    lines = [line.strip() for line in error.message.splitlines()]
    lines = [line for line in lines if line and not line.startswith(_FRAME)]
    first_of_several = [line for line in lines if line.startswith("(0) ")]
    return (first_of_several or lines or [type(error).__name__])[0].removeprefix("(0) ")
