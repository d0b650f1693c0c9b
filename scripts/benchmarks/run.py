"""Measures the project beside its peers, and writes docs/benchmarks.md: `make bench` runs it.

    python -m scripts.benchmarks.run --only=predict,train --rounds=5

docs/benchmarks.md says how it is measured and how the tables are to be read.
"""

from commands import launcher  # before TensorFlow, whose start it quiets

# isort: split

import dataclasses
import functools
import os
import time
from collections.abc import Callable

import tensorflow.compat.v1 as tf
from absl import flags

from common import json_files
from scripts.benchmarks import build, feed, growth, predict, report, start, train
from scripts.benchmarks.report import Table
from scripts.benchmarks.settings import PEERS_VENV, Settings

DOCUMENT = os.path.join("docs", "benchmarks.md")
BENCHMARKS: dict[str, Callable[[Settings], list[Table]]] = {
    "predict": predict.run,
    "start": start.run,
    "train": train.run,
    "feed": feed.run,
    "build": build.run,
    "growth": growth.run,
}

_ONLY = flags.DEFINE_list("only", list(BENCHMARKS), "Which benchmarks run.")
_ROUNDS = flags.DEFINE_integer(
    "rounds", 5, "Rounds of each contender; fewer are faster and less sure.", lower_bound=1
)
_DOCUMENT = flags.DEFINE_string(
    "document", DOCUMENT, "Markdown file whose sections are replaced; empty for none."
)


def main(_: list[str]) -> None:
    """Runs the benchmarks, prints their tables and puts them into the document."""
    tf.disable_v2_behavior()
    unknown = [name for name in _ONLY.value if name not in BENCHMARKS]
    if unknown or not _ONLY.value:
        raise ValueError(
            f"--only is {','.join(_ONLY.value)}; expected some of {', '.join(BENCHMARKS)}."
        )
    if _DOCUMENT.value:
        report.check_sections(_DOCUMENT.value, _ONLY.value)
    settings = Settings(num_rounds=_ROUNDS.value, report=functools.partial(print, flush=True))
    if not settings.has_peers:
        settings.report(
            f"There is no {PEERS_VENV}, so only the project and the plain forms are measured. "
            "`make bench-peers-setup` installs the peers."
        )
    began = time.monotonic()
    for name in _ONLY.value:
        tables = BENCHMARKS[name](settings)
        _keep(settings, tables)
        section = report.format_section(tables, _command(name))
        settings.report(f"\n{section}\n")
        if _DOCUMENT.value:
            report.write_section(_DOCUMENT.value, name, section)
    settings.report(f"{(time.monotonic() - began) / 60:.1f} minutes")


def _command(name: str) -> str:
    arguments = [f"--only={name}"]
    if flags.FLAGS["rounds"].present:
        arguments.append(f"--rounds={_ROUNDS.value}")
    return f"make bench ARGS='{' '.join(arguments)}'"


def _keep(settings: Settings, tables: list[Table]) -> None:
    """Writes every round's seconds, for whoever wants other figures than the medians."""
    for table in tables:
        results = [dataclasses.asdict(result) for result in table.results]
        path = settings.path("results", f"{table.key}.json")
        json_files.write(
            path, {"title": table.title, "machine": report.machine(), "results": results}
        )


if __name__ == "__main__":
    launcher.run(main)
