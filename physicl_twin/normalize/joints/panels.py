"""Doors and lids without hardware: a panel before or in an opening, and the edge that it most likely turns about."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.joints.barrels import PARALLEL, at_edges, barrels_of
from physicl_twin.normalize.joints.candidate import Candidate
from physicl_twin.normalize.joints.cylinders import Cylinder
from physicl_twin.normalize.joints.frames import extents, flat_frame
from physicl_twin.normalize.joints.naming import Role
from physicl_twin.normalize.joints.scene import Group, Scene
from physicl_twin.normalize.joints.sweep import FACET
from physicl_twin.normalize.joints.twist import Twist

#: A panel is thinner than this share of its smaller side (judgement); named a lid or a door, a box counts, too.
_THIN, _THIN_NAMED = 0.3, 1.2
#: A rim is near what it closes up to this share of the panel's smaller side, metres at least (judgement).
_RIM, _RIM_LEAST_M = 0.03, 0.004
#: Something sticks out of the outer face when it does so by this share of the thickness (judgement).
_STICKS_OUT = 0.15
#: Panels without a gap may bite into what is beside them by so much, metres (judgement).
_BITE_M = 0.002
_GRID = 12
#: An edge at which a hinge is drawn is so many times likelier (judgement).
_DRAWN = 200.0


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """A flat thing with its outer face.

    Attributes:
        axes: (3, 3) rows: outward normal, width and height directions.
        low: (3,) lowest coordinates along the axes of the flat piece, metres.
        high: (3,) highest; the outer face is at ``high[0]``.
        grip: (2,) where things stick out of its outer face, -1..1 along width and height; None without any.
        near: (4,) share of each edge that has something beside or behind it: width low, width high, height low, high.
        open_behind: Share of the inner face behind which nothing is for three thicknesses.
        seated: True when something stops it inwards.
        inset: True when it stands in its opening.
        pins: Round hinges at its edges: number of the edge and the cylinder.
    """

    axes: FloatArray
    low: FloatArray
    high: FloatArray
    grip: FloatArray | None
    near: FloatArray
    open_behind: float
    seated: bool
    inset: bool
    pins: tuple[tuple[int, Cylinder], ...] = ()

    def place(self, outward: float, width: float, height: float) -> FloatArray:
        """(3,) point at shares 0..1 of the extents."""
        shares = np.array([outward, width, height])
        return np.asarray((self.low + shares * (self.high - self.low)) @ self.axes)


def panel_of(scene: Scene, group: Group, lenient: bool) -> Panel | None:
    """The panel that a group is; None when it is not flat or cannot come out on either side."""
    main = scene.pieces[scene.main(group)]
    frame = flat_frame(main)
    spans = extents(main.vertices, frame)
    size = spans[:, 1] - spans[:, 0]
    order = np.argsort(size, kind="stable")
    if size[order[0]] > (_THIN_NAMED if lenient else _THIN) * size[order[1]]:
        return None
    normal = frame[order[0]]
    others = scene.others(group)
    reach = 1.5 * float(size[order[0]]) + 0.01
    point = main.vertices.mean(axis=0)
    ways = [
        scene.travel(group, others, Twist("prismatic", sign * normal, point), reach, reach / 12) for sign in (1.0, -1.0)
    ]
    free = [way.stopped_by < 0 for way in ways]
    if not any(free):
        return None
    if all(free):
        around = scene.vertices(others)
        away = float((point - 0.5 * (around.min(axis=0) + around.max(axis=0))) @ normal)
        outward: FloatArray = normal if away >= 0 else np.negative(normal)
    else:
        outward = normal if free[0] else np.negative(normal)
    barrels = barrels_of(scene, group, outward)
    first, second = frame[order[1]], frame[order[2]]
    if barrels and max(abs(float(barrels[0].axis @ side)) for side in (first, second)) < PARALLEL:
        first = np.asarray(barrels[0].axis - (barrels[0].axis @ outward) * outward)
        first = first / np.linalg.norm(first)
        second = np.asarray(np.cross(outward, first))
    width, height = _sides(outward, first, second)
    axes = np.array([outward, width, height])
    spans = extents(main.vertices, axes)
    near, open_behind, inset = _surroundings(scene, group, axes, spans)
    pins = at_edges(barrels, axes, spans)
    grip = _grip(scene, group - {pin.piece for _, pin in pins}, axes, spans)
    return Panel(axes, spans[:, 0], spans[:, 1], grip, near, open_behind, not all(free), inset, pins)


def _sides(outward: FloatArray, first: FloatArray, second: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Width and height directions: the more upright one is the height, and points up."""
    height = second if abs(second[2]) >= abs(first[2]) else first
    if height[2] < 0:
        height = -height
    return np.asarray(np.cross(height, outward)), height


def _surroundings(scene: Scene, group: Group, axes: FloatArray, spans: FloatArray) -> tuple[FloatArray, float, bool]:
    """Share of each edge with something near, share of the inner face with nothing behind, and whether it is inset."""
    size = spans[:, 1] - spans[:, 0]
    others = scene.others(group)
    rim = max(_RIM * float(size[1:].min()), _RIM_LEAST_M)
    shares = (np.arange(_GRID) + 0.5) / _GRID
    edges = []
    for axis, side in ((1, 0), (1, 1), (2, 0), (2, 1)):
        found = np.zeros(_GRID, dtype=bool)
        for depth in (0.0, 0.5):
            points = np.zeros((_GRID, 3))
            points[:, 0] = spans[0, 0] + depth * size[0]
            points[:, axis] = spans[axis, side]
            points[:, 3 - axis] = spans[3 - axis, 0] + shares * size[3 - axis]
            found |= scene.gap(group, others, points @ axes, 2 * rim) <= rim
        edges.append(float(found.mean()))
    a, b = np.meshgrid(shares, shares)
    behind = np.stack(
        [np.full(a.size, spans[0, 0]), spans[1, 0] + a.ravel() * size[1], spans[2, 0] + b.ravel() * size[2]], 1
    )
    deep = 3 * float(size[0])
    clear = np.ones(len(behind), dtype=bool)
    for depth in np.linspace(0.05, 1.0, 8) * deep:
        points = (behind - np.array([depth, 0, 0])) @ axes
        clear &= scene.gap(group, others, points, deep) > 0.04 * deep
        for piece in scene.members(others):
            clear &= piece.depth(points) <= 0
    beside = scene.vertices(others) @ axes.T
    level = spans[0, 1] - 0.35 * size[0]
    around = beside[(beside[:, 0] >= level)]
    margin = 2 * rim
    inset = False
    if len(around):
        close = (around[:, 1:] > spans[1:, 0] - margin).all(axis=1) & (around[:, 1:] < spans[1:, 1] + margin).all(
            axis=1
        )
        inset = bool(close.sum() >= 4)
    return np.array(edges), float(clear.mean()), inset


def _grip(scene: Scene, group: Group, axes: FloatArray, spans: FloatArray) -> FloatArray | None:
    """Where what sticks out of the outer face is: the mean of its surface, -1..1."""
    thickness = float(spans[0, 1] - spans[0, 0])
    out = max(_STICKS_OUT * thickness, 0.003 * float((spans[1:, 1] - spans[1:, 0]).max()))
    points = np.concatenate([piece.surface[0] for piece in scene.members(group)]) @ axes.T
    found = points[points[:, 0] > spans[0, 1] + out]
    if len(found) < 4:
        return None
    size = np.ptp(found[:, 1:], axis=0) / (spans[1:, 1] - spans[1:, 0])
    if (size > 0.9).all():
        return None
    middle = 0.5 * (found[:, 1:].min(axis=0) + found[:, 1:].max(axis=0))
    return np.asarray(np.clip((middle - spans[1:].mean(axis=1)) / (0.5 * (spans[1:, 1] - spans[1:, 0])), -1, 1))


def panel_candidates(scene: Scene, group: Group, role: Role | None) -> list[Candidate]:
    """Hinges at the edges of a panel, likeliest first.

    Args:
        scene: The object.
        group: What may be a door or a lid.
        role: What its name says it is; None when no name does.
    """
    panel = panel_of(scene, group, role is not None)
    if panel is None:
        return []
    lid = abs(float(panel.axes[0, 2])) > 0.7
    edges = [_edge(scene, group, panel, number, lid) for number in range(4)]
    angles = np.array([edge[1] for edge in edges])
    usable = angles >= math.radians(scene.settings.least_angle_deg * 2)
    if not usable.any():
        return []
    odds = _edge_odds(scene, panel, angles, lid, role)
    odds = np.where(usable, odds, 0.0)
    odds = odds / odds.sum()
    found = []
    for number in np.argsort(-odds, kind="stable"):
        if odds[number] < 0.02:
            continue
        twist, angle, back = edges[int(number)]
        made = _candidate(scene, group, panel, twist, angle, back, float(odds[number]), lid)
        if any(edge == number for edge, _ in panel.pins):
            made = made.with_features(("A round hinge is drawn at that edge.",), hinge_pin=1.0)
        found.append(made)
    return found


def _edge(scene: Scene, group: Group, panel: Panel, number: int, lid: bool) -> tuple[Twist, float, float]:
    """The hinge at an edge (width low, width high, height low, height high), how far it opens, and how far back."""
    others = scene.others(group)
    step = math.radians(scene.settings.angle_step_deg)
    best: tuple[Twist, float, float] | None = None
    pins = [pin for edge, pin in panel.pins if edge == number]
    if pins:
        return _about_pin(scene, group, panel, pins)
    levels = (1.0, 0.0) if panel.inset and not lid else (0.0, 1.0)
    for level in levels:
        along = panel.axes[2] if number < 2 else panel.axes[1]
        share = float(number % 2)
        point = panel.place(level, share, 0.5) if number < 2 else panel.place(level, 0.5, share)
        middle = panel.place(0.5, 0.5, 0.5)
        # It opens when the middle of the panel moves outwards.
        speed = float(np.cross(along, middle - point) @ panel.axes[0])
        twist = Twist("revolute", along if speed > 0 else -along, point)
        ahead = scene.travel(group, others, twist, math.pi, step)
        if ahead.distance < math.radians(30.0):
            # Drawn without a gap, its far inner edge passes the other side by thickness squared over twice the width.
            thickness, width = float(np.ptp([panel.low[0], panel.high[0]])), 2 * twist.reach(middle[None])
            bite = min(0.6 * thickness**2 / width, _BITE_M)
            everything = frozenset(range(len(scene.pieces)))
            ahead = scene.travel(group, others, twist, math.pi, step, everything, bite / FACET)
        if best is None or ahead.distance > best[1] + math.radians(15):
            behind = scene.travel(group, others, twist.reversed, math.pi / 2, step)
            best = (twist, ahead.distance, behind.distance if behind.stopped_by >= 0 else math.inf)
        if best[1] > math.radians(80):
            break
    assert best is not None
    return best


def _about_pin(scene: Scene, group: Group, panel: Panel, pins: Sequence[Cylinder]) -> tuple[Twist, float, float]:
    """The hinge on a round pin that is drawn at an edge, as ``_edge``; what stands round it may cut it."""
    pin = max(pins, key=lambda one: one.length)
    speed = float(np.cross(pin.axis, panel.place(0.5, 0.5, 0.5) - pin.point) @ panel.axes[0])
    twist = Twist("revolute", pin.axis if speed > 0 else -pin.axis, pin.point)
    others = scene.others(group) - {one.piece for one in pins}
    everything = frozenset(range(len(scene.pieces)))
    step = math.radians(scene.settings.angle_step_deg)
    bite = pin.radius / FACET
    ahead = scene.travel(group, others, twist, math.pi, step, everything, bite)
    behind = scene.travel(group, others, twist.reversed, math.pi / 2, step)
    return twist, ahead.distance, behind.distance if behind.stopped_by >= 0 else math.inf


def _edge_odds(scene: Scene, panel: Panel, angles: FloatArray, lid: bool, role: Role | None) -> FloatArray:
    """(4,) relative odds of the edges (judgements): upright ones of doors, opposite to a grip, with something near."""
    odds: FloatArray = np.ones(4)
    if not lid:
        drops = bool({"oven", "dishwasher", "mailbox", "backofen", "four"} & set(scene.thing))
        flap = role is not None and role.id in ("flap", "lid")
        odds *= [0.05, 0.05, 1.0, 0.05] if drops else ([0.3, 0.3, 1.0, 1.5] if flap else [1.0, 1.0, 0.06, 0.06])
    else:
        size = panel.high - panel.low
        longer = size[1] >= size[2]
        odds *= [0.4, 0.4, 1.0, 1.0] if longer else [1.0, 1.0, 0.4, 0.4]
    if panel.grip is not None:
        for axis in range(2):
            off = float(panel.grip[axis])
            if abs(off) > 0.3:
                far, near = (2 * axis, 2 * axis + 1) if off > 0 else (2 * axis + 1, 2 * axis)
                odds[far] *= 12.0
                odds[near] *= 0.1
    held = panel.near
    for axis in range(2):
        low, high = held[2 * axis], held[2 * axis + 1]
        if abs(low - high) > 0.5:
            odds[2 * axis] *= 5.0 if low > high else 0.2
            odds[2 * axis + 1] *= 5.0 if high > low else 0.2
    odds *= np.clip(angles / math.radians(90), 0.05, 1.0) ** 2
    for number, _ in panel.pins:
        odds[number] *= _DRAWN
    return odds


def _candidate(
    scene: Scene, group: Group, panel: Panel, twist: Twist, angle: float, back: float, share: float, lid: bool
) -> Candidate:
    features: dict[str, float] = {"panel": 1.0}
    reasons = [f"A panel that opens {math.degrees(angle):.0f}° about its edge until it touches."]
    if angle >= math.pi - 1e-6:
        reasons = ["A panel that opens about its edge with nothing in the way."]
    if (panel.near > 0.6).sum() >= 3:
        features["rim"] = 1.0
        reasons.append("Its rim is near what it closes.")
    if panel.open_behind > 0.4:
        features["opening"] = 1.0
        reasons.append(f"Behind {panel.open_behind:.0%} of it is nothing.")
    if panel.seated:
        features["seated"] = 1.0
    if panel.grip is not None:
        features["grip"] = 1.0
        reasons.append("Something to take hold of sticks out of it.")
    if lid:
        features["level_panel"] = 1.0
    size = panel.high - panel.low
    if float(np.linalg.norm(size)) < 0.08 * scene.size:
        features["small"] = 1.0
    if share < 0.999:
        reasons.append(f"Which edge the hinge is at is {share:.0%} sure.")
    lower = 0.0 if back > math.radians(2.0) else -back
    if back > math.radians(2.0) and not math.isfinite(back):
        lower = 0.0
    return Candidate(
        group,
        scene.others(group),
        twist,
        lower,
        min(angle, math.pi),
        "panel",
        share=share,
        features=features,
        reasons=tuple(reasons),
    )
