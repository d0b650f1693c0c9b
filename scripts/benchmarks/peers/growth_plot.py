"""Draws how time and memory grow: arguments DATA (JSON of `scripts.benchmarks.scaling`) and PNG."""

import json
import sys

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.ticker import NullLocator


def main() -> None:
    data_path, plot_path = sys.argv[1:]
    with open(data_path, encoding="utf-8") as file:
        data = json.load(file)
    figure, (time_axes, memory_axes) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    for curve in data["curves"]:
        points = [point for point in curve["points"] if point["peak_bytes"]]
        values = [point["value"] for point in points]
        seconds = [point["median_seconds"] for point in points]
        mebibytes = [point["peak_bytes"] / 2**20 for point in points]
        time_axes.plot(values, seconds, "o-", label=curve["name"])
        memory_axes.plot(values, mebibytes, "o-", label=curve["name"])
    time_axes.set(yscale="log", ylabel="seconds")
    memory_axes.set(ylabel="peak memory, MiB")
    memory_axes.set_ylim(0, 1.1 * memory_axes.get_ylim()[1])
    for axes in (time_axes, memory_axes):
        axes.set(xscale="log", xlabel=data["quantity"])
        axes.grid(True, which="both", alpha=0.25)
        ticks = sorted({point["value"] for curve in data["curves"] for point in curve["points"]})
        axes.set_xticks(ticks, [str(tick) for tick in ticks])
        axes.xaxis.set_minor_locator(NullLocator())
    time_axes.legend(frameon=False)
    figure.savefig(plot_path, dpi=80)


if __name__ == "__main__":
    main()
