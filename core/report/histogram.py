"""Histograms of lengths in tokens: bins of one width, and where they are drawn."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from docutune.report.charts import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Tick, marks, number, place
from docutune.report.facts import LengthBin, Lengths

_BINS = 24
_TAIL = 0.995  # longer ones share the last bin: a single long sample would leave the others no room
_LABELS = 6


@dataclass(frozen=True, slots=True)
class Column:
    """One bin as it is drawn, in SVG user units, and what to say of it; `over`: all in it is longer than the limit."""

    x: float
    y: float
    width: float
    height: float
    title: str
    over: bool


@dataclass(frozen=True, slots=True)
class Histogram:
    """Columns, the ticks of both axes, and where the limit stands; None where it is beyond the last column."""

    columns: tuple[Column, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    limit: float | None = None


def spread(part: str, found: Sequence[int]) -> Lengths:
    """How lengths are spread, in bins of one round width; the last one has all that are longer. There is at least one.

    A bin's own `longest` is the largest length that would fall into it.
    """
    ordered = sorted(found)
    width = _width(ordered[int(_TAIL * (len(ordered) - 1))] - ordered[0] + 1)
    first = ordered[0] // width
    last = max(first, ordered[int(_TAIL * (len(ordered) - 1))] // width)
    counts = Counter(min(length // width, last) for length in ordered)
    bins = tuple(
        LengthBin(at * width, max((at + 1) * width - 1, ordered[-1] if at == last else 0), counts[at])
        for at in range(first, last + 1)
    )
    return Lengths(part, ordered[0], round(statistics.median(ordered)), ordered[-1], bins)


def _width(span: int) -> int:
    """The smallest of 1, 2, 5, 10, 20, 50 and so on that covers the span with few bins."""
    power = 1
    while True:
        for factor in (1, 2, 5):
            if span <= _BINS * factor * power:
                return factor * power
        power *= 10


def histogram(lengths: Lengths, limit: int | None = None) -> Histogram:
    """A drawing in the size of the other charts."""
    heights = marks(0.0, float(max(bin.samples for bin in lengths.bins)), 4, whole=True)
    return Histogram(
        columns=tuple(_columns(lengths.bins, heights, limit)),
        x_ticks=tuple(_x_ticks(lengths.bins)),
        y_ticks=tuple(Tick(place(mark, heights, HEIGHT - BOTTOM, TOP), number(mark)) for mark in heights),
        limit=_limit(lengths.bins, limit),
    )


def _columns(bins: Sequence[LengthBin], heights: Sequence[float], limit: int | None) -> Iterator[Column]:
    width = _step(bins)
    for at, bin in enumerate(bins):
        y = place(float(bin.samples), heights, HEIGHT - BOTTOM, TOP)
        over = limit is not None and bin.shortest > limit
        title = f"{bin.shortest:,}\u2013{bin.longest:,}: {bin.samples:,}"
        yield Column(
            round(LEFT + at * width, 2), y, round(max(width - 1.5, 0.5), 2), round(HEIGHT - BOTTOM - y, 2), title, over
        )


def _x_ticks(bins: Sequence[LengthBin]) -> Iterator[Tick]:
    every = -(-len(bins) // _LABELS)
    for at in range(0, len(bins), every):
        yield Tick(round(LEFT + at * _step(bins), 2), f"{bins[at].shortest:,}")


def _limit(bins: Sequence[LengthBin], limit: int | None) -> float | None:
    """Between the columns of what fits and of what does not, or within the one that has both."""
    inside = next(
        (at for at, bin in enumerate(bins) if limit is not None and bin.shortest <= limit < bin.longest), None
    )
    if inside is None or limit is None:
        return None
    bin = bins[inside]
    share = (limit + 1 - bin.shortest) / (bin.longest + 1 - bin.shortest)
    return round(LEFT + (inside + share) * _step(bins), 2)


def _step(bins: Sequence[LengthBin]) -> float:
    return (WIDTH - LEFT - RIGHT) / len(bins)
