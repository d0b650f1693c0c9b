"""Charts: well-formed SVG in whose coordinates the numbers are found, and text is escaped."""

import math
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from deeplab.report import charts
from deeplab.report.charts import Line

EVIL = "<b>&\"'</b>"


def parse(chart) -> ElementTree.Element:
    return ElementTree.fromstring(str(chart))


def texts(chart) -> list[str]:
    return ["".join(each.itertext()) for each in parse(chart).iter("text")]


def test_lines_go_where_their_numbers_are_and_break_at_gaps():
    xs, ys = [0, 1, 2, 3, 4], [0.0, 1.0, math.nan, 0.5, 1.0]
    chart = charts.line_chart("t", [Line("", xs, ys)], "x", "y")
    lines = [each.get("points").split() for each in parse(chart).iter("polyline")]
    assert [len(points) for points in lines] == [2, 2]
    points = [tuple(map(float, point.split(","))) for line in lines for point in line]
    # Left to right, and higher numbers are higher up.
    assert [x for x, _ in points] == pytest.approx([56, 178, 422, 544])
    assert [y for _, y in points] == pytest.approx([256, 14, 135, 14])


def test_values_beyond_the_axis_stay_inside_and_a_single_point_is_a_dot():
    chart = charts.line_chart("t", [Line("", [0, 1], [5, 100])], "x", "y", y_range=(0, 10))
    assert parse(chart).find(".//polyline").get("points").split()[1] == "544.0,14.0"
    single = charts.line_chart("t", [Line("", [7], [3])], "x", "y")
    assert len(list(parse(single).iter("circle"))) == 1
    nothing = charts.line_chart("t", [Line("", [1, 2], [math.nan, math.inf])], "x", "y")
    assert not list(parse(nothing).iter("polyline"))


def test_long_lines_are_thinned_and_keep_their_end():
    xs = np.arange(10_001)
    chart = charts.line_chart("t", [Line("", xs, xs)], "x", "y")
    points = parse(chart).find(".//polyline").get("points").split()
    assert len(points) < 700
    assert points[-1] == "544.0,14.0"


def test_names_are_escaped():
    line = Line(EVIL, [0, 1], [0, 1], has_dots=True)
    charts_of_names = [
        charts.line_chart(EVIL, [line, line], EVIL, EVIL, mark=(0.5, EVIL)),
        charts.confusion_chart(EVIL, np.ones((2, 2), int), [EVIL, "b"]),
    ]
    for chart in charts_of_names:
        assert EVIL not in str(chart)
        assert not list(parse(chart).iter("b"))
        assert EVIL in texts(chart)


def test_a_matrix_shows_shares_of_rows():
    confusion = np.array([[90, 10, 0], [0, 0, 0], [1, 999, 3000]])
    chart = charts.confusion_chart("t", confusion, ["sky", "sea", "a" * 40])
    cells = {
        each.find("title").text: (each.get("class"), float(each.get("fill-opacity")))
        for each in parse(chart).iter("rect")
        if each.find("title") is not None
    }
    assert cells["sky called sky: 90.00% of its pixels"] == ("right", 0.9)
    assert cells["sky called sea: 10.00% of its pixels"] == ("wrong", 0.1)
    assert len(cells) == 5
    assert {"90", "10", "25", "75", "a" * 17 + "…"} <= set(texts(chart))
    large = charts.confusion_chart("t", np.eye(150, dtype=int), ["x"] * 150)
    assert texts(large) == ["predicted", "label"]


def test_the_reliability_chart_leaves_empty_bins_out():
    confidence, accuracy = np.array([np.nan, 0.6]), np.array([np.nan, 0.5])
    chart = charts.reliability_chart("t", confidence, accuracy, np.array([0, 20]))
    bars = [each for each in parse(chart).iter("rect") if each.get("class") == "bar s1"]
    (title,) = [each.find("title").text for each in bars]
    assert title == "100.0% of the pixels: confidence 60.00%, accuracy 50.00%"
    assert not re.search("nan", str(chart))


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0, 30000, [0, 5000, 10000, 15000, 20000, 25000, 30000]),
        (0.31, 0.36, [0.31, 0.32, 0.33, 0.34, 0.35, 0.36]),
        (-3, 8, [-2, 0, 2, 4, 6, 8]),
    ],
)
def test_ticks_are_round(low, high, expected):
    assert charts.ticks(low, high) == pytest.approx(expected)


def test_smoothing_has_no_bias_at_its_start():
    assert charts.smoothed([4.0, 4.0, 4.0], 0.9) == pytest.approx([4, 4, 4])
    assert charts.smoothed([1.0, 3.0], 0.5) == pytest.approx([1, (0.25 + 1.5) / 0.75])
    assert math.isnan(charts.smoothed([1.0, math.nan, 3.0], 0.5)[1])
