"""Small drawings as inline SVG; colours come from the page's style, so they follow its theme."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from synthgen.evaluation.evidence import MapPoint
from synthgen.evaluation.repeats import Closeness
from synthgen.evaluation.report.markup import Html, element
from synthgen.evaluation.utility import Utility
from synthgen.evaluation.utility_rows import UtilityRow

COLOURS = 10
"""Classes that have a colour of their own; the style names them c0 to c9."""

WIDTH, HEIGHT = 640, 300
LEFT, RIGHT, TOP, BOTTOM = 52, 16, 14, 42


@dataclass(frozen=True)
class _Axes:
    """From data to places on the drawing."""

    low: float
    high: float
    bottom: float
    top: float

    def x(self, value: float) -> float:
        share = (value - self.low) / ((self.high - self.low) or 1)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        share = (value - self.bottom) / ((self.top - self.bottom) or 1)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    def line(self, points: Sequence[tuple[float, float]], kind: str) -> Html:
        places = " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in points)
        return element("polyline", points=places, class_=f"line {kind}")


def closeness_chart(near: Closeness, made: str, real: str, axis: str) -> Html:
    """What share of images is closer than so much: made ones, and real ones for comparison."""
    last = max(near.curve[95], near.real_curve[95], near.limit) * 1.05 or 1.0
    axes = _Axes(0.0, last, 0.0, 1.0)
    lines = []
    for curve, kind in ((near.real_curve, "real"), (near.curve, "made")):
        points = [(value, number / 100) for number, value in enumerate(curve) if value <= last]
        lines.append(axes.line([(points[0][0] if points else 0, 0.0), *points], kind))
    limit = [
        element("line", x1=f"{axes.x(near.limit):.1f}", x2=f"{axes.x(near.limit):.1f}",
                y1=TOP, y2=HEIGHT - BOTTOM, class_="limit"),
        _text(*_beside(axes.x(near.limit)), "1 % of real images are closer"),
    ]  # fmt: skip
    ticks = [(value, f"{value:.2g}") for value in _ticks(0, last)]
    return _chart(axes, ticks, [0, 0.25, 0.5, 0.75, 1], axis, [*limit, *lines],
                  ((made, "made"), (real, "real")))  # fmt: skip


def utility_chart(utility: Utility) -> Html:
    """Accuracy against real images per class, one line for each kind of training set."""
    kinds = (("real", "real"), ("real + synthetic", "made"))
    rows = {kind: _curve(utility, kind) for kind, _ in kinds}
    alone = [row for row in utility.rows if row.trained_on == "synthetic"]
    every = [row for curve in rows.values() for row in curve] + alone
    counts = sorted({row.real_per_class for row in every if row.real_per_class})
    if not counts:
        return element("p", "No row uses real images.", class_="note")
    low = min(row.accuracy - row.deviation for row in every)
    high = max(row.accuracy + row.deviation for row in every)
    pad = 0.08 * (high - low or 0.1)
    ends = math.log10(counts[0]), math.log10(counts[-1])
    wide = 0.06 * (ends[1] - ends[0] or 1)
    axes = _Axes(ends[0] - wide, ends[1] + wide, max(0.0, low - pad), min(1.0, high + pad))
    drawn: list[Html] = []
    if alone:
        value = max(row.accuracy for row in alone)
        drawn.append(axes.line([(axes.low, value), (axes.high, value)], "alone"))
    for kind, style in kinds:
        points = [(math.log10(row.real_per_class), row) for row in rows[kind]]
        drawn.append(axes.line([(x, row.accuracy) for x, row in points], style))
        for x, row in points:
            spread = (row.accuracy - row.deviation, row.accuracy + row.deviation)
            drawn.append(axes.line([(x, value) for value in spread], f"{style} spread"))
            drawn.append(
                element("circle", cx=f"{axes.x(x):.1f}", cy=f"{axes.y(row.accuracy):.1f}", r=4,
                        class_=f"dot {style}")
            )  # fmt: skip
    ticks = [(math.log10(count), f"{count:,}") for count in counts]
    keys = [("real images alone", "real"), ("real + synthetic", "made")]
    if alone:
        keys.append(("synthetic images alone", "alone"))
    return _chart(
        axes, ticks, _ticks(axes.bottom, axes.top), "real images per class (log scale)", drawn, keys
    )


def _curve(utility: Utility, kind: str) -> list[UtilityRow]:
    rows = [row for row in utility.rows if row.name == kind and row.real_per_class]
    return sorted(rows, key=lambda row: row.real_per_class)


def map_panels(points: Sequence[MapPoint], classes: Sequence[str]) -> Html:
    """The map three times: both kinds over each other, then each alone in its classes' colours."""
    both = [
        _dots([point for point in points if not point.made], "real"),
        _dots([point for point in points if point.made], "made"),
    ]
    panels = [_panel(both, "real under synthetic", (("real", "real"), ("synthetic", "made")))]
    few = len(classes) <= COLOURS
    for made, title in ((False, "real images by class"), (True, "synthetic images by class")):
        own = [point for point in points if point.made == made]
        coloured = [
            _dots([point for point in own if point.label == label], f"c{label % COLOURS}")
            for label in range(len(classes))
        ]
        keys = [(name, f"c{label}") for label, name in enumerate(classes)] if few else []
        panels.append(_panel(coloured, title, keys))
    return element("div", panels, class_="panels")


def _panel(dots: Sequence[Html], title: str, keys: Sequence[tuple[str, str]]) -> Html:
    drawing = element("svg", dots, viewBox="0 0 320 320", role="img", aria_label=title)
    caption = element("figcaption", element("b", title), _legend(keys))
    return element("figure", drawing, caption, class_="panel")


def _dots(points: Sequence[MapPoint], kind: str) -> Html:
    """One path of many dots: a line of no length has round ends."""
    steps = "".join(f"M{8 + 304 * p.x:.1f} {8 + 304 * p.y:.1f}h0" for p in points)
    return element("path", d=steps, class_=f"dots {kind}")


def stacked(parts: Sequence[tuple[float, str, str]]) -> Html:
    """A bar of shares: (share, style, what it is)."""
    fills = [
        element("i", class_=style, style=f"width:{100 * share:.2f}%", title=f"{name}: {share:.1%}")
        for share, style, name in parts
        if share > 0
    ]
    return element("span", fills, class_="stacked")


def legend(keys: Sequence[tuple[str, str]]) -> Html:
    """Names with their colours."""
    return _legend(keys)


def _legend(keys: Sequence[tuple[str, str]]) -> Html:
    entries = [element("span", element("i", class_=f"key {kind}"), name) for name, kind in keys]
    return element("span", entries, class_="legend")


def _chart(
    axes: _Axes, ticks: Sequence[tuple[float, str]], levels: Sequence[float], title: str,
    drawn: Sequence[Html], keys: Sequence[tuple[str, str]],
) -> Html:  # fmt: skip
    frame = []
    for level in levels:
        y = f"{axes.y(level):.1f}"
        frame.append(element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_="grid"))
        frame.append(_text(LEFT - 8, axes.y(level) + 4, f"{100 * level:.4g} %", "end"))
    frame += [_text(axes.x(value), HEIGHT - BOTTOM + 18, name) for value, name in ticks]
    frame.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, title))
    svg = element(
        "svg", frame, drawn, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=title
    )
    return element("figure", element("div", svg, class_="scroll"),
                   element("figcaption", _legend(keys)), class_="chart")  # fmt: skip


def _beside(x: float) -> tuple[float, float]:
    """The middle of a note of about 170 units, left of ``x`` where there is room for it."""
    return (x - 92 if x > LEFT + 190 else x + 92), TOP + 10


def _text(x: float, y: float, words: str, anchor: str = "middle") -> Html:
    return element("text", words, x=f"{x:.1f}", y=f"{y:.1f}", text_anchor=anchor)


def _ticks(low: float, high: float) -> list[float]:
    """Four to eight round numbers from ``low`` to ``high``."""
    step = 10 ** math.floor(math.log10((high - low or 1) / 4))
    step *= next(times for times in (1, 2, 5, 10) if (high - low) / (step * times) <= 7)
    first = math.ceil(low / step - 1e-9)
    return [number * step for number in range(first, math.floor(high / step + 1e-9) + 1)]
