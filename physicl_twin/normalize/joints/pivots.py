"""Hinges, pins, axles: what turns about a line on which round faces hold each other."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.joints.candidate import Candidate
from physicl_twin.normalize.joints.groups import Named, hangers_on, links_of
from physicl_twin.normalize.joints.lines import Hold, Line
from physicl_twin.normalize.joints.scene import Group, Scene
from physicl_twin.normalize.joints.twist import Twist

#: Angles about which a body of revolution looks the same; none is a fraction of a turn that a polygon has.
_TURNS = (0.37, 1.13, 2.03)
#: It looks the same when its surface stays within this share of its radius (judgement: facets, a pointer line).
_ROUND = 0.04
#: A pin has play when its hole is wider than this on the radius, metres (judgement: rounding of a file).
_PLAY_M = 2e-5
#: Knobs and wheels are wider than so many times what they turn on; heads and washers of screws are not (judgement).
_BROAD = 3.0
#: A contact is across the axis when its normal is along it to this cosine (18°).
_AXIAL = 0.95


def pivots(scene: Scene, lines: Sequence[Line], named: Sequence[Named]) -> list[Candidate]:
    """Candidates about all lines."""
    found = []
    for line in lines:
        found += _about(scene, line, lines, named)
    return found


def _about(scene: Scene, line: Line, lines: Sequence[Line], named: Sequence[Named]) -> list[Candidate]:
    cut = [row for row, contact in enumerate(scene.contacts) if contact.slides(line.twist) and not scene.alike(contact)]
    components = scene.components(cut, links_of(lines, line) - line.pairs)
    held = {index for hold in line.holds for index in (hold.a, hold.b)}
    taking_part = [group for group in components if group & held]
    pins = [group for group in taking_part if _is_pin(scene, group, line)]
    sides = [group for group in taking_part if group not in pins]
    if len(sides) < 2:
        sides, pins = taking_part, []
    if len(sides) < 2:
        return []
    sides, pins = _with_their_pins(scene, line, sides, pins)
    base = next((g for g in sides if scene.base in g), None) or _heaviest(scene, sides)
    found = []
    for group in sides:
        if group is base:
            continue
        apart = frozenset().union(*sides, *(pin for pin in pins if scene.base not in pin))
        grown = hangers_on(scene, group, [part for part in components if not part & apart])
        made = _judged(scene, grown, line, base, frozenset().union(*pins) if pins else frozenset(), named)
        if made is not None:
            found.append(made)
    return found


def _is_pin(scene: Scene, group: Group, line: Line) -> bool:
    """True for what only holds others on the line: round about it, and not the larger one of what it holds."""
    if scene.base in group or not is_round(scene, group, line.twist):
        return False
    mine = [hold for hold in line.holds if (hold.a in group) != (hold.b in group)]
    if not mine:
        return False
    own = line.twist.reach(scene.vertices(group))
    others = [hold.b if hold.a in group else hold.a for hold in mine]
    return (
        len(set(others)) >= 2 and all(own <= line.twist.reach(scene.pieces[o].vertices) + 1e-9 for o in others)
    ) or all(scene.meanings[index].kind == "fastener" for index in group)


def _with_their_pins(
    scene: Scene, line: Line, sides: Sequence[Group], pins: Sequence[Group]
) -> tuple[list[Group], list[Group]]:
    """The sides with the pins that are theirs: what has play in a hole is held where it has none, or falls out."""
    owned: dict[Group, Group] = {}
    for pin in pins:
        playing: set[Group] = set()
        firm: set[Group] = set()
        for hold in line.holds:
            if (hold.a in pin) != (hold.b in pin):
                side = next((group for group in sides if (hold.b if hold.a in pin else hold.a) in group), None)
                if side is not None:
                    (playing if hold.how == "pin" and hold.clearance > _PLAY_M else firm).add(side)
        if len(firm) == 1 and playing - firm:
            owned[pin] = next(iter(firm))
    grown = [side.union(*(pin for pin, owner in owned.items() if owner is side)) for side in sides]
    return grown, [pin for pin in pins if pin not in owned]


def _heaviest(scene: Scene, groups: Sequence[Group]) -> Group:
    return max(groups, key=lambda g: (float(np.prod(np.ptp(scene.vertices(g), axis=0) + 1e-6)), -min(g)))


def is_round(scene: Scene, group: Group, twist: Twist) -> bool:
    """True when turning the group about the axis does not change how it looks."""
    members = scene.members(group)
    radius = twist.reach(scene.vertices(group))
    for angle in _TURNS:
        for piece in members:
            points = twist.moved(piece.surface[0], angle)
            distance = np.min([other.distance(points)[0] for other in members], axis=0)
            if np.quantile(distance, 0.9) > _ROUND * radius:
                return False
    return True


def _judged(
    scene: Scene, group: Group, line: Line, base: Group, pins: Group, named: Sequence[Named]
) -> Candidate | None:
    twist = line.twist
    obstacles = scene.others(group) - pins
    step = math.radians(scene.settings.angle_step_deg)
    free = (math.pi, math.pi)
    if not is_round(scene, group, twist):  # what looks the same however it is turned touches nothing new
        radius = max(hold.radius + hold.clearance for hold in line.holds)
        forward = scene.travel(group, obstacles, twist, math.pi, step, line.pieces, radius)
        backward = scene.travel(group, obstacles, twist.reversed, math.pi, step, line.pieces, radius)
        free = (backward.distance, forward.distance)
    holds = [h for h in line.holds if _between(h, group, pins)]
    if not holds:
        return None
    return pivot_candidate(scene, group, twist, free, holds, base, line)


def _between(hold: Hold, group: Group, pins: Group) -> bool:
    a, b = hold.a in group, hold.b in group
    return (a != b and (hold.a if a else hold.b) in group) or (a != b and bool({hold.a, hold.b} & pins))


def pivot_candidate(
    scene: Scene,
    group: Group,
    twist: Twist,
    free: tuple[float, float],
    holds: Sequence[Hold],
    partners: Group,
    line: Line,
) -> Candidate | None:
    """The candidate of a group that turns about a line, with what speaks for and against it.

    Args:
        scene: The object.
        group: What moves.
        twist: About the line.
        free: How far it turns backwards and forwards before it touches, radians, at most pi each.
        holds: Who holds it.
        partners: The other side.
        line: With the round faces.
    """
    backward, forward = free
    if backward > forward:
        twist, backward, forward = twist.reversed, forward, backward
    full = backward >= math.pi - 1e-6 and forward >= math.pi - 1e-6
    if forward + backward < math.radians(scene.settings.least_angle_deg):
        return None
    vertices = scene.vertices(group)
    round_one = is_round(scene, group, twist)
    reach = twist.reach(vertices)
    features: dict[str, float] = {"pivot": 1.0}
    reasons = []
    pins = [h for h in holds if h.how == "pin"]
    if pins:
        features["pin_in_hole"] = 1.0
        loosest = max(h.clearance for h in pins)
        reasons.append(
            f"A pin of {2e3 * pins[0].radius:.3g} mm sits in a hole with {1e3 * loosest:.2g} mm of play on the radius."
        )
        if loosest > _PLAY_M:
            features["clearance"] = 1.0
            sides = _axial_contacts(scene, group, twist)
            if sides == 0:
                features["floating"] = 1.0
                reasons.append("It touches nothing: it has play along the axis, too.")
            elif sides == 1 and not any(hold.a in group for hold in pins) and len({hold.a for hold in pins}) == 1:
                features["unclamped"] = 1.0
                reasons.append("It is on a loose pin, and nothing clamps it between two faces.")
            elif sides == 2:
                features["clamped"] = 1.0
        else:
            features["pressed"] = 1.0
    elif any(h.how == "knuckle" for h in holds):
        features["knuckles"] = 1.0
        reasons.append("Round knuckles of both sides stand beside each other on one axis.")
    elif any(h.how == "stuck" for h in holds):
        features["stuck_pin"] = 1.0
        reasons.append("A round pin on the axis is in the other side.")
    else:
        features["butt"] = 1.0
        reasons.append("A round face on the axis stands against the other side.")
    stations = _stations(holds)
    if stations >= 2:
        features["stations"] = 1.0
        reasons.append(f"It is held at {stations} places along the axis.")
    if len([h for h in holds if h.how == "knuckle"]) >= 1 and pins:
        features["knuckles_and_pin"] = 1.0
    if round_one:
        features["round"] = 1.0
        reasons.append("It looks the same however it is turned.")
    else:
        centre = vertices.mean(axis=0)[None]
        off = float(twist.distances(0.5 * (vertices.min(axis=0) + vertices.max(axis=0))[None])[0])
        del centre
        if off > 0.3 * reach:
            features["eccentric"] = 1.0
            reasons.append("The axis runs along its side and not through its middle.")
    angle = math.degrees(forward + backward)
    if not full and not round_one:
        features["limited"] = 1.0
        reasons.append(f"It turns {angle:.0f}° until it touches.")
    if not full and backward < math.radians(6.0) and forward > math.radians(60.0):
        features["closed"] = 1.0
        reasons.append("It stands at one end of its way, as something that is closed.")
    if round_one and "clearance" in features and reach > _BROAD * max(h.radius for h in pins):
        features["broad"] = 1.0
        reasons.append("It is much wider than what it turns on.")
    elif reach < 0.04 * scene.size:
        features["small"] = 1.0
    features |= wheel_features(scene, group, twist, line) if round_one else {}
    if "wheel" in features:
        reasons.append("It is a disc that stands on the ground, its axis level, and there are more of its kind.")
    lower = None if full else -backward
    upper = None if full else forward
    return Candidate(
        group,
        partners,
        _anchored(twist, vertices),
        lower,
        upper,
        "spin" if round_one else "pivot",
        holders=frozenset(index for hold in holds for index in (hold.a, hold.b)) - group,
        features=features,
        reasons=tuple(reasons),
    )


def _anchored(twist: Twist, vertices: FloatArray) -> Twist:
    """The same turn with its point beside the middle of what moves."""
    middle = 0.5 * (vertices.min(axis=0) + vertices.max(axis=0))
    return Twist(twist.kind, twist.axis, twist.point + twist.axis * float((middle - twist.point) @ twist.axis))


def _axial_contacts(scene: Scene, group: Group, twist: Twist) -> int:
    """On how many of its two ends along the axis a group stands against something; 3 where it is stuck otherwise."""
    ends: set[int] = set()
    for contact, first in scene.between(group, scene.others(group)):
        if not contact.slides(twist):
            return 3
        along = (contact.normals if first else -contact.normals) @ twist.axis
        ends |= {int(sign) for sign in np.sign(along[np.abs(along) > _AXIAL])}
    return len(ends)


def _stations(holds: Sequence[Hold]) -> int:
    """Places along the axis that are apart by more than two diameters."""
    spans = sorted((h.low, h.high, h.radius) for h in holds)
    count, end = 0, -math.inf
    for low, high, radius in spans:
        if low > end + 4 * radius:
            count += 1
        end = max(end, high)
    return count


def wheel_features(scene: Scene, group: Group, twist: Twist, line: Line | None) -> dict[str, float]:
    """What makes a disc a wheel: it reaches the ground, its axis is level, there is another one like it."""
    reach = twist.reach(scene.vertices(group))
    low = float(scene.vertices(group)[:, 2].min())
    level = abs(float(twist.axis[2])) < 0.1
    ground = float(scene.bounds[0, 2])
    on_ground = level and low < ground + 0.02 * reach + 1e-4
    main = scene.pieces[scene.main(group)]
    length = float(np.ptp(main.vertices @ twist.axis))
    twins = apart = 0
    for piece in scene.pieces:
        if piece.index in group or abs(piece.diagonal - main.diagonal) > 0.02 * main.diagonal:
            continue
        alike = len(piece.faces) == len(main.faces) or abs(abs(piece.volume) / abs(main.volume) - 1.0) < 0.02
        if alike and float(np.ptp(piece.vertices @ twist.axis)) < 1.3 * length:
            twins += 1
            middle = 0.5 * (piece.bounds[0] + piece.bounds[1])[None]
            apart += float(twist.distances(middle)[0]) > reach and float(piece.bounds[0, 2]) < ground + 0.05 * reach
    # A roller on the ground is a pin in its holes; a disc is thicker than what it turns on, if it turns on anything.
    pins = [c.radius for c in line.cylinders if c.piece not in group] if line is not None else []
    pin = min((radius for radius in pins if radius < 0.98 * reach), default=0.0)
    found: dict[str, float] = {}
    if on_ground and reach > 0.015 * scene.size and reach > 1.5 * pin:
        found["wheel"] = 1.0
        if twins:
            found["wheel_twins"] = 1.0
        if twins >= 3 and apart:
            found["wheel_axles"] = 1.0
    return found
