"""What TensorFlow says when an op fails, without the stack traces around it."""

_FRAME = ("Graph execution error", "Detected at", "File ", "Node: ", "[[")


def reason(error: Exception) -> str:
    """Returns the line of an error, the first of several, that tells what was wrong."""
    message = str(getattr(error, "message", error))
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith(_FRAME)] or lines[:1]
    first_of_several = [line for line in lines if line.startswith("(0) ")]
    return (first_of_several or lines or [type(error).__name__])[0].removeprefix("(0) ")
