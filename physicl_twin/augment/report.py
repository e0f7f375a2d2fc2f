"""coverage.html and contact_sheet.jpg of a set."""

from __future__ import annotations

import base64
import io
from collections import Counter
from pathlib import Path

import numpy as np

from physicl_twin.augment.coverage import (
    LOOKED_AT,
    Axis,
    Marginal,
    axes,
    closest_tie,
    duplicates,
    evenness,
    marginals,
    places,
    views,
)
from physicl_twin.augment.family import Family
from physicl_twin.augment.table import column, read_first, read_spread, rests
from physicl_twin.model.geometry import FloatArray
from physicl_twin.page.markup import Markup, elide, join, named, tag
from physicl_twin.page.numbers import significant
from physicl_twin.page.style import css
from physicl_twin.usd.variation_set import read_set

#: Pictures on the contact sheet.
PICTURES = 12
#: Points of a scatter plot, and bars of a histogram.
_POINTS, _BARS = 2500, 24
#: Members whose values are looked at one by one.
_MEMBERS = 4096
_WIDTH, _HEIGHT = 300.0, 120.0
#: Axes of the matrix of pairs, its cells, and the points of one.
_AXES, _CELL, _FEW = 8, 104.0, 400

_REASONS = {
    "penetration": "colliders overlapped too deep",
    "still_moving": "something still moved at the end",
    "moves_in_mujoco": "what rests in PhysX did not come to rest in MuJoCo",
    "engines_disagree": "PhysX and MuJoCo found no rest in common",
    "left_support": "an object left the support",
    "occlusion": "the target was hidden too much or too little",
    "target_left_out": "the occlusion target was not there",
}


def write_report(family: Family, out: Path) -> None:
    """Write ``coverage.html`` and ``contact_sheet.jpg`` of a finished set."""
    table = out / "manifest.parquet"
    shared = read_set(out)
    step = max(1, len(shared.members) // PICTURES)
    from physicl_twin.augment.pictures import contact_sheet

    sheet = contact_sheet(out, shared, shared.members[::step][:PICTURES])
    sheet.save(out / "contact_sheet.jpg", quality=88)
    buffer = io.BytesIO()
    sheet.save(buffer, "JPEG", quality=80)
    picture = "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
    page = _page(family, shared.name, table, picture)
    (out / "coverage.html").write_text(page, encoding="utf-8")


def _page(family: Family, name: str, table: Path, picture: str) -> str:
    accepted = read_spread(table, _MEMBERS)
    spanned = axes(family, accepted)
    body = tag(
        "main",
        tag("h1", f"{name}: what the variations cover"),
        tag("p", _sentence(family, len(accepted), table), class_="muted"),
        _cards(table),
        _section("A look at some", tag("figure", tag("img", src=picture, alt="Pictures of members of the set"))),
        _section("Draws that were rejected", _rejections(table)),
        _section(
            "Pairs",
            _ties(spanned, axes(family, read_first(table, LOOKED_AT))),
            tag(
                "div",
                _scatter("Where objects rest", "x", "y", places(accepted), "m", square=True),
                _scatter("Where cameras stand", "azimuth", "elevation", views(accepted), "°"),
                class_="pictures",
            ),
            _matrix(spanned[:_AXES]),
        ),
        _section("Each property", _marginals(marginals(family, accepted))),
        tag("footer", "Made by physicl_twin. Every number is in manifest.parquet, a row a variation."),
    )
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", f"{name}: coverage"),
        tag("style", Markup(css() + _CSS)),
    )
    return "<!doctype html>\n" + tag("html", head, tag("body", body), lang="en") + "\n"


_CSS = (
    ".hist{fill:var(--second)}.dot{fill:var(--second);fill-opacity:.45}.frame{fill:none;stroke:var(--line)}"
    ".plots{display:grid;grid-template-columns:repeat(auto-fill,minmax(300px,1fr));gap:8px}"
    ".plots .card svg{width:100%;height:auto;display:block}.plots .card text,.pictures text{fill:var(--muted);"
    "font-size:11px}.matrix{max-width:1000px;width:100%;height:auto}.matrix text{fill:var(--muted);font-size:11px}"
    ".dots{stroke:var(--second);stroke-width:2.2;stroke-linecap:round;stroke-opacity:.5;fill:none}"
    ".plots h3{margin:0 0 2px;font-size:13px}"
)


def _sentence(family: Family, shown: int, table: Path) -> str:
    where = "in a bin" if family.support.kind == "bin" else "on a plane"
    length, width, _ = family.support.inner_m
    return (
        f"{len(family.instances)} objects of {len(family.members)} twins {where} of {length:.3g} by {width:.3g} m; "
        f"seed {family.seed}, design {family.spec.design}."
    ) + (
        f" Pairs and properties below are those of {shown} accepted members, spread evenly over all."
        if shown < int(column(table, "accepted").sum())
        else ""
    )


def _section(title: str, *content: Markup) -> Markup:
    return tag("section", tag("h2", title), join(*content))


def _cards(table: Path) -> Markup:
    good = column(table, "accepted")
    draws = int(column(table, "attempts").sum())
    depth, moved, seconds = (column(table, name)[good] for name in ("overlap_m", "moved_m", "settle_s"))
    cards = [
        ("accepted", f"{good.sum()} of {len(good)}", f"{draws} draws"),
        ("deepest overlap", f"{1e3 * depth.max():.2f} mm", f"median {1e3 * np.median(depth):.2f} mm, by MuJoCo"),
        ("largest movement when woken", f"{1e3 * moved.max():.2f} mm", "all at once, in PhysX; they start asleep"),
        ("time to settle", f"{np.median(seconds):.2f} s", f"median; longest {seconds.max():.2f} s, simulated"),
        ("duplicates", str(duplicates(rests(table))), "members that rest like an earlier one"),
    ]
    return tag(
        "div",
        [
            tag(
                "div",
                tag("span", title, class_="caption"),
                tag("b", value),
                tag("span", note, class_="caption"),
                class_="card",
            )
            for title, value, note in cards
        ],
        class_="cards",
    )


def _rejections(table: Path) -> Markup:
    reasons = Counter(reason for of_member in column(table, "reasons") for reason in of_member)
    if not reasons:
        return tag("p", "None: every first draw was accepted.", class_="muted")
    draws = int(column(table, "attempts").sum())
    lines = [
        tag("tr", tag("td", _REASONS.get(reason, reason)), tag("td", str(number), class_="num right"),
            tag("td", f"{100 * number / draws:.2g} %", class_="num right"))
        for reason, number in reasons.most_common()
    ]  # fmt: skip
    head = tag("tr", tag("th", "why"), tag("th", "draws", class_="right"), tag("th", "of all draws", class_="right"))
    return tag("div", tag("table", tag("thead", head), tag("tbody", lines)), class_="table")


def _ties(found: list[Axis], first: list[Axis]) -> Markup:
    """What the pairs say, in two sentences."""
    said = []
    even, tie = evenness(first), closest_tie(found)
    if even is not None:
        said.append(
            f"{len(found)} properties with a value each a member span the set. Centred discrepancy of the "
            f"first {even.members} members: {even.found:.3g}; of as many random points {even.random:.3g}, so this is "
            f"{even.found / even.random:.2f} times as uneven."
        )
    if tie is not None:
        verdict = "no more than" if abs(tie.correlation) <= tie.chance else "more than"
        said.append(
            f"Closest tie: {tie.first} and {tie.second}, rank correlation {tie.correlation:+.2f}, {verdict} chance "
            f"gives among all pairs ({tie.chance:.2f})."
        )
    return tag("p", " ".join(said), class_="muted")


def _matrix(found: list[Axis]) -> Markup:
    """Each axis against each, by its share of what was asked for: an even cell is an even pair."""
    if len(found) < 2:
        return join()
    step = max(1, len(found[0].shares) // _FEW)
    inner, left = _CELL - 8.0, 150.0
    content = []
    for row, vertical in enumerate(found[1:], 1):
        top = (row - 1) * _CELL
        content.append(tag("text", elide(vertical.title, 22), x=f"{left - 8:g}", y=f"{top + _CELL / 2:g}",
                           text_anchor="end"))  # fmt: skip
        for place, across in enumerate(found[:row]):
            x = left + place * _CELL + inner * across.shares[::step][:_FEW]
            y = top + inner * (1.0 - vertical.shares[::step][:_FEW])
            points = "".join(f"M{a:.1f} {b:.1f}h0" for a, b in zip(x, y, strict=True))
            content.append(
                tag("rect", x=f"{left + place * _CELL:g}", y=f"{top:g}", width=f"{inner:g}", height=f"{inner:g}",
                    class_="frame")
            )  # fmt: skip
            content.append(tag("path", d=points, class_="dots"))
    bottom = (len(found) - 1) * _CELL + 10.0
    for place, across in enumerate(found[:-1]):
        content.append(tag("text", elide(across.title, 16), x=f"{left + place * _CELL:g}", y=f"{bottom:g}"))
    size = f"0 0 {left + (len(found) - 1) * _CELL:g} {bottom + 8:g}"
    svg = tag("svg", content, viewBox=size, role="img", aria_label="Pairs of properties", class_="matrix")
    caption = tag(
        "figcaption", tag("b", "Each property against each"), ", from the least to the most that was asked for."
    )
    return tag("figure", svg, caption)


def _marginals(found: list[Marginal]) -> Markup:
    return tag("div", [_histogram(one) for one in found], class_="plots")


def _histogram(one: Marginal) -> Markup:
    low, high = float(one.values.min()), float(one.values.max())
    counts, _ = np.histogram(one.values, bins=_BARS, range=(low, high))
    bar = (_WIDTH - 20.0) / _BARS
    top = max(int(counts.max()), 1)
    bars = [
        tag("rect", x=f"{10 + index * bar:.1f}", y=f"{100 - 88 * count / top:.1f}", width=f"{bar - 1:.1f}",
            height=f"{88 * count / top:.1f}", class_="hist")
        for index, count in enumerate(counts)
    ]  # fmt: skip
    top_label = f"{significant(high, 3)} {one.unit}".removesuffix(" 1")
    labels = [
        tag("text", significant(low, 3), x="10", y="114"),
        tag("text", top_label, x=f"{_WIDTH - 10:.0f}", y="114", text_anchor="end"),
    ]
    note = "no distribution asked for"
    if one.distance is not None:
        verdict = "as asked for" if one.distance <= one.even else "differs from what was asked for"
        note = f"{verdict}: largest gap {100 * one.distance:.1f} % (random draws: below {100 * one.even:.1f} %)"
    return tag(
        "div",
        named(one.title, 44, "h3"),
        tag("svg", bars, labels, viewBox=f"0 0 {_WIDTH:g} {_HEIGHT:g}", role="img", aria_label=one.title),
        tag("span", note, class_="caption"),
        class_="card",
    )


def _scatter(title: str, x_name: str, y_name: str, points: FloatArray, unit: str, *, square: bool = False) -> Markup:
    if not len(points):
        return tag("p", "Nothing to draw.", class_="muted")
    chosen = points[:: max(1, len(points) // _POINTS)]
    low, high = chosen.min(axis=0), chosen.max(axis=0)
    span = np.maximum(high - low, 1e-9)
    width, height = 420.0, 280.0
    scale = np.array([(width - 60) / span[0], (height - 50) / span[1]])
    if square:
        scale[:] = scale.min()
    middle = 0.5 * (low + high)
    at = np.array([width / 2 + 10, height / 2 - 8]) + (chosen - middle) * scale * [1, -1]
    dots = [tag("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r="1.6", class_="dot") for x, y in at]
    labels = [
        tag("text", f"{significant(float(low[0]), 3)}", x="36", y=f"{height - 6:.0f}"),
        tag("text", f"{x_name} {significant(float(high[0]), 3)} {unit}", x=f"{width - 14:.0f}", y=f"{height - 6:.0f}",
            text_anchor="end"),
        tag("text", f"{y_name} {significant(float(high[1]), 3)} {unit}", x="6", y="12"),
        tag("text", significant(float(low[1]), 3), x="6", y=f"{height - 24:.0f}"),
    ]  # fmt: skip
    svg = tag("svg", dots, labels, viewBox=f"0 0 {width:g} {height:g}", role="img", aria_label=title)
    shown = f" {len(chosen)} of {len(points)}." if len(chosen) < len(points) else ""
    return tag("figure", svg, tag("figcaption", tag("b", title), shown))
