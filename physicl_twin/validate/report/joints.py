"""The joints in the report: how the mechanism hangs together, each joint with its reasons, what waits for decisions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from physicl_twin.model import Articulation, Drive, Estimate, Evidence, Joint, Proposal, Twin
from physicl_twin.normalize.dynamics.tree import NO_PARENT, Link, Tree, tree_of
from physicl_twin.page import numbers
from physicl_twin.page.markup import Markup, join, named, tag
from physicl_twin.page.style import icon
from physicl_twin.validate.report.parts import cell

#: Joints in the table, and bodies in the tree; the rest is counted.
LISTED_JOINTS, LISTED_LINKS = 120, 160
#: Names of pairs that do not collide, listed for each reason.
_LISTED_PAIRS = 6
_REASONS = {
    "stated": "as the source states",
    "adjacent": "neighbours at a joint",
    "overlap": "overlap as they stand",
}


def joints_section(twin: Twin | None) -> tuple[Markup, ...]:
    """Everything about joints; nothing for a twin that has none and proposes none."""
    if twin is None or not (twin.joints or twin.proposals):
        return ()
    blocks: list[Markup] = []
    if twin.joints:
        tree = tree_of(twin)
        blocks.append(_facts(twin, twin.articulation or Articulation()))
        blocks.append(_tree(twin, tree))
        blocks.append(_table(twin, twin.joints))
        if twin.articulation is not None and twin.articulation.filters:
            blocks.append(_filters(twin.articulation))
    if twin.proposals:
        blocks += [tag("h3", "Joints that wait for a decision", class_="gap"), _proposals(twin, twin.proposals)]
    return tuple(blocks)


# --- the mechanism as a whole ----------------------------------------------------------------------------------------


def _facts(twin: Twin, told: Articulation) -> Markup:
    """Cards: kind, base, joints, followers and loops, solver."""
    moving = [joint for joint in twin.joints if joint.type != "fixed"]
    driven = sum(joint.drive is not None for joint in moving)
    followers = sum(joint.mimic is not None for joint in moving)
    loops = sum(joint.closes_loop for joint in twin.joints)
    counts = [f"{len(twin.joints) - len(moving)} fixed", f"{driven} driven"]
    counts += [f"{followers} follow others"] if followers else []
    counts += [f"{loops} close loops"] if loops else []
    stands = "fixed in the world" if told.fixed else "stands free"
    inferred = any(note.code == "inferred_base" for note in twin.notes)
    cards = [
        ("mechanism", told.kind, f"root {told.root or 'not chosen'}"),
        ("base", stands, "inferred, please confirm" if inferred else "as the source states"),
        ("joints", f"{len(moving)} move", " · ".join(counts)),
        (
            "pairs that do not collide",
            str(len(told.filters)),
            "self-collision on" if told.self_collision else "self-collision off",
        ),
        ("solver", f"{told.position_iterations or 'usual'} iterations", "of the position solver"),
    ]
    shown = [
        tag(
            "div",
            tag("span", title, class_="caption"),
            tag("b", value),
            tag("span", sub, class_="caption"),
            class_="card",
        )
        for title, value, sub in cards
    ]
    why = tag("div", tag("b", "Why"), _why(told.evidence), class_="card whys") if told.evidence else None
    return join(tag("div", shown, class_="cards"), why)


def _tree(twin: Twin, tree: Tree) -> Markup:
    """The kinematic tree as nested lists: each body below what it hangs on, with the joint that holds it."""
    children: dict[int, list[Link]] = {}
    for link in tree.links:
        children.setdefault(link.parent, []).append(link)
    left = [LISTED_LINKS]

    def item(link: Link) -> Markup | None:
        if left[0] <= 0:
            return None
        left[0] -= 1
        body = twin.bodies[link.body]
        words = [tag("span", named(body.name, 40), class_="link")]
        if link.joint is not None:
            words.insert(0, _badge(link.joint))
        mass = "never moves" if body.static else numbers.estimate(body.mass) if body.mass is not None else "no mass"
        words.append(tag("span", mass, class_="caption num"))
        below = [made for child in children.get(link.body, ()) if (made := item(child)) is not None]
        return tag("li", tag("div", words, class_="node"), tag("ul", below) if below else None)

    roots = children.get(NO_PARENT, [])
    held = [item(link) for link in roots if link.joint is not None]
    free = [item(link) for link in roots if link.joint is None]
    shown: list[Markup | None] = []
    if any(held):
        world = tag("div", tag("span", "world", class_="link muted"), class_="node")
        shown.append(tag("li", world, tag("ul", held)))
    shown += free
    rest = len(tree.links) - (LISTED_LINKS - left[0])
    more = tag("p", f"And {rest} more bodies in twin.json.", class_="muted") if rest else None
    return tag("div", tag("ul", shown, class_="tree"), more, class_="card")


def _badge(joint: Joint) -> Markup:
    """A joint in the tree: its sign and its name."""
    label = joint.name if joint.type != "fixed" else "fixed"
    return tag(
        "span", _sign(joint.type), named(label, 32), class_=f"joint {joint.type}", title=f"{joint.type} {joint.name}"
    )


_SIGNS = {
    "revolute": "M13 8a5 5 0 1 1-1.6-3.7M13 2.2v3h-3",
    "prismatic": "M2 8h12M11 5l3 3-3 3M5 5L2 8l3 3",
    "spherical": "M8 3a5 5 0 1 0 0 10a5 5 0 1 0 0-10M3.3 8h9.4M8 3v10",
    "fixed": "M4 4h8v8H4z",
}


def _sign(kind: str) -> Markup:
    path = tag(
        "path", d=_SIGNS[kind], fill="none", stroke="currentColor", stroke_width="1.6", stroke_linecap="round",
        stroke_linejoin="round",
    )  # fmt: skip
    return tag("svg", path, viewBox="0 0 16 16", class_="icon", aria_hidden="true")


# --- joint by joint --------------------------------------------------------------------------------------------------


def _table(twin: Twin, joints: Sequence[Joint]) -> Markup:
    """Moving joints first in the twin's order, fixed ones in a folded list."""
    moving = [joint for joint in joints if joint.type != "fixed"]
    fixed = [joint for joint in joints if joint.type == "fixed"]
    rows = [_row(twin, joint) for joint in moving[:LISTED_JOINTS]]
    head = tag("tr", *(tag("th", word) for word in ("joint", "axis", "range", "resists", "drive", "why")))
    table = tag("div", tag("table", tag("thead", head), tag("tbody", rows), class_="stack joints"), class_="table")
    rest = len(moving) - len(rows)
    more = tag("p", f"And {rest} more joints in twin.json.", class_="muted") if rest > 0 else None
    names = ", ".join(f"{j.body1} to {j.body0 or 'the world'}" for j in fixed[:LISTED_JOINTS])
    folded = None
    if fixed:
        summary = tag("summary", "Fixed joints", tag("span", str(len(fixed)), class_="caption"))
        folded = tag("details", summary, tag("p", f"{names}.", class_="inset muted"))
    return join(tag("div", table if rows else None, more, folded, class_="gap"))


def _row(twin: Twin, joint: Joint) -> Markup:
    between = f"{joint.body0 or 'world'} → {joint.body1}"
    kind = tag("span", _sign(joint.type), joint.type, class_=f"joint {joint.type}")
    about = [joint.role] if joint.role else []
    if joint.mimic is not None:
        offset = f" + {coordinate(joint, joint.mimic.offset)}" if joint.mimic.offset else ""
        about.append(f"follows {joint.mimic.joint} × {joint.mimic.multiplier:g}{offset}")
    if joint.closes_loop:
        about.append("closes a loop")
    if joint.probability < 1:
        about.append(f"{100 * joint.probability:.0f} % sure")
    return tag(
        "tr",
        cell("joint", named(joint.name, 32), tag("span", kind, *(f" · {w}" for w in about), class_="sub"),
             tag("span", between, class_="sub"), class_="head"),
        cell("axis", *_axis(twin, joint), class_="num"),
        cell("range", *_range(joint)),
        cell("resists", _lines(_resistance(joint))),
        cell("drive", _lines(_drive(joint))),
        cell("why", _why(_reasons(joint)), class_="wide"),
    )  # fmt: skip


def coordinate(joint: Joint, value: float | None) -> str:
    """A coordinate in degrees or millimetres; ``free`` for no limit."""
    if value is None:
        return "free"
    if joint.type == "prismatic":
        return f"{numbers.significant(1e3 * value, 4)} mm"
    return f"{numbers.significant(math.degrees(value), 4)}°"


def _axis(twin: Twin, joint: Joint) -> list[Markup]:
    """Direction of the axis, and a point on it, in the twin's frame."""
    pose = next((body.pose for body in twin.bodies if body.name == joint.body0), None)
    frame = joint.pose0.matrix() if pose is None else pose.matrix() @ joint.pose0.matrix()
    axis, point = frame[:3, "xyz".index(joint.axis)], frame[:3, 3]
    words = [tag("span", _direction(axis))] if joint.type != "spherical" else []
    place = ", ".join(numbers.fixed(1e3 * float(v), 1) for v in point)
    return [*words, tag("span", f"at {place} mm", class_="sub")]


def _direction(axis: Iterable[float]) -> str:
    """``+z`` for an axis of the twin, else three numbers."""
    values = [float(v) for v in axis]
    for index, name in enumerate("xyz"):
        if abs(abs(values[index]) - 1) < 1e-6:
            return f"{'+' if values[index] > 0 else '−'}{name}"
    return ", ".join(numbers.fixed(v, 3) for v in values)


def _range(joint: Joint) -> list[Markup]:
    """The range as a bar with the place where it stands, and in words."""
    words = f"{coordinate(joint, joint.lower)} to {coordinate(joint, joint.upper)}"
    if joint.type == "spherical":
        words = "free" if joint.upper is None else f"cone of {coordinate(joint, joint.upper)}"
        return [tag("span", words, class_="num")]
    if joint.lower is None and joint.upper is None:
        words = "free"
    stands = tag("span", f"stands at {coordinate(joint, joint.position)}", class_="sub num")
    return [*_bar(joint), tag("span", words, class_="num"), stands]


def _bar(joint: Joint) -> list[Markup]:
    """A line between the limits with a dot where the bodies stand; nothing without limits."""
    low, high = joint.lower, joint.upper
    if low is None or high is None or not low < high:
        return []
    at = min(1.0, max(0.0, (joint.position - low) / (high - low)))
    parts = [
        tag("line", x1="4", y1="6", x2="116", y2="6", class_="way"),
        tag("circle", cx=f"{4 + 112 * at:.1f}", cy="6", r="4", class_="here"),
    ]
    if low < 0 < high:
        zero = 4 + 112 * (-low / (high - low))
        parts.insert(1, tag("line", x1=f"{zero:.1f}", y1="2", x2=f"{zero:.1f}", y2="10", class_="zero"))
    ends = f"range from {coordinate(joint, low)} to {coordinate(joint, high)}"
    label = f"{ends}, stands at {coordinate(joint, joint.position)}"
    return [tag("svg", parts, viewBox="0 0 120 12", class_="range", role="img", aria_label=label)]


def _resistance(joint: Joint) -> list[tuple[str, Estimate | None]]:
    return [
        ("friction", joint.friction),
        ("damping", joint.damping),
        ("spring", joint.stiffness),
        ("armature", joint.armature),
    ]


def _drive(joint: Joint) -> list[tuple[str, Estimate | None]]:
    drive: Drive | None = joint.drive
    force = joint.max_force if drive is None else drive.max_force or joint.max_force
    listed: list[tuple[str, Estimate | None]] = []
    if drive is not None:
        listed += [(f"{drive.mode}: stiffness", drive.stiffness), ("damping", drive.damping)]
    return [*listed, ("at most", force), ("speed at most", joint.max_velocity)]


def _lines(listed: list[tuple[str, Estimate | None]]) -> Markup:
    """Estimates one under the other: name, value, and the interval on hover."""
    shown = []
    for name, item in listed:
        if item is None:
            continue
        value = tag(
            "span", numbers.estimate(item), class_="num", title=f"90 %: {numbers.interval(item)}; {item.method}"
        )
        assumed = "joint_prior" in item.flags or "derived_gains" in item.flags
        mark = tag("span", ", assumed", class_="assumed") if assumed else None
        shown.append(tag("div", tag("span", name, mark, class_="caption"), value, class_="line"))
    return join(shown) if shown else tag("span", "none", class_="muted")


def _reasons(joint: Joint) -> tuple[Evidence, ...]:
    """Why the joint is there, then the first reason of each number."""
    listed = list(joint.evidence)
    told = [joint.friction, joint.damping, joint.armature, joint.drive.stiffness if joint.drive is not None else None]
    listed += [item.evidence[0] for item in told if item is not None and item.evidence]
    seen: dict[str, Evidence] = {}
    for item in listed:
        seen.setdefault(item.statement, item)
    return tuple(seen.values())


def _why(evidence: tuple[Evidence, ...]) -> Markup:
    items = []
    for item in evidence:
        told = "" if item.source.startswith("physicl_twin.") else " · ".join(s for s in (item.source, item.field) if s)
        items.append(tag("li", item.statement, tag("span", f" [{told}]", class_="src") if told else None))
    return tag("ul", items, class_="why") if items else tag("span", "", class_="muted")


# --- what does not collide, what waits -------------------------------------------------------------------------------


def _filters(told: Articulation) -> Markup:
    """Pairs of bodies that do not collide, by reason, folded."""
    rows = []
    for reason, words in _REASONS.items():
        pairs = [pair for pair in told.filters if pair.reason == reason]
        if not pairs:
            continue
        listed = ", ".join(f"{p.body0} – {p.body1}" for p in pairs[:_LISTED_PAIRS])
        more = f" and {len(pairs) - _LISTED_PAIRS} more" if len(pairs) > _LISTED_PAIRS else ""
        rows.append(tag("tr", tag("td", words, class_="head"), tag("td", f"{listed}{more}", class_="wide")))
    summary = tag("summary", "Pairs that do not collide", tag("span", str(len(told.filters)), class_="caption"))
    return tag("details", summary, tag("div", tag("table", tag("tbody", rows)), class_="table"))


def _proposals(twin: Twin, proposals: Sequence[Proposal]) -> Markup:
    """Likely joints, likeliest first, with what would move and what they rule out."""
    ordered = sorted(proposals, key=lambda proposal: -proposal.joint.probability)
    rows = []
    for proposal in ordered[:LISTED_JOINTS]:
        joint = proposal.joint
        moves = ", ".join(proposal.parts[:4]) + (
            f" and {len(proposal.parts) - 4} more" if len(proposal.parts) > 4 else ""
        )
        rules_out = f"rules out {', '.join(proposal.excludes[:4])}" if proposal.excludes else ""
        kind = tag("span", _sign(joint.type), joint.type, class_=f"joint {joint.type}")
        rows.append(
            tag(
                "tr",
                cell("joint", icon("warning"), " ", named(joint.name, 32),
                     tag("span", kind, f" · {joint.role}" if joint.role else None, class_="sub"), class_="head"),
                cell("probability", f"{100 * joint.probability:.0f} %", class_="num"),
                cell("moves", moves or joint.body1, tag("span", rules_out, class_="sub") if rules_out else None),
                cell("axis", *_axis(twin, joint), class_="num"),
                cell("range", *_range(joint)),
                cell("why", _why(joint.evidence), class_="wide"),
            )
        )  # fmt: skip
    head = tag("tr", *(tag("th", word) for word in ("joint", "probability", "moves", "axis", "range", "why")))
    table = tag("div", tag("table", tag("thead", head), tag("tbody", rows), class_="stack joints"), class_="table")
    hint = (
        "Decide in the panel, or with a statement about the joint when it is built again. Nothing of these is authored."
    )
    return join(tag("p", hint, class_="muted"), table)
