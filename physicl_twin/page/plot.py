"""Line plots and interval plots as small inline SVG: no library, no script, sharp on paper."""

from __future__ import annotations

import math
from dataclasses import dataclass

from physicl_twin.page.markup import Markup, tag
from physicl_twin.page.numbers import fixed, significant

WIDTH, HEIGHT = 480.0, 190.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 52.0, 16.0, 24.0, 24.0
#: Line classes, told apart by colour and by dashes.
CLASSES = ("a", "b", "c")
#: Lines that always look the same, whatever else is drawn.
_FIXED = {"PhysX": "a", "MuJoCo": "b", "Newton": "c"}


def style_of(name: str, index: int) -> str:
    """Class of a line: an engine keeps its own, others take turns."""
    return _FIXED.get(name, CLASSES[index % len(CLASSES)])


@dataclass(frozen=True, slots=True)
class Curve:
    """A named line: x ascending, y of the same length."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Bracket:
    """A named interval on a line, such as an angle that lies between two tried ones."""

    name: str
    low: float
    high: float


def thin(curve: Curve, points: int) -> Curve:
    """At most ``points`` points that keep each bucket's extremes, so that no peak is lost."""
    count = len(curve.x)
    if count <= points or points < 4:
        return curve
    buckets = points // 2
    keep: set[int] = {0, count - 1}
    for b in range(buckets):
        span = range(b * count // buckets, (b + 1) * count // buckets)
        keep.add(min(span, key=curve.y.__getitem__))
        keep.add(max(span, key=curve.y.__getitem__))
    order = sorted(keep)
    return Curve(curve.name, tuple(curve.x[i] for i in order), tuple(curve.y[i] for i in order))


def ticks(low: float, high: float, wanted: int = 4) -> tuple[float, ...]:
    """Round values (1, 2 or 5 times a power of ten apart) inside an interval."""
    span = high - low
    if not span > 0:
        return (low,)
    raw = span / wanted
    base = 10.0 ** math.floor(math.log10(raw))
    step = min((base * m for m in (1, 2, 5, 10)), key=lambda s: abs(s - raw))
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return tuple(i * step for i in range(first, last + 1))


def tick_label(value: float, step: float) -> str:
    """A tick with as many decimals as its step needs."""
    decimals = max(0, -math.floor(math.log10(step) + 1e-9)) if step > 0 else 0
    return fixed(value, decimals) if decimals < 5 else significant(value, 3)


def line_plot(curves: list[Curve], *, title: str, x_unit: str, y_unit: str, points: int) -> Markup:
    """Curves over a common x axis with a legend. Points that are not finite are left out.

    Args:
        curves: One to three.
        title: What is drawn, for those who cannot see it too.
        x_unit: Printed beside the x axis.
        y_unit: Printed above the y axis.
        points: Curves are thinned to this many points.
    """
    cleaned = [_finite(curve) for curve in curves]
    cleaned = [thin(curve, points) for curve in cleaned if curve.x]
    if not cleaned:
        return tag("p", "Nothing finite to draw.", class_="muted")
    x_low, x_high = min(c.x[0] for c in cleaned), max(c.x[-1] for c in cleaned)
    y_low, y_high = min(min(c.y) for c in cleaned), max(max(c.y) for c in cleaned)
    pad = 0.06 * (y_high - y_low) or 0.5 * abs(y_high) or 1.0
    y_low, y_high = y_low - pad, y_high + pad
    x_high = x_high if x_high > x_low else x_low + 1

    def px(x: float) -> float:
        return _LEFT + (x - x_low) / (x_high - x_low) * (WIDTH - _LEFT - _RIGHT)

    def py(y: float) -> float:
        return HEIGHT - _BOTTOM - (y - y_low) / (y_high - y_low) * (HEIGHT - _TOP - _BOTTOM)

    parts: list[Markup] = []
    y_ticks, x_ticks = ticks(y_low, y_high), ticks(x_low, x_high, 5)
    for y in y_ticks:
        parts.append(_line(_LEFT, py(y), WIDTH - _RIGHT, py(y), "axis"))
        parts.append(_text(_LEFT - 6, py(y) + 4, tick_label(y, _step(y_ticks)), "end"))
    for x in x_ticks:
        unit = f" {x_unit}" if x == x_ticks[-1] else ""
        parts.append(_text(px(x), HEIGHT - 7, tick_label(x, _step(x_ticks)) + unit, "middle"))
    parts.append(_text(_LEFT - 6, 13, y_unit, "end"))
    for index, curve in enumerate(cleaned):
        path = " ".join(f"{px(x):.1f},{py(y):.1f}" for x, y in zip(curve.x, curve.y, strict=True))
        parts.append(tag("polyline", points=path, class_=style_of(curve.name, index), stroke_linejoin="round"))
    parts.append(_legend([c.name for c in cleaned]))
    return _svg(parts, HEIGHT, f"{title}: {', '.join(c.name for c in cleaned)}")


def bracket_plot(
    brackets: list[Bracket], *, expected: float | None, expected_name: str, title: str, unit: str
) -> Markup:
    """Intervals under each other on one scale, with a dashed line where theory expects them."""
    values = [v for b in brackets for v in (b.low, b.high)] + ([expected] if expected is not None else [])
    if not values or not all(math.isfinite(v) for v in values):
        return tag("p", "Nothing finite to draw.", class_="muted")
    low, high = min(values), max(values)
    pad = 0.25 * (high - low) or 0.1 * abs(high) or 1.0
    low, high = low - pad, high + pad
    height = 42.0 + 26.0 * len(brackets) + 14

    def px(x: float) -> float:
        return _LEFT + 20 + (x - low) / (high - low) * (WIDTH - _LEFT - 20 - _RIGHT)

    parts: list[Markup] = []
    x_ticks = ticks(low, high, 6)
    for x in x_ticks:
        parts.append(_line(px(x), 26, px(x), height - 24, "axis"))
        parts.append(_text(px(x), height - 10, tick_label(x, _step(x_ticks)) + unit, "middle"))
    for index, bracket in enumerate(brackets):
        y = 42.0 + 26 * index
        left, right = px(bracket.low), max(px(bracket.high), px(bracket.low) + 3)
        box = {"x": f"{left:.1f}", "y": f"{y - 6:.1f}", "width": f"{right - left:.1f}", "height": "12", "rx": "2"}
        parts.append(tag("rect", class_=f"f{style_of(bracket.name, index)}", **box))
        parts.append(_text(_LEFT + 8, y + 4, bracket.name, "end", "name"))
    if expected is not None:
        parts.append(_line(px(expected), 20, px(expected), height - 24, "mark"))
        parts.append(_text(px(expected), 14, expected_name, "middle", "name"))
    return _svg(parts, height, title)


def _finite(curve: Curve) -> Curve:
    kept = [(x, y) for x, y in zip(curve.x, curve.y, strict=True) if math.isfinite(x) and math.isfinite(y)]
    return Curve(curve.name, tuple(x for x, _ in kept), tuple(y for _, y in kept))


def _step(values: tuple[float, ...]) -> float:
    return values[1] - values[0] if len(values) > 1 else abs(values[0]) or 1.0


def _svg(parts: list[Markup], height: float, label: str) -> Markup:
    box = f"0 0 {WIDTH:g} {height:g}"
    return tag("svg", parts, viewBox=box, class_="plot", role="img", aria_label=label)


def _line(x1: float, y1: float, x2: float, y2: float, style: str) -> Markup:
    return tag("line", x1=f"{x1:.1f}", y1=f"{y1:.1f}", x2=f"{x2:.1f}", y2=f"{y2:.1f}", class_=style)


def _text(x: float, y: float, words: str, anchor: str, style: str | None = None) -> Markup:
    return tag("text", words, x=f"{x:.1f}", y=f"{y:.1f}", text_anchor=anchor, class_=style)


def _legend(names: list[str]) -> Markup:
    parts, x = [], _LEFT + 8
    for index, name in enumerate(names):
        parts.append(_line(x, 9, x + 22, 9, style_of(name, index)))
        parts.append(_text(x + 28, 13, name, "start", "name"))
        x += 52 + 8 * len(name)
    return tag("g", parts)
