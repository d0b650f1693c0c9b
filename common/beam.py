"""Pipelines of Apache Beam, the optional extra `beam`: `make setup-beam`."""

import contextlib
import importlib.util
import io
import shlex
from typing import Any


def require(runner: str) -> None:
    """Raises ValueError if Apache Beam is not installed: before a check that takes minutes."""
    if importlib.util.find_spec("apache_beam") is None:
        raise ValueError(
            f"--runner={runner} needs Apache Beam, which is not installed: make setup-beam"
        )


def make_pipeline(runner: str, options: str) -> Any:
    """Returns an empty `apache_beam.Pipeline`.

    Args:
      runner: Beam's name of the engine, such as "DirectRunner" (this machine) or "SparkRunner".
      options: further options of Beam, as on a command line: "--direct_num_workers=2".

    Raises:
      ValueError: Beam refuses them.
    """
    import apache_beam
    from apache_beam.options.pipeline_options import PipelineOptions

    usage = io.StringIO()  # Beam parses with argparse, which prints pages and wants to exit.
    try:
        words = shlex.split(options)
        if words and not words[0].startswith("-"):
            raise ValueError(f"{words[0]!r} is no option; expected --NAME=VALUE")
        with contextlib.redirect_stderr(usage), contextlib.redirect_stdout(usage):
            given = PipelineOptions([f"--runner={runner}", *words])
            known = given.get_all_options()
            unknown = given.get_all_options(retain_unknown_options=True).keys() - known.keys()
        if unknown:
            raise ValueError(f"it has no option {', '.join(sorted(unknown))}")
        return apache_beam.Pipeline(options=given)
    except (SystemExit, ValueError) as error:
        reason = str(error)
        if isinstance(error, SystemExit):  # After its name, the last line says what is wrong.
            _, _, reason = usage.getvalue().strip().rpartition(": error: ")
        raise ValueError(f"Beam refuses --runner={runner} {options}: {reason}") from None
