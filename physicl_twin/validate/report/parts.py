"""The table of parts: the panel's rows, with every figure and its spread."""

from __future__ import annotations

from physicl_twin.model import Estimate, Material, Part, Twin
from physicl_twin.page import numbers
from physicl_twin.page.markup import Child, Markup, join, named, tag
from physicl_twin.page.style import icon

#: Parts in the table; the heaviest come first to be kept, their order is the twin's.
LISTED_PARTS = 150


def cell(label: str, *children: Child, class_: str = "") -> Markup:
    """A table cell that carries its column's name for narrow screens."""
    return tag("td", tag("div", *children), data_label=label, class_=class_ or None)


def parts_table(twin: Twin) -> Markup:
    """Part, material with alternatives, density, mass, friction, collider and error."""
    chosen = set(sorted(range(len(twin.parts)), key=lambda i: -(_mass(twin.parts[i]) or 0))[:LISTED_PARTS])
    rows = [_row(twin, part) for i, part in enumerate(twin.parts) if i in chosen]
    head = tag(
        "tr",
        tag("th", "part"),
        tag("th", "material"),
        *(
            tag("th", words, class_="right")
            for words in ("density kg/m³", "mass kg", "friction µs / µk", "collider · mean error")
        ),
    )
    rest = len(twin.parts) - len(rows)
    more = tag("p", f"And {rest} lighter parts in twin.json.", class_="muted") if rest else None
    return join(tag("div", tag("table", tag("thead", head), tag("tbody", rows), class_="stack"), class_="table"), more)


def _mass(part: Part) -> float | None:
    return part.mass.value if part.mass else None


def _row(twin: Twin, part: Part) -> Markup:
    material = next((m for m in twin.materials if m.name == part.material), None)
    return tag(
        "tr",
        cell("part", named(part.name, 36), class_="head"),
        cell("material", *_material(material), *_inside(part)),
        cell("density kg/m³", _pair(material.density if material else None), class_="num right"),
        cell("mass kg", _pair(part.mass) if part.visible else "only collides", class_="num right"),
        cell("friction µs / µk", _friction(material), class_="num right"),
        cell("collider · mean error", _collider(part) if part.collides else "only seen", class_="right"),
    )


def _pair(item: Estimate | None) -> str:
    return numbers.figures(item) if item else "not known"


def _friction(material: Material | None) -> str:
    if material is None:
        return "not known"
    static, dynamic = material.static_friction, material.dynamic_friction
    return f"{numbers.figures(static)} / {numbers.figures(dynamic)}"


def _material(material: Material | None) -> list[Markup]:
    if material is None:
        return [tag("span", icon("warning"), "none", class_="flag")]
    content = [tag("span", material.title)]
    content += [flag(name) for name in material.flags if name != "several_materials"]
    if material.alternatives:
        other = " · ".join(
            f"{a.material.replace('_', ' ')} {100 * a.probability:.0f} %" for a in material.alternatives[:3]
        )
        content.append(tag("span", f"or {other}", class_="sub"))
    return content


def _inside(part: Part) -> list[Markup]:
    """What the part holds, where that is not its material throughout."""
    if part.makeup is None:
        return []
    words = {"solid": "solid", "shell": "empty inside", "filled": "filled", "assembly": "an assembly"}
    said = ", ".join(f"{words[kind]} {100 * p:.0f} %" for kind, p in part.makeup.kinds() if p >= 0.05)
    return [tag("span", said, class_="sub")]


def flag(name: str) -> Markup:
    """A flag as icon and words."""
    return tag("span", icon("warning"), name.replace("_", " "), class_="flag")


def _collider(part: Part) -> str:
    if part.collision is None:
        return "none"
    fit, kinds = part.collision.fit, {c.kind for c in part.collision.colliders}
    kind = next(iter(kinds)) if len(kinds) == 1 else "shape"
    count = len(part.collision.colliders)
    shape = kind if count == 1 else f"{count} {kind}{'es' if kind.endswith('x') else 's'}"
    extra = " + SDF" if part.collision.method == "sdf" else ""
    return f"{shape}{extra} · {numbers.fit_error(fit.mean_m)}"
