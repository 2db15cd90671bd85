"""Charts as SVG text: no script, no style, no font of their own. They fill the width they are given.

Positions across are in per cent and positions down in pixels, so text keeps its size on a phone. Ink is `currentColor`;
classes let a page colour the series for light and dark.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, floor, log10

from markupsafe import Markup

ACCENT = "#b45309"
TOP, BOTTOM = 16, 24
"""Pixels above and below the plot: half a label, and the labels of the x axis."""
LEFT, RIGHT = 9.0, 1.0
"""Per cent beside the plot: the values of the grid stand in the left."""
TICKS = 4
MOST_LABELS = 5


@dataclass(frozen=True, slots=True)
class Point:
    """One step of a line. A point without a value is a gap; `low` and `high` are its interval."""

    label: str
    value: float | None
    is_final: bool = True
    low: float | None = None
    high: float | None = None


Written = Callable[[float], str]
"""How a value is written for people."""


def line_chart(
    points: Sequence[Point], *, name: str, written: Written, target: float | None = None, height: int = 220
) -> Markup:
    """A line with a dot for each point (hollow: provisional), intervals as upright strokes, the target dashed.

    `name` is what a screen reader says. Empty without a value.
    """
    values = [value for point in points for value in (point.value, point.low, point.high) if value is not None]
    if not values:
        return Markup("")
    if target is not None:
        values.append(target)
    ticks = nice_ticks(min(values), max(values))
    low, high = ticks[0], ticks[-1]

    def across(index: int) -> str:
        return f"{LEFT + (100 - LEFT - RIGHT) * (index + 0.5) / len(points):.2f}%"

    def down(value: float) -> str:
        return f"{TOP + (height - TOP - BOTTOM) * (high - value) / (high - low):.1f}"

    parts = [_grid(tick, down(tick), written) for tick in ticks]
    if target is not None:
        parts.append(
            Markup(
                '<line class="target" x1="0" x2="100%" y1="{0}" y2="{0}" stroke="currentColor" stroke-dasharray="5 4"/>'
                '<text class="target" x="100%" y="{1}" text-anchor="end" font-size="12" fill="currentColor">target {2}</text>'
            ).format(down(target), f"{float(down(target)) - 5:.1f}", written(target))
        )
    for index, (point, following) in enumerate(pairwise(points)):
        if point.value is not None and following.value is not None:
            parts.append(
                Markup('<line class="series" x1="{}" y1="{}" x2="{}" y2="{}" stroke="{}" stroke-width="2.5"/>').format(
                    across(index), down(point.value), across(index + 1), down(following.value), ACCENT
                )
            )
    for index, point in enumerate(points):
        if point.value is None:
            continue
        if point.low is not None and point.high is not None:
            parts.append(
                Markup(
                    '<line class="series" x1="{0}" x2="{0}" y1="{1}" y2="{2}" stroke="{3}" stroke-width="2"/>'
                ).format(across(index), down(point.low), down(point.high), ACCENT)
            )
        parts.append(
            Markup(
                '<circle class="{}" cx="{}" cy="{}" r="4" stroke="{}" stroke-width="2" fill="{}"><title>{}</title></circle>'
            ).format(
                "dot" if point.is_final else "dot hollow",
                across(index),
                down(point.value),
                ACCENT,
                ACCENT if point.is_final else "#fff",
                f"{point.label}: {written(point.value)}{'' if point.is_final else ', provisional'}",
            )
        )
    parts += [
        Markup('<text x="{}" y="{}" text-anchor="{}" font-size="12" fill="currentColor">{}</text>').format(
            *((across(index), height - 6, "middle") if index < len(points) - 1 else ("100%", height - 6, "end")),
            points[index].label,
        )
        for index in _labelled(len(points))
    ]
    return Markup('<svg class="chart" role="img" aria-label="{}" width="100%" height="{}">{}</svg>').format(
        name, height, Markup("").join(parts)
    )


def sparkline(values: Sequence[float | None], *, height: int = 28) -> Markup:
    """A small line without axes, for the eye only: screen readers pass it by."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return Markup("")
    low, high = min(known), max(known)
    span = (high - low) or 1.0
    spots = [
        None if value is None else (100 * (index + 0.5) / len(values), 4 + (height - 8) * (high - value) / span)
        for index, value in enumerate(values)
    ]
    lines = [
        Markup(
            '<line class="series" x1="{:.1f}%" y1="{:.1f}" x2="{:.1f}%" y2="{:.1f}" stroke="{}" stroke-width="2"/>'
        ).format(*here, *there, ACCENT)
        for here, there in pairwise(spots)
        if here and there
    ]
    return Markup(
        '<svg class="sparkline" width="100%" height="{}" aria-hidden="true" focusable="false">{}</svg>'
    ).format(height, Markup("").join(lines))


def bar(value: float, most: float, *, usual: float | None = None) -> Markup:
    """One bar of a table's row, as wide as `value` is of `most`, with a tick at what is usual. The number stands beside it."""
    whole = max(most, usual or 0.0) or 1.0
    tick = (
        Markup('<rect class="usual" x="{:.2f}%" y="0" width="2" height="16" fill="currentColor"/>').format(
            99 * usual / whole
        )
        if usual is not None
        else Markup("")
    )
    return Markup(
        '<svg class="bar" width="100%" height="16" aria-hidden="true" focusable="false">'
        '<rect class="series" x="0" y="3" width="{:.2f}%" height="10" rx="2" fill="{}"/>{}</svg>'
    ).format(99 * max(value, 0) / whole, ACCENT, tick)


def nice_ticks(low: float, high: float) -> list[float]:
    """About four round steps that hold both values. A range that begins near zero begins at zero."""
    if low >= 0 and low < 0.5 * high:
        low = 0.0
    if high == low:
        high, low = high + (abs(high) or 1) * 0.1, low - abs(low) * 0.1
    step = _round_step((high - low) / TICKS)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    return [round(number * step, 12) for number in range(first, last + 1)]


def _round_step(rough: float) -> float:
    magnitude = 10.0 ** floor(log10(rough))
    return next(
        (size * magnitude for size in (1.0, 2.0, 2.5, 5.0) if size * magnitude >= rough * 0.999), 10 * magnitude
    )


def _grid(tick: float, down: str, written: Written) -> Markup:
    return Markup(
        '<line class="grid" x1="0" x2="100%" y1="{0}" y2="{0}" stroke="currentColor" stroke-opacity="0.15"/>'
        '<text class="tick" x="0" y="{1}" font-size="11" fill="currentColor">{2}</text>'
    ).format(down, f"{float(down) - 4:.1f}", written(tick))


def _labelled(count: int) -> list[int]:
    """Which points get a label on the x axis: evenly spread, the last one always."""
    step = max(1, ceil(count / MOST_LABELS))
    return [index for index in range(count) if (count - 1 - index) % step == 0]
