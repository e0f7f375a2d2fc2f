"""The physics runs: what was asked, what each engine answered, and the curves."""

from __future__ import annotations

from physicl_twin.model import RolloutResult
from physicl_twin.page import numbers
from physicl_twin.page.markup import Markup, join, tag
from physicl_twin.page.plot import Bracket, Curve, bracket_plot, line_plot
from physicl_twin.page.style import ENGINES, status

#: Measures that together say where sliding begins: still held at the first, slid at the second, theory.
_HOLDS, _SLIDES, _EXPECTED = "steepest_hold", "flattest_slide", "slide_angle_expected"
#: Plots of one card that stand open; the others are folded.
_OPEN_PLOTS = 4


def rollouts_section(rollouts: tuple[RolloutResult, ...], points: int) -> Markup:
    """A card a rollout, its engines side by side."""
    if not rollouts:
        return tag("p", "No rollout was run: nothing here says how it moves.", class_="muted")
    names = list(dict.fromkeys(r.name for r in rollouts))
    return tag("div", [_card([r for r in rollouts if r.name == name], points) for name in names], class_="runs")


def _card(runs: list[RolloutResult], points: int) -> Markup:
    first = next((r for r in runs if r.question), runs[0])
    lines = [
        tag(
            "div",
            tag("span", ENGINES.get(run.engine, run.engine), class_="who"),
            status(run.status),
            tag("span", run.message),
            class_="engine",
        )
        for run in runs
    ]
    title = first.name.replace("_", " ")
    brackets = _brackets(runs)
    return tag(
        "div",
        tag("h3", tag("span", title)),
        tag("p", join(first.question, " ", tag("span", first.criterion, class_="muted"))),
        lines,
        brackets,
        _plots(runs, points, 0 if brackets else _OPEN_PLOTS),
        _folded("Measures", _measures(runs)),
        class_="card run",
    )


def _folded(title: str, content: Markup | None) -> Markup | None:
    return tag("details", tag("summary", title), content, class_="inner") if content else None


def _plots(runs: list[RolloutResult], points: int, opened: int) -> Markup | None:
    """A plot for each curve that an engine recorded, engines together; the first ``opened`` ones stand open."""
    names = list(dict.fromkeys(s.name for r in runs for s in r.series))
    if not names:
        return None
    drawn = [tag("div", _plot(runs, name, points)) for name in _by_quantity(names)]
    grid = tag("div", drawn[:opened], class_="plots") if opened else None
    rest = tag("div", drawn[opened:], class_="plots") if len(drawn) > opened else None
    return join(grid, _folded("More curves" if opened else "Curves", rest))


def _by_quantity(names: list[str]) -> list[str]:
    """Names ordered so that those of one quantity (all words but the last in common) stand together."""
    quantities = list(dict.fromkeys(name.rpartition(" ")[0] for name in names))
    return sorted(names, key=lambda name: quantities.index(name.rpartition(" ")[0]))


def _plot(runs: list[RolloutResult], name: str, points: int) -> Markup:
    curves, unit = [], ""
    for run in runs:
        for series in run.series:
            if series.name == name:
                curves.append(Curve(ENGINES.get(run.engine, run.engine), series.time_s, series.values))
                unit = series.unit
    title = name.replace("_", " ")
    scaled, label = _scaled(curves, unit)
    return join(
        tag("div", f"{title}, {label}" if label else title, class_="caption"),
        line_plot(scaled, title=title, x_unit="s", y_unit="", points=points),
    )


def _scaled(curves: list[Curve], unit: str) -> tuple[list[Curve], str]:
    """Lengths in the unit that suits the largest of them."""
    largest = max((abs(y) for c in curves for y in c.y), default=0.0)
    scale = numbers.scale_for(largest, unit) if unit == "m" else numbers.Scale(1.0, "" if unit == "1" else unit)
    return [Curve(c.name, c.x, tuple(y * scale.factor for y in c.y)) for c in curves], scale.unit


def _brackets(runs: list[RolloutResult]) -> list[Markup]:
    """For each material probed, the angles between which it begins to slide, against theory."""
    suffixes = dict.fromkeys(m.name.removeprefix(_HOLDS) for r in runs for m in r.measures if m.name.startswith(_HOLDS))
    drawn = []
    for suffix in suffixes:
        found, expected = [], None
        for run in runs:
            named = {m.name: m.value for m in run.measures}
            if _HOLDS + suffix in named and _SLIDES + suffix in named:
                low, high = sorted((named[_HOLDS + suffix], named[_SLIDES + suffix]))
                found.append(Bracket(ENGINES.get(run.engine, run.engine), low, high))
            expected = named.get(_EXPECTED + suffix, expected)
        if found:
            words = f"theory {numbers.fixed(expected, 2)}°" if expected is not None else ""
            number = suffix.removeprefix("_")
            caption = "Begins to slide between" + (f", material {number}" if number else "")
            plot = bracket_plot(found, expected=expected, expected_name=words, title=caption, unit="°")
            drawn.append(tag("div", tag("div", caption, class_="caption"), plot))
    return [tag("div", drawn, class_="plots")] if drawn else []


def _measures(runs: list[RolloutResult]) -> Markup | None:
    names = list(dict.fromkeys(m.name for r in runs for m in r.measures))
    if not names:
        return None
    head = tag(
        "tr", tag("th", "measure"), [tag("th", ENGINES.get(run.engine, run.engine), class_="right") for run in runs]
    )
    rows = []
    for name in names:
        cells = [tag("td", _value(run, name), class_="num right") for run in runs]
        rows.append(tag("tr", tag("td", name.replace("_", " ")), cells))
    seconds = tag("tr", tag("td", "wall time"), [tag("td", f"{r.seconds:.1f} s", class_="num right") for r in runs])
    return tag("table", tag("thead", head), tag("tbody", rows, seconds), class_="measures")


def _value(run: RolloutResult, name: str) -> str:
    measure = next((m for m in run.measures if m.name == name), None)
    return numbers.quantity(measure.value, measure.unit, 4) if measure else "–"
