"""Flags of the benchmarks."""

import dataclasses
import os

from common.option_fields import GENERAL, RESULTS, option

# Those of `suite.BENCHMARKS`, which imports TensorFlow.
NAMES = (
    "predict",
    "start",
    "train",
    "feed",
    "build",
    "classify_predict",
    "classify_train",
    "caption_predict",
    "caption_train",
    "stylize",
    "growth",
)


@dataclasses.dataclass(frozen=True)
class BenchmarkOptions:
    """What is measured, and how often."""

    only: tuple[str, ...] = option(
        NAMES, "Which benchmarks run.", GENERAL, is_common=True, choices=NAMES
    )
    rounds: int = option(
        5,
        "Rounds of each contender; fewer are faster and less sure.",
        GENERAL,
        is_common=True,
        lower=1,
    )
    document: str = option(
        os.path.join("docs", "benchmarks.md"),
        "Markdown file whose sections are replaced; empty for none.",
        RESULTS,
        is_common=True,
    )
