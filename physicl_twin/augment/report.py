"""coverage.html and contact_sheet.jpg of a set."""

from __future__ import annotations

import base64
import io
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from physicl_twin.augment.coverage import Marginal, duplicates, marginals, places, views
from physicl_twin.augment.family import Family
from physicl_twin.augment.table import read_rows
from physicl_twin.model.geometry import FloatArray
from physicl_twin.page.markup import Markup, join, named, tag
from physicl_twin.page.numbers import significant
from physicl_twin.page.style import css
from physicl_twin.usd.variation_set import read_set

#: Pictures on the contact sheet.
PICTURES = 12
#: Points of a scatter plot, and bars of a histogram.
_POINTS, _BARS = 2500, 24
_WIDTH, _HEIGHT = 300.0, 120.0

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
    rows = read_rows(out / "manifest.parquet")
    accepted = [row for row in rows if row["accepted"]]
    shared = read_set(out)
    step = max(1, len(shared.members) // PICTURES)
    from physicl_twin.augment.pictures import contact_sheet

    sheet = contact_sheet(out, shared, shared.members[::step][:PICTURES])
    sheet.save(out / "contact_sheet.jpg", quality=88)
    buffer = io.BytesIO()
    sheet.save(buffer, "JPEG", quality=80)
    picture = "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
    page = _page(family, shared.name, rows, accepted, picture)
    (out / "coverage.html").write_text(page, encoding="utf-8")


def _page(family: Family, name: str, rows: list[dict[str, Any]], accepted: list[dict[str, Any]], picture: str) -> str:
    body = tag(
        "main",
        tag("h1", f"{name}: what the variations cover"),
        tag("p", _sentence(family, rows, accepted), class_="muted"),
        _cards(rows, accepted),
        _section("A look at some", tag("figure", tag("img", src=picture, alt="Pictures of members of the set"))),
        _section("Draws that were rejected", _rejections(rows)),
        _section(
            "Pairs",
            tag(
                "div",
                _scatter("Where objects rest", "x", "y", places(accepted), "m", square=True),
                _scatter("Where cameras stand", "azimuth", "elevation", views(accepted), "°"),
                class_="pictures",
            ),
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
    "font-size:11px}.plots h3{margin:0 0 2px;font-size:13px}"
)


def _sentence(family: Family, rows: list[dict[str, Any]], accepted: list[dict[str, Any]]) -> str:
    where = "in a bin" if family.support.kind == "bin" else "on a plane"
    length, width, _ = family.support.inner_m
    return (
        f"{len(family.instances)} objects of {len(family.members)} twins {where} of {length:.3g} by {width:.3g} m; "
        f"seed {family.seed}, design {family.spec.design}."
    )


def _section(title: str, *content: Markup) -> Markup:
    return tag("section", tag("h2", title), join(*content))


def _cards(rows: list[dict[str, Any]], accepted: list[dict[str, Any]]) -> Markup:
    draws = sum(row["attempts"] for row in rows)
    depth = np.array([row["overlap_m"] for row in accepted])
    moved = np.array([row["moved_m"] for row in accepted])
    seconds = np.array([row["settle_s"] for row in accepted])
    cards = [
        ("accepted", f"{len(accepted)} of {len(rows)}", f"{draws} draws"),
        ("deepest overlap", f"{1e3 * depth.max():.2f} mm", f"median {1e3 * np.median(depth):.2f} mm, by MuJoCo"),
        ("largest movement when woken", f"{1e3 * moved.max():.2f} mm", "all at once, in PhysX; they start asleep"),
        ("time to settle", f"{np.median(seconds):.2f} s", f"median; longest {seconds.max():.2f} s, simulated"),
        ("duplicates", str(duplicates(accepted)), "members that rest like an earlier one"),
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


def _rejections(rows: list[dict[str, Any]]) -> Markup:
    reasons = Counter(reason for row in rows for reason in row["reasons"])
    if not reasons:
        return tag("p", "None: every first draw was accepted.", class_="muted")
    draws = sum(row["attempts"] for row in rows)
    lines = [
        tag("tr", tag("td", _REASONS.get(reason, reason)), tag("td", str(number), class_="num right"),
            tag("td", f"{100 * number / draws:.2g} %", class_="num right"))
        for reason, number in reasons.most_common()
    ]  # fmt: skip
    head = tag("tr", tag("th", "why"), tag("th", "draws", class_="right"), tag("th", "of all draws", class_="right"))
    return tag("div", tag("table", tag("thead", head), tag("tbody", lines)), class_="table")


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
