"""Whether TensorFlow is installed: serving an export does without it where it can."""

import importlib.util


def problem(who: str) -> str | None:
    """Returns that TensorFlow is missing, and how to install it; None where it is installed.

    Args:
      who: what needs it, which begins the sentence.
    """
    if importlib.util.find_spec("tensorflow") is not None:
        return None
    return (
        f"{who} needs TensorFlow, which is not installed: run make setup, or pip install -r "
        "requirements/base.lock"
    )
