"""Measures how cost grows, and writes docs/growth.md: `make bench-growth` runs it.

    python -m scripts.benchmarks.scaling --only=size,batch

Each point is a process of its own, so that its peak memory is its own; they run one after another.
"""

from commands import launcher  # before TensorFlow, whose start it quiets

# isort: split

import functools
import os
import subprocess
import time
from collections.abc import Callable

import tensorflow.compat.v1 as tf
from absl import flags

from common import json_files
from scripts.benchmarks import curves, report, scaling_series
from scripts.benchmarks.curves import Growth
from scripts.benchmarks.settings import PEERS_VENV, Settings

DOCUMENT = os.path.join("docs", "growth.md")
SERIES: dict[str, Callable[[Settings], Growth]] = {
    "size": scaling_series.over_size,
    "classes": scaling_series.over_classes,
    "batch": scaling_series.over_batch,
    "clones": scaling_series.over_clones,
    "images": scaling_series.over_images,
}

_ONLY = flags.DEFINE_list("only", list(SERIES), "Which quantities change.")
_ROUNDS = flags.DEFINE_integer("rounds", 3, "Rounds at each point.", lower_bound=1)
_DOCUMENT = flags.DEFINE_string(
    "document", DOCUMENT, "Markdown file whose sections are replaced, with plots beside it."
)


def main(_: list[str]) -> None:
    """Measures the series, and writes a table and a plot of each."""
    tf.disable_v2_behavior()
    unknown = [name for name in _ONLY.value if name not in SERIES]
    if unknown or not _ONLY.value:
        raise ValueError(
            f"--only is {','.join(_ONLY.value)}; expected some of {', '.join(SERIES)}."
        )
    report.check_sections(_DOCUMENT.value, _ONLY.value)
    settings = Settings(num_rounds=_ROUNDS.value, report=functools.partial(print, flush=True))
    began = time.monotonic()
    for name in _ONLY.value:
        growth = SERIES[name](settings)
        table = curves.format_growth(growth)
        settings.report(f"\n{growth.title}\n\n{table}\n")
        plot = os.path.join(os.path.dirname(_DOCUMENT.value), f"growth_{growth.key}.png")
        if draw_plot(settings, growth, plot):
            table += f"\n\n![{growth.title}]({os.path.basename(plot)})"
        arguments = f"--only={name}" + ("" if _ROUNDS.value == 3 else f" --rounds={_ROUNDS.value}")
        made = report.origin(f"make bench-growth ARGS='{arguments}'", [_ROUNDS.value])
        report.write_section(_DOCUMENT.value, growth.key, f"{table}\n\n{made}.")
    settings.report(f"{(time.monotonic() - began) / 60:.1f} minutes")


def draw_plot(settings: Settings, growth: Growth, path: str) -> bool:
    """Draws the curves with the peers' matplotlib; returns whether that is there."""
    data = settings.path("results", f"growth_{growth.key}.json")
    json_files.write(data, _points(growth))
    if not settings.has_peers:
        settings.report(f"There is no {PEERS_VENV}, and so no plot: make bench-peers-setup.")
        return False
    module = "scripts.benchmarks.peers.growth_plot"
    subprocess.run([settings.peers_python, "-m", module, data, path], check=True)
    return True


def _points(growth: Growth) -> dict:
    return {
        "title": growth.title,
        "quantity": growth.quantity,
        "curves": [
            {
                "name": curve.name,
                "points": [
                    {
                        "value": value,
                        "seconds": list(result.seconds),
                        "median_seconds": result.median_seconds,
                        "peak_bytes": result.peak_bytes,
                    }
                    for value, result in zip(curve.values, curve.results, strict=True)
                    if result.seconds
                ],
            }
            for curve in growth.curves
        ],
    }


if __name__ == "__main__":
    launcher.run(main)
