"""Runs benchmarks one after the other and keeps their tables, for `scripts.benchmarks.run`."""

import dataclasses
import functools
import time
from collections.abc import Callable

import tensorflow.compat.v1 as tf

from commands.flags import Flags
from common import json_files
from scripts.benchmarks import (
    build,
    caption_predict,
    caption_train,
    classify_predict,
    classify_train,
    feed,
    growth,
    predict,
    report,
    start,
    stylize,
    train,
)
from scripts.benchmarks.options import BenchmarkOptions
from scripts.benchmarks.report import Table
from scripts.benchmarks.settings import PEERS_VENV, Settings

BENCHMARKS: dict[str, Callable[[Settings], list[Table]]] = {
    "predict": predict.run,
    "start": start.run,
    "train": train.run,
    "feed": feed.run,
    "build": build.run,
    "classify_predict": classify_predict.run,
    "classify_train": classify_train.run,
    "caption_predict": caption_predict.run,
    "caption_train": caption_train.run,
    "stylize": stylize.run,
    "growth": growth.run,
}


def main(flags: Flags, arguments: list[str]) -> None:
    """Runs the benchmarks, prints their tables and puts them into the document."""
    del arguments
    tf.disable_v2_behavior()
    options = flags.options(BenchmarkOptions)
    if not options.only:
        raise ValueError(f"--only is empty; expected some of {', '.join(BENCHMARKS)}.")
    if options.document:
        report.check_sections(options.document, options.only)
    settings = Settings(num_rounds=options.rounds, report=functools.partial(print, flush=True))
    if not settings.has_peers:
        settings.report(
            f"There is no {PEERS_VENV}, so only the project and the plain forms are measured. "
            "`make bench-peers-setup` installs the peers."
        )
    began, load = time.monotonic(), report.load()
    for name in options.only:
        tables = BENCHMARKS[name](settings)
        _keep(settings, tables)
        section = report.format_section(tables, _command(name, options), load)
        settings.report(f"\n{section}\n")
        if options.document:
            report.write_section(options.document, name, section)
    settings.report(f"{(time.monotonic() - began) / 60:.1f} minutes")


def _command(name: str, options: BenchmarkOptions) -> str:
    arguments = [f"--only={name}"]
    if options.rounds != BenchmarkOptions.rounds:
        arguments.append(f"--rounds={options.rounds}")
    return f"make bench ARGS='{' '.join(arguments)}'"


def _keep(settings: Settings, tables: list[Table]) -> None:
    """Writes every round's seconds, for whoever wants other figures than the medians."""
    for table in tables:
        results = [dataclasses.asdict(result) for result in table.results]
        path = settings.path("results", f"{table.key}.json")
        json_files.write(
            path, {"title": table.title, "machine": report.machine(), "results": results}
        )
