"""Geometry of the report's drawings: everything a template needs to write inline SVG, in its own units."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from docutune.evaluation import Comparison, Interval

WIDTH, HEIGHT = 460, 230
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 12, 42
"""Size of a line chart and the space around its plot, in SVG user units."""

MOST_POINTS = 300
"""A longer curve is drawn through the means of this many stretches: no screen shows more."""

MOST_MARKED = 12
"""Each point of a curve with no more than this has a mark of its own; of a longer one only the last."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis: where, and what it says."""

    position: float
    label: str


@dataclass(frozen=True, slots=True)
class Curve:
    """One series: its SVG path data, its points where they are few enough to be marked, and its last value."""

    path: str
    marks: tuple[tuple[float, float], ...]
    last: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Curves by name, the ticks of their common axes, and how many values were no numbers."""

    curves: Mapping[str, Curve]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    left_out: int


@dataclass(frozen=True, slots=True)
class Bar:
    """An interval on a common scale, in percent of the drawing's width."""

    mean: float
    low: float
    width: float


def line_chart(**series: Iterable[tuple[int, float | None]]) -> Chart | None:
    """Curves of (step, value), both axes from 0 or below; None when no value of any is a finite number.

    None as a value means that it was not recorded; NaN and infinity are counted in `left_out`. A series without a
    finite value is not in the chart.
    """
    given = {name: [(step, value) for step, value in points if value is not None] for name, points in series.items()}
    kept = {
        name: [(float(step), value) for step, value in points if math.isfinite(value)] for name, points in given.items()
    }
    every = [point for points in kept.values() for point in points]
    if not every:
        return None
    x_marks = marks(0.0, max(step for step, _ in every), 6, whole=True)
    y_marks = marks(min(0.0, *(value for _, value in every)), max(value for _, value in every), 5)
    return Chart(
        curves={name: _curve(points, x_marks, y_marks) for name, points in kept.items() if points},
        x_ticks=tuple(Tick(place(mark, x_marks, LEFT, WIDTH - RIGHT), number(mark)) for mark in x_marks),
        y_ticks=tuple(Tick(place(mark, y_marks, HEIGHT - BOTTOM, TOP), number(mark)) for mark in y_marks),
        left_out=sum(map(len, given.values())) - len(every),
    )


def _curve(points: Sequence[tuple[float, float]], x_marks: Sequence[float], y_marks: Sequence[float]) -> Curve:
    placed = tuple(
        (place(step, x_marks, LEFT, WIDTH - RIGHT), place(value, y_marks, HEIGHT - BOTTOM, TOP))
        for step, value in _thinned(points)
    )
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in placed)
    return Curve(path, placed if len(placed) <= MOST_MARKED else placed[-1:], points[-1][1])


def bars(comparison: Comparison) -> tuple[Bar, Bar]:
    """Base and tuned on one scale: from 0 to 1 when all ends lie there, else from the lowest to the highest end."""
    both = (comparison.base, comparison.tuned)
    low, high = (0.0, 1.0) if is_share(comparison) else (min(i.low for i in both), max(i.high for i in both))
    return _bar(comparison.base, low, high), _bar(comparison.tuned, low, high)


def is_share(comparison: Comparison) -> bool:
    """Whether the metric reads as a share: both intervals within 0 and 1."""
    return all(0 <= end <= 1 for side in (comparison.base, comparison.tuned) for end in (side.low, side.high))


def number(value: float) -> str:
    """A short form for an axis or a table: 1200, 0.25, 2e-4."""
    if value and abs(value) < 1e-3:
        mantissa, exponent = f"{value:.3e}".split("e")
        return f"{float(mantissa):g}e{int(exponent)}"
    return f"{value:.4g}" if abs(value) < 1e4 else f"{value:.0f}"


def _bar(interval: Interval, low: float, high: float) -> Bar:
    size = (high - low) or 1.0
    if not all(map(math.isfinite, (size, interval.mean, interval.low, interval.high))):
        return Bar(50.0, 0.0, 100.0)  # sums too large for a number: there is no scale to draw them on
    start, end, mean = (100 * (value - low) / size for value in (interval.low, interval.high, interval.mean))
    return Bar(round(mean, 2), round(start, 2), round(end - start, 2))


def marks(low: float, high: float, count: int, whole: bool = False) -> Sequence[float]:
    """About `count` round numbers, a step of 1, 2 or 5 times a power of ten apart, from below `low` to above `high`."""
    span = (high - low) or abs(high) or 1.0
    rough = span / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * (1 - 1e-9))
    step = max(step, 1.0) if whole else step
    first, last = math.floor(low / step + 1e-9), math.ceil((low + span) / step - 1e-9)
    return [index * step for index in range(first, last + 1)]


def place(value: float, axis: Sequence[float], start: float, end: float) -> float:
    """Where a value stands between `start` and `end`, the places of the first and the last mark of an axis."""
    return round(start + (end - start) * (value - axis[0]) / (axis[-1] - axis[0]), 2)


def _thinned(points: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    if len(points) <= MOST_POINTS:
        return points
    edges = [index * len(points) // MOST_POINTS for index in range(MOST_POINTS + 1)]
    parts = [points[start:end] for start, end in pairwise(edges)]
    return [(sum(x for x, _ in part) / len(part), sum(y for _, y in part) / len(part)) for part in parts]
