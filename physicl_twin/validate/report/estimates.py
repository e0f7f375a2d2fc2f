"""Every estimate of the twin with its interval, its method and its reasons."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from physicl_twin.model import Decision, Estimate, Evidence, MassProperties, Part, Twin
from physicl_twin.page import numbers
from physicl_twin.page.markup import Markup, join, named, tag
from physicl_twin.validate.report.parts import cell, flag

#: Owners listed; further ones are counted (they are all in twin.json).
LISTED_OWNERS = 220
#: Up to this many owners stand open.
_OPEN_OWNERS = 6


_TITLES = {"youngs_modulus": "Young's modulus", "poissons_ratio": "Poisson's ratio"}


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Attributes:
        quantity: What is estimated.
        value: Printed value with spread and unit.
        interval: Printed 90 % interval.
        method: In a few words.
        evidence: Reasons.
        flags: Warnings.
    """

    quantity: str
    value: str
    interval: str
    method: str
    evidence: tuple[Evidence, ...]
    flags: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Owner:
    """What a group of estimates belongs to."""

    kind: str
    name: str
    rows: tuple[Row, ...]


def owners(twin: Twin) -> Iterator[Owner]:
    """All estimates and decisions, grouped: source, bodies, joints, materials, parts, shapes."""
    frame = (_decision("unit of length", twin.frame.units), _decision("up axis", twin.frame.up_axis))
    meaning: tuple[Row, ...] = ()
    if twin.semantics:
        said = twin.semantics
        meaning = (Row("class", f"{said.label} ({said.qcode})", "", "from names", said.evidence),)
    yield Owner("source", twin.sources[0].name if twin.sources else twin.name, frame + meaning)
    for body in twin.bodies:
        if body.mass_properties:
            yield Owner("body", body.name, tuple(_mass_rows(body.mass_properties)))
    for joint in twin.joints:
        drive = tuple(_fields(joint.drive, "drive ")) if joint.drive is not None else ()
        if told := (*_fields(joint), *drive):
            yield Owner("joint", joint.name, told)
    for material in twin.materials:
        yield Owner("material", material.title or material.name, tuple(_fields(material)))
    for part in twin.parts:
        rows = [*_fields(part), *_fields(part.hints, "stated "), *_makeup_rows(part), *_collision_rows(part)]
        if rows:
            yield Owner("part", part.name, tuple(rows))
    for shape in twin.shapes:
        rows = [_row(label, s.volume) for label, s in (("volume", shape.solid), ("volume in CAD", shape.brep)) if s]
        if rows:
            yield Owner("shape", shape.name, tuple(rows))


def _fields(item: object, prefix: str = "") -> Iterator[Row]:
    for field in dataclasses.fields(item):  # type: ignore[arg-type]
        value = getattr(item, field.name)
        if isinstance(value, Estimate):
            yield _row(
                prefix + field.name.replace("_", " ").replace("youngs", "Young's").replace("poissons", "Poisson's"),
                value,
            )


def _row(quantity: str, item: Estimate) -> Row:
    return Row(quantity, numbers.estimate(item), numbers.interval(item), item.method, item.evidence, item.flags)


def _decision(quantity: str, item: Decision) -> Row:
    other = ", ".join(f"{v} {100 * p:.2g} %" for v, p in item.alternatives[:3] if p >= 0.0005)
    return Row(
        quantity,
        item.value,
        f"{100 * item.probability:.3g} % sure",
        f"or {other}" if other else "",
        item.evidence,
        item.flags,
    )


def _mass_rows(item: MassProperties) -> Iterator[Row]:
    yield _row("mass", item.mass)
    value, spread = numbers.vector(item.com_m, item.com_std_m, "m")
    yield Row("centre of mass", value, f"{spread} (1 σ)", "mass-weighted mean of the parts", item.evidence)
    for i, name in enumerate("xyz"):
        inertia, std = item.inertia_kgm2[i][i], item.inertia_std_kgm2[i][i]
        moment = Estimate.normal(inertia, std, "kg m2", "about the centre of mass", item.evidence)
        yield _row(f"inertia I{name}{name}", moment)


def _makeup_rows(part: Part) -> Iterator[Row]:
    """What is inside: the kinds with their probabilities, and the likeliest possibility's wall and contents."""
    makeup = part.makeup
    if makeup is None:
        return
    kinds = makeup.kinds()
    other = ", ".join(f"{kind} {100 * p:.2g} %" for kind, p in kinds[1:])
    sure = f"{100 * kinds[0][1]:.3g} % sure"
    yield Row("inside", kinds[0][0], sure, f"or {other}" if other else "", makeup.evidence)
    best = makeup.possibilities[0]
    if best.wall_m is not None:
        yield _row(f"wall ({best.wall.lower()})", best.wall_m)
    if best.contents_density is not None:
        yield _row(f"contents ({best.contents.lower()}, {best.level:.0%} full)", best.contents_density)


def _collision_rows(part: object) -> Iterator[Row]:
    collision = part.collision  # type: ignore[attr-defined]
    if collision is None:
        return
    fit = collision.fit
    spread = f"99 % within {numbers.quantity(fit.p99_m, 'm', 2)}"
    tried = "; ".join(f"{c.method}: {numbers.fit_error(c.fit.mean_m)}" for c in collision.candidates)
    reasons = collision.evidence + ((Evidence("geometry", f"Tried: {tried}."),) if tried else ())
    yield Row("collision error", numbers.fit_error(fit.mean_m), spread, f"{collision.method}, measured", reasons)


def estimates_section(twin: Twin) -> Markup:
    """One table a owner; the first ones open."""
    listed = list(owners(twin))
    groups = [_group(owner, index < _OPEN_OWNERS) for index, owner in enumerate(listed[:LISTED_OWNERS])]
    rest = len(listed) - len(groups)
    return join(groups, tag("p", f"And {rest} more in twin.json.", class_="muted") if rest else None)


def _group(owner: Owner, is_open: bool) -> Markup:
    rows = []
    before: tuple[Evidence, ...] = ()
    for row in owner.rows:
        rows.append(
            tag(
                "tr",
                cell("estimate", row.quantity, *(flag(f) for f in row.flags), class_="head"),
                cell("value", row.value, class_="num right"),
                cell("90 % interval", row.interval, class_="num right"),
                cell("method", row.method),
                cell("why", _why(row.evidence, same=bool(before) and row.evidence == before), class_="wide"),
            )
        )
        before = row.evidence or before
    head = tag(
        "tr",
        tag("th", "estimate"),
        tag("th", "value", class_="right"),
        tag("th", "90 % interval", class_="right"),
        tag("th", "method"),
        tag("th", "why"),
    )
    flagged = sum(bool(row.flags) for row in owner.rows)
    words = f"{len(owner.rows)} estimate{'s' if len(owner.rows) != 1 else ''}" + (
        f" · {flagged} to look at" if flagged else ""
    )
    summary = tag("summary", f"{owner.kind} ", named(owner.name, 60), tag("span", words, class_="caption"))
    table = tag("table", tag("thead", head), tag("tbody", rows), class_="stack estimates")
    return tag("details", summary, tag("div", table, class_="table"), open=is_open or flagged > 0)


def _why(evidence: tuple[Evidence, ...], same: bool) -> Markup:
    if same:
        return tag("span", "as above", class_="muted")
    items = []
    for item in evidence:
        source = " · ".join(s for s in (item.source, item.field) if s)
        items.append(tag("li", item.statement, tag("span", f" [{source}]", class_="src") if source else None))
    return tag("ul", items, class_="why") if items else tag("span", "", class_="muted")
