"""Drawers, sashes, sliders: what is caged on all sides but one direction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.joints.candidate import Candidate
from physicl_twin.normalize.joints.frames import extents, frame_of
from physicl_twin.normalize.joints.groups import links_of
from physicl_twin.normalize.joints.lines import Line
from physicl_twin.normalize.joints.pivots import is_round
from physicl_twin.normalize.joints.scene import Group, Scene
from physicl_twin.normalize.joints.twist import Twist

#: A slide has play when it moves sideways by more than this, metres: below, parts touch.
_PLAY_M = 5e-5
#: A plate is thinner than this share of its smaller side (judgement, as a panel); pieces below this share of the
#: largest one's diagonal say nothing of that: handles, screws (judgement).
_PLATE, _LARGE = 0.2, 0.5
#: A close fit: play across is less than this share of the width; a rail: it goes along it for more than so many of its
#: own lengths (judgements: half a millimetre of 20; carriages go far, drawers once their depth).
_CLOSE, _RAIL = 0.03, 1.5
#: What is foremost within this share of the length, and how much of the front a grip covers at most (judgements).
_TIP, _SMALL_FACE = 0.01, 0.2
#: Pieces are alike when diagonals and volumes agree to this; so many others are a heap, a store, a stack (judgements).
_ALIKE, _SEVERAL = 0.01, 3
#: Extent at which sideways play is looked for, shares of the extent along the slide.
_ALONG = (0.15, 0.3, 0.5, 0.7, 0.8, 0.9, 0.97)


@dataclass(frozen=True, slots=True)
class Cage:
    """Sideways play: how far it moves either way along both axes across, metres; infinite when nothing stops it."""

    plays: tuple[float, float, float, float]

    @property
    def closed(self) -> bool:
        """True when something stops it on every side."""
        return all(np.isfinite(play) for play in self.plays)

    @property
    def sides(self) -> int:
        """On how many sides something stops it."""
        return sum(bool(np.isfinite(play)) for play in self.plays)


def sliding_groups(scene: Scene, lines: Sequence[Line]) -> list[tuple[Group, FloatArray]]:
    """Groups that come apart from the base when contacts that slide along an axis of the base do not count."""
    found: list[tuple[Group, FloatArray]] = []
    for axis in frame_of(scene, frozenset([scene.base])):
        twist = Twist("prismatic", axis, scene.pieces[scene.base].vertices.mean(axis=0))
        cut = {row for row, contact in enumerate(scene.contacts) if contact.slides(twist)}
        links = {pair for pair in links_of([line for line in lines if abs(float(line.twist.axis @ axis)) < 0.99])}
        for group in scene.components(cut, links):
            if scene.base not in group and _touches(scene, group, cut):
                found.append((group, axis))
    return found


def _touches(scene: Scene, group: Group, cut: set[int]) -> bool:
    return any((scene.contacts[row].a in group) != (scene.contacts[row].b in group) for row in cut)


def slide_candidates(scene: Scene, group: Group, axes: Sequence[FloatArray], named: bool) -> list[Candidate]:
    """Candidates of a group along axes; ``named`` when a name says that it slides, which forgives an open side."""
    found = []
    for axis in axes:
        made = _along(scene, group, axis, named)
        if made is not None:
            found.append(made)
    return found


def _along(scene: Scene, group: Group, axis: FloatArray, named: bool) -> Candidate | None:
    s = scene.settings
    vertices = scene.vertices(group)
    length = float(np.ptp(vertices @ axis))
    if not named and _is_plate(scene, group, axis):
        return None
    middle = 0.5 * (vertices.min(axis=0) + vertices.max(axis=0))
    whole = float(np.ptp(scene.vertices(range(len(scene.pieces))) @ axis))
    twist = Twist("prismatic", axis, middle)
    others = scene.others(group)
    reach = length + whole
    step = max(min(reach / s.slide_steps, 0.2 * length), reach / 200, 1e-5)
    forward = scene.travel(group, others, twist, reach, step)
    backward = scene.travel(group, others, twist.reversed, reach, step)
    if backward.distance > forward.distance:
        twist, forward, backward = twist.reversed, backward, forward
    stroke_least = s.least_stroke * length
    if forward.distance < stroke_least:
        return None
    leaves = forward.stopped_by < 0
    across = _across(axis)
    cage = _cage(scene, group, across, twist, 0.0)
    # The sweep went the tolerance too far on both sides.
    play = [max(0.0, one + other - 2 * scene.tolerance_m) for one, other in (cage.plays[:2], cage.plays[2:])]
    widths = np.ptp(vertices @ across.T, axis=0)
    close = [_PLAY_M < one < _CLOSE * width for one, width in zip(play, widths, strict=True)]
    if not cage.closed and not (cage.sides >= 3 and (named or any(close))):
        return None
    ahead = _guided(scene, group, across, twist, cage, forward.distance, length)
    if ahead < 0.5 * stroke_least:
        return None
    upper = min(forward.distance, s.guided_share * ahead) if leaves else forward.distance
    behind = _guided(scene, group, across, twist.reversed, cage, backward.distance, length)
    lower = -backward.distance
    if backward.stopped_by < 0:
        if ahead < 0.45 * length:
            return None  # out on either end and hardly guided
        lower = -s.guided_share * behind
    fits = any(close) and (all(close) or not cage.closed)
    rail = fits and ahead + behind > _RAIL * length and not scene.between(group, others)
    if not cage.closed and not named and not rail:
        return None
    features: dict[str, float] = {"slide": 1.0}
    reasons = [
        f"It is stopped on {cage.sides} sides across and slides {1e3 * upper:.0f} mm "
        + ("until it touches." if not leaves else "while it is still guided.")
    ]
    if rail:
        features["rail"] = 1.0
        reasons.append("It fits closely round or in something that is longer than itself.")
    if all(p > _PLAY_M for p in play):
        features["loose"] = 1.0
        reasons.append(f"It has {1e3 * min(play):.2g} mm of play sideways.")
    elif all(p <= _PLAY_M for p in play):
        features["tight"] = 1.0
    if not cage.closed:
        features["open_side"] = 1.0
    elif _caged_by_its_like(scene, group, across, twist):
        features["heap"] = 1.0
        reasons.append("Without others like it nothing would guide it: it lies among them.")
    if backward.distance < 0.1 * length and forward.distance > 0.6 * length:
        features["closed_drawer"] = 1.0
        reasons.append("It stands at the inner end of its way.")
        if _sticks_out(scene, group, axis=twist.axis, across=across):
            features["grip"] = 1.0
            reasons.append("Something to take hold of sticks out in front.")
    if not leaves:
        features["stopped"] = 1.0
    elif backward.stopped_by < 0:
        features["unstopped"] = 1.0
    if abs(float(twist.axis[2])) > 0.5:
        features["upright"] = 1.0
    if _hollow(scene, group):
        features["hollow"] = 1.0
        reasons.append("It is a tray: most of its bounds are empty.")
    if np.linalg.norm(np.ptp(vertices, axis=0)) < 0.05 * scene.size:
        features["small"] = 1.0
    if _on_one_pin(scene, group, axis):
        features["on_pin"] = 1.0
    if is_round(scene, group, Twist("revolute", axis, middle)):
        features["round_slide"] = 1.0
    partners = frozenset(i for i in others if _guides(scene, group, i))
    return Candidate(
        group,
        partners or others,
        twist,
        lower,
        upper,
        "slide",
        features=features,
        reasons=tuple(reasons),
    )


def _caged_by_its_like(scene: Scene, group: Group, across: FloatArray, twist: Twist) -> bool:
    """True when several pieces of the same size stand round it and nothing would stop it sideways without them."""
    main = scene.pieces[scene.main(group)]
    like = [
        piece.index
        for piece in scene.members(scene.others(group))
        if abs(piece.diagonal / main.diagonal - 1.0) < _ALIKE and abs(abs(piece.volume / main.volume) - 1.0) < _ALIKE
    ]
    return len(like) >= _SEVERAL and not _cage(scene, group, across, twist, 0.0, frozenset(like)).closed


def _on_one_pin(scene: Scene, group: Group, axis: FloatArray) -> bool:
    """True when it goes along a single pin, about which it could turn as well: a knuckle; two rods guide a slide."""
    pins = {one for one, other in scene.held if (one in group) != (other in group)}
    along = [one for one in scene.cylinders if one.piece in pins and one.convex and abs(float(one.axis @ axis)) > 0.99]
    lines = [Twist("revolute", one.axis, one.point) for one in along[:1]]
    return bool(lines) and all(float(lines[0].distances(one.point[None])[0]) < one.radius for one in along)


def _sticks_out(scene: Scene, group: Group, axis: FloatArray, across: FloatArray) -> bool:
    """True when little of what moves is foremost: a knob or a bow before the front."""
    points = np.concatenate([piece.vertices for piece in scene.members(group)])
    along, beside = points @ axis, points @ across.T
    foremost = beside[along > along.max() - _TIP * np.ptp(along)]
    return float(np.prod(np.ptp(foremost, axis=0))) < _SMALL_FACE * float(np.prod(np.ptp(beside, axis=0)))


def _is_plate(scene: Scene, group: Group, axis: FloatArray) -> bool:
    """True for plates across the axis alone: they come out as a door does, guided by nothing; a drawer has sides."""
    main = scene.pieces[scene.main(group)]
    across = np.ptp(main.vertices @ _across(axis).T, axis=0)
    large = [piece for piece in scene.members(group) if piece.diagonal >= _LARGE * main.diagonal]
    return bool(max(np.ptp(piece.vertices @ axis) for piece in large) < _PLATE * across.min())


def _guided(
    scene: Scene, group: Group, across: FloatArray, twist: Twist, cage: Cage, most: float, length: float
) -> float:
    """How far it goes with something on as many sides as at the start, at most its own length and ``most``, metres."""
    for share in _ALONG:
        at = share * length
        if at > most:
            return most
        if _cage(scene, group, across, twist, at).sides < cage.sides:
            return at
    return min(length, most)


def _across(axis: FloatArray) -> FloatArray:
    """(2, 3) directions across an axis; one of them level or upright where that is possible."""
    up = np.array([0.0, 0.0, 1.0])
    first = up - (up @ axis) * axis
    if np.linalg.norm(first) < 0.5:
        first = np.eye(3)[int(np.argmin(np.abs(axis)))]
        first = first - (first @ axis) * axis
    first = first / np.linalg.norm(first)
    return np.array([np.cross(axis, first), first])


def _cage(
    scene: Scene, group: Group, across: FloatArray, twist: Twist, at: float, without: Group = frozenset()
) -> Cage:
    """Sideways play where the group has moved to a coordinate of its slide, as if some pieces were not there."""
    vertices = scene.vertices(group)
    others = scene.others(group) - without
    plays = []
    for axis in across:
        size = float(np.ptp(vertices @ axis))
        reach = max(scene.settings.most_play * size, 4 * scene.tolerance_m)
        for sense in (1.0, -1.0):
            way = Twist("prismatic", sense * axis, twist.point, at * twist.axis)
            found = scene.travel(group, others, way, reach, reach / 6)
            plays.append(found.distance if found.stopped_by >= 0 else np.inf)
    return Cage((plays[0], plays[1], plays[2], plays[3]))


def _hollow(scene: Scene, group: Group) -> bool:
    """True when solid matter fills less than 45 % of the group's bounds in its own axes (judgement)."""
    axes = frame_of(scene, group)
    size = np.ptp(extents(scene.vertices(group), axes), axis=1)
    filled = sum(abs(piece.volume) for piece in scene.members(group) if piece.closed)
    return bool(size.min() > 0.15 * size.max() and filled < 0.45 * float(np.prod(size)))


def _guides(scene: Scene, group: Group, other: int) -> bool:
    """True for a piece whose bounds are beside the group's."""
    vertices = scene.vertices(group)
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    margin = 0.02 * float(np.linalg.norm(high - low))
    bounds = scene.pieces[other].bounds
    return bool((bounds[0] <= high + margin).all() and (bounds[1] >= low - margin).all())
