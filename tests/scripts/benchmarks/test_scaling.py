"""Curves of cost: exponents, tables, and each series once at the smallest sizes."""

import pathlib

import pytest

from scripts.benchmarks import curves, scaling_series
from scripts.benchmarks.curves import Curve, Growth
from scripts.benchmarks.rounds import Result
from scripts.benchmarks.settings import Settings

ROOT = pathlib.Path(__file__).resolve().parents[3]


def result(*seconds: float, **fields) -> Result:
    return Result("x", False, seconds, **fields)


def test_exponent_is_that_of_time_over_work():
    curve = Curve(
        "x", (1, 2, 4, 8), [result(3.0), result(6.0), result(24.0), result(24.0)], (1, 2, 4, 8)
    )
    assert curve.exponents() == pytest.approx([None, 1.0, 2.0, 0.0])


def test_exponent_follows_the_work_and_not_the_value():
    curve = Curve("x", (257, 513), [result(1.0), result(4.0)], (1.0, 4.0))
    assert curve.exponents()[1] == pytest.approx(1.0)


def test_points_that_could_not_run_have_no_exponent():
    missing = result(reason="out of memory")
    curve = Curve("train", (1, 2, 4), [result(1.0), missing, result(4.0)], (1, 2, 4))
    assert curve.exponents() == [None, None, None]
    text = curves.format_growth(Growth("key", "Title", "side", [curve]))
    assert text.splitlines() == [
        "| | side | seconds | exponent | peak memory, MiB |",
        "| --- | ---: | ---: | ---: | ---: |",
        "| train | 1 | 1 |  | ? |",
        "|  | 4 | 4 |  | ? |",
        "",
        "- train, 2: could not run. out of memory",
    ]


def test_curves_stand_below_each_other():
    curve = Curve("predict", (1, 2), [result(1.0), result(2.0, peak_bytes=3 << 20)], (1, 2))
    other = Curve("train", (1,), [result(5.0)], (1,))
    lines = curves.format_growth(Growth("key", "Title", "batch", [curve, other])).splitlines()
    assert lines[2:] == [
        "| predict | 1 | 1 |  | ? |",
        "|  | 2 | 2 | 1.00 | 3 |",
        "| train | 1 | 5 |  | ? |",
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("series", "arguments", "names"),
    [
        (scaling_series.over_size, {"sizes": [33, 49], "train_sizes": [33]}, ["predict", "train"]),
        (scaling_series.over_classes, {"counts": [2], "train_counts": [2]}, ["predict", "train"]),
        (
            scaling_series.over_batch,
            {"batches": [1, 2], "train_batches": [1]},
            ["predict", "train"],
        ),
        (scaling_series.over_clones, {"counts": [1, 2]}, ["train"]),
    ],
)
def test_series_of_a_network(tmp_path, monkeypatch, series, arguments, names):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(scaling_series, "_PREDICT_SIZE", 33)
    monkeypatch.setattr(scaling_series, "_TRAIN_SIZE", 33)
    growth = series(settings(tmp_path), **arguments, network="xception_tiny")
    check(growth, names)


@pytest.mark.slow
def test_series_over_images(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    growth = scaling_series.over_images(settings(tmp_path), [8, 16])
    check(growth, ["check", "build", "one pass of training batches"])


def settings(work_dir: pathlib.Path) -> Settings:
    return Settings(
        num_rounds=1,
        round_secs=0.0,
        work_dir=str(work_dir),
        peers_venv=str(work_dir / "absent"),
        report=lambda line: None,
    )


def check(growth: Growth, names: list[str]) -> None:
    assert [curve.name for curve in growth.curves] == names
    for curve in growth.curves:
        for point in curve.results:
            assert point.reason is None
            assert point.median_seconds > 0
