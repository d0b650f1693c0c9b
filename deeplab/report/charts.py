"""Charts as SVG that a page holds itself. Colors are those of the page's style sheet.

Text in charts is escaped. Numbers that are not defined (NaN) leave a gap.
"""

import dataclasses
import math
from collections.abc import Iterator, Sequence

import numpy as np
from markupsafe import Markup, escape

from common.texts import percent

_WIDTH, _HEIGHT = 560, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 16, 14, 44
# More points of a line than pixels only make the page larger.
_MOST_POINTS = 600
_MOST_TICKS = 6
# Above this number of classes, a matrix has neither names nor numbers in it.
MOST_NAMED_CLASSES = 32
_CELL, _SMALL_CELL = 40, 5
_LETTER = 6.6
_MOST_LETTERS = 18
# Shares of a row below this are not written into its cells.
_SMALLEST_WRITTEN = 0.005


@dataclasses.dataclass(frozen=True)
class Line:
    """A line of a chart.

    Attributes:
      name: in the legend; "" for none there.
      xs, ys: its points.
      style: classes of the style sheet, such as "s1", or "s1 faint".
      has_dots: whether points are shown.
    """

    name: str
    xs: Sequence[float] | np.ndarray
    ys: Sequence[float] | np.ndarray
    style: str = "s1"
    has_dots: bool = False


class _Axes:
    """The rectangle of a chart, and where numbers are in it."""

    def __init__(self, x_range: tuple[float, float], y_range: tuple[float, float]):
        self.x_range, self.y_range = _widened(x_range), _widened(y_range)

    def x(self, value: float) -> float:
        low, high = self.x_range
        return round(_LEFT + (value - low) / (high - low) * (_WIDTH - _LEFT - _RIGHT), 1)

    def y(self, value: float) -> float:
        low, high = self.y_range
        return round(_HEIGHT - _BOTTOM - (value - low) / (high - low) * self.height, 1)

    @property
    def height(self) -> float:
        return _HEIGHT - _TOP - _BOTTOM

    def draw(self, x_label: str, y_label: str, in_percent: tuple[bool, bool]) -> Iterator[str]:
        left, right, bottom = _LEFT, _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
        for tick in ticks(*self.y_range):
            y = self.y(tick)
            yield f'<line class="grid" x1="{left}" x2="{right}" y1="{y}" y2="{y}"/>'
            yield _text(left - 8, y + 4, _number(tick, in_percent[1]), "end")
        for tick in ticks(*self.x_range):
            x = self.x(tick)
            yield f'<line class="grid" x1="{x}" x2="{x}" y1="{_TOP}" y2="{bottom}"/>'
            yield _text(x, bottom + 17, _number(tick, in_percent[0]), "middle")
        yield f'<line class="axis" x1="{left}" x2="{right}" y1="{bottom}" y2="{bottom}"/>'
        yield _text((left + right) / 2, _HEIGHT - 8, x_label, "middle", "label")
        middle = (_TOP + bottom) / 2
        yield (
            f'<text class="label" text-anchor="middle" '
            f'transform="translate(14 {middle}) rotate(-90)">{escape(y_label)}</text>'
        )


def line_chart(
    title: str,
    lines: Sequence[Line],
    x_label: str,
    y_label: str,
    *,
    x_range: tuple[float, float] | None = None,
    y_range: tuple[float, float] | None = None,
    in_percent: tuple[bool, bool] = (False, False),
    mark: tuple[float, str] | None = None,
) -> Markup:
    """Draws lines over one pair of axes, and their legend above if several have names.

    Args:
      title: for those who do not see the chart.
      lines: at least one of them with a point.
      x_label, y_label: of the axes.
      x_range, y_range: of the axes; None for those of the points.
      in_percent: whether shares on the axis of x and of y are written as percentages.
      mark: a place on the axis of x with a vertical line, and its name.
    """
    xs = _defined([each.xs for each in lines])
    ys = _defined([each.ys for each in lines])
    axes = _Axes(x_range or (xs.min(), xs.max()), y_range or (ys.min(), ys.max()))
    parts = list(axes.draw(x_label, y_label, in_percent))
    if mark:
        x = axes.x(mark[0])
        side = "end" if x > _WIDTH / 2 else "start"
        parts.append(f'<line class="mark" x1="{x}" x2="{x}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}"/>')
        parts.append(_text(x + (-6 if side == "end" else 6), _TOP + 11, mark[1], side, "label"))
    for line in lines:
        points = _thinned(line)
        for path in _paths(axes, points):
            parts.append(f'<polyline class="line {line.style}" points="{path}"/>')
        is_single = sum(not math.isnan(y) for _, y in points) == 1
        if line.has_dots or is_single:
            for x, y in points:
                if not math.isnan(y):
                    tip = f"{_number(x, in_percent[0])}: {_number(y, in_percent[1])}"
                    parts.append(
                        f'<circle class="dot {line.style}" cx="{axes.x(x)}" cy="{axes.y(y)}" r="3">'
                        f"<title>{escape(tip)}</title></circle>"
                    )
    return _svg(title, _WIDTH, _HEIGHT, parts, legend(lines))


def legend(lines: Sequence[Line]) -> str:
    """Returns the names of lines with their colors, where there are several."""
    named = [each for each in lines if each.name]
    if len(named) < 2:
        return ""
    items = "".join(
        f'<span><i class="key {each.style}"></i>{escape(each.name)}</span>' for each in named
    )
    return f'<div class="legend">{items}</div>'


def reliability_chart(
    title: str, confidence: np.ndarray, accuracy: np.ndarray, pixels: np.ndarray
) -> Markup:
    """Draws the accuracy of pixels by their confidence, and how many pixels have it.

    Args:
      title: for those who do not see the chart.
      confidence, accuracy: means of each bin, 0..1; NaN without pixels.
      pixels: of each bin.
    """
    axes = _Axes((0, 1), (0, 1))
    parts = list(axes.draw("confidence", "accuracy", (True, True)))
    total, num_bins = max(int(pixels.sum()), 1), len(pixels)
    for index in range(num_bins):
        left, right = axes.x(index / num_bins) + 1, axes.x((index + 1) / num_bins) - 1
        share = pixels[index] / total
        tip = f"{100 * share:.1f}% of the pixels"
        if pixels[index]:
            tip += f": confidence {percent(confidence[index])}, accuracy {percent(accuracy[index])}"
            parts.append(_bar(axes, left, right, accuracy[index], "bar s1", tip))
        parts.append(_bar(axes, left, right, share, "bar amount", tip))
    parts.append(
        f'<line class="ideal" x1="{axes.x(0)}" y1="{axes.y(0)}" x2="{axes.x(1)}" y2="{axes.y(1)}"/>'
    )
    known = ~np.isnan(confidence)
    points = list(zip(confidence[known].tolist(), accuracy[known].tolist(), strict=True))
    for path in _paths(axes, points):
        parts.append(f'<polyline class="line s1" points="{path}"/>')
    key = (
        '<div class="legend"><span><i class="key s1"></i>accuracy</span>'
        '<span><i class="key amount"></i>share of the pixels</span>'
        '<span><i class="key ideal"></i>ideal</span></div>'
    )
    return _svg(title, _WIDTH, _HEIGHT, parts, key)


def confusion_chart(title: str, confusion: np.ndarray, class_names: Sequence[str]) -> Markup:
    """Draws a confusion matrix: rows are labels, columns predictions, cells shares of their row.

    Args:
      title: for those who do not see the chart.
      confusion: integers [classes, classes].
      class_names: of each class.
    """
    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    is_named = len(class_names) <= MOST_NAMED_CLASSES
    names = [_shortened(name) for name in class_names] if is_named else []
    cell = _CELL if is_named else _SMALL_CELL
    margin = 30 + _LETTER * max(map(len, names), default=0)
    size = margin + cell * len(class_names) + 8
    parts = []
    for index, name in enumerate(names):
        middle = margin + cell * (index + 0.5)
        parts.append(_text(margin - 7, middle + 4, name, "end"))
        parts.append(
            f'<text text-anchor="start" transform="translate({middle + 4:.1f} {margin - 7:.1f}) '
            f'rotate(-90)">{escape(name)}</text>'
        )
    middle = margin + cell * len(class_names) / 2
    parts.append(_text(middle, 14, "predicted", "middle", "label"))
    parts.append(
        f'<text class="label" text-anchor="middle" transform="translate(14 {middle:.1f}) '
        f'rotate(-90)">label</text>'
    )
    for row, column in np.argwhere(confusion > 0).tolist():
        share = float(shares[row, column])
        kind = "right" if row == column else "wrong"
        x, y = margin + cell * column, margin + cell * row
        tip = f"{class_names[row]} called {class_names[column]}: {100 * share:.2f}% of its pixels"
        gap = 1 if is_named else 0
        parts.append(
            f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{cell - gap}" '
            f'height="{cell - gap}" fill-opacity="{max(share, 0.02):.3f}">'
            f"<title>{escape(tip)}</title></rect>"
        )
        if is_named and share >= _SMALLEST_WRITTEN:
            style = "cell strong" if share > 0.55 else "cell"
            number = f"{100 * share:.0f}" if share >= 0.01 else "&lt;1"
            parts.append(
                f'<text class="{style}" text-anchor="middle" x="{x + cell / 2:.1f}" '
                f'y="{y + cell / 2 + 4:.1f}">{number}</text>'
            )
    end = margin + cell * len(class_names)
    parts.append(
        f'<rect class="frame" x="{margin:.1f}" y="{margin:.1f}" width="{end - margin:.1f}" '
        f'height="{end - margin:.1f}"/>'
    )
    return _svg(title, round(size), round(size), parts)


def ticks(low: float, high: float) -> list[float]:
    """Returns some six round numbers between two: steps of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / _MOST_TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(index * step, 12) for index in range(first, last + 1)]


def smoothed(values: Sequence[float], weight: float) -> list[float]:
    """Returns an exponential moving average without a bias at its start, as TensorBoard does."""
    result, mean, total = [], 0.0, 0.0
    for value in values:
        if not math.isfinite(value):
            result.append(math.nan)
            continue
        mean, total = weight * mean + (1 - weight) * value, weight * total + 1 - weight
        result.append(mean / total)
    return result


def _svg(title: str, width: int, height: int, parts: Sequence[str], key: str = "") -> Markup:
    return Markup(
        f'<figure class="chart">{key}<svg viewBox="0 0 {width} {height}" '
        f'style="max-width:{width}px" role="img" aria-label="{escape(title)}">'
        f"{''.join(parts)}</svg></figure>"
    )


def _text(x: float, y: float, text: str, anchor: str, style: str = "") -> str:
    kind = f' class="{style}"' if style else ""
    return f'<text{kind} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _bar(axes: _Axes, left: float, right: float, share: float, style: str, tip: str) -> str:
    top = axes.y(share)
    return (
        f'<rect class="{style}" x="{left:.1f}" y="{top}" width="{right - left:.1f}" '
        f'height="{max(axes.y(0) - top, 0):.1f}"><title>{escape(tip)}</title></rect>'
    )


def _paths(axes: _Axes, points: Sequence[tuple[float, float]]) -> Iterator[str]:
    """Yields the parts of a line between its gaps."""
    part: list[str] = []
    for x, y in [*points, (0.0, math.nan)]:
        if not math.isnan(y):
            part.append(f"{axes.x(x)},{axes.y(min(max(y, axes.y_range[0]), axes.y_range[1]))}")
            continue
        if len(part) > 1:
            yield " ".join(part)
        part = []


def _thinned(line: Line) -> list[tuple[float, float]]:
    xs, ys = np.asarray(line.xs, float).tolist(), np.asarray(line.ys, float).tolist()
    points = [(x, y if math.isfinite(y) else math.nan) for x, y in zip(xs, ys, strict=True)]
    every = max(1, math.ceil(len(points) / _MOST_POINTS))
    kept = points[::every]
    return kept if not points or kept[-1] == points[-1] else [*kept, points[-1]]


def _defined(numbers: Sequence[Sequence[float] | np.ndarray]) -> np.ndarray:
    joined = np.concatenate([np.asarray(each, float) for each in numbers])
    finite = joined[np.isfinite(joined)]
    return finite if finite.size else np.zeros(1)


def _widened(span: tuple[float, float]) -> tuple[float, float]:
    low, high = map(float, span)
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def _number(value: float, in_percent: bool) -> str:
    if in_percent:
        return f"{100 * value:.4g}%"
    if abs(value) >= 1000 and value == int(value):
        return f"{int(value):,}"
    return f"{value:.4g}"


def _shortened(name: str) -> str:
    return name if len(name) <= _MOST_LETTERS else f"{name[: _MOST_LETTERS - 1]}…"
